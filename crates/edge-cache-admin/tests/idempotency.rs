//! Requests that are carried out once, on a real server.

use edge_cache::Redis;
use edge_cache_admin::admin::idempotency::{Claim, IdempotencyClaim, IdempotencyKey, KeptAnswer};
use edge_cache_testing::{RedisServer, client};
use redis::Commands;

fn key(request: &str) -> IdempotencyKey {
    IdempotencyKey::new("ada", b"7", &[request.as_bytes()]).unwrap()
}

async fn begin(redis: &impl Redis, owner: &str) -> IdempotencyClaim {
    match key("clear").claim(redis, owner.into()).await.unwrap() {
        Claim::Begun(claim) => claim,
        other => panic!("{other:?}"),
    }
}

async fn claim(redis: &impl Redis, request: &str) -> Claim {
    key(request).claim(redis, "other".into()).await.unwrap()
}

/// The time that the only key has left, in milliseconds.
fn time_left(server: &RedisServer) -> u64 {
    let mut redis = server.connection();
    let names: Vec<String> = redis.keys("cache:idempotency:*").unwrap();
    redis.pttl(&names[0]).unwrap()
}

#[tokio::test]
async fn a_request_is_begun_once_and_then_answered() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let begun = begin(&redis, "one").await;
    assert!(matches!(claim(&redis, "clear").await, Claim::Running));
    assert!(matches!(claim(&redis, "other").await, Claim::OtherRequest));

    begun.keep(&redis, "head", "{\"é\":1}").await.unwrap();

    let Claim::Answered(answer) = claim(&redis, "clear").await else {
        panic!("not answered");
    };
    let expected = KeptAnswer {
        head: "head".into(),
        body: "{\"é\":1}".into(),
        is_cut: false,
    };
    assert_eq!(answer, expected);
    assert!(matches!(claim(&redis, "other").await, Claim::OtherRequest));
}

#[tokio::test]
async fn a_claim_ends_with_its_lease_and_an_answer_after_a_day() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let begun = begin(&redis, "one").await;
    assert!((50_000..=60_000).contains(&time_left(&server)));

    let mut other = server.connection();
    let names: Vec<String> = other.keys("cache:idempotency:*").unwrap();
    let () = other.pexpire(&names[0], 1000).unwrap();
    begun.renew(&redis).await.unwrap();
    assert!((50_000..=60_000).contains(&time_left(&server)));

    begun.keep(&redis, "head", "body").await.unwrap();
    assert!((86_000_000..=86_400_000).contains(&time_left(&server)));
}

#[tokio::test]
async fn a_request_that_lost_its_claim_changes_nothing_about_it() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let late = begin(&redis, "late").await;
    let () = server.connection().flushall().unwrap();
    let begun = begin(&redis, "next").await;

    late.renew(&redis).await.unwrap();
    late.keep(&redis, "late", "late").await.unwrap();
    assert!(matches!(claim(&redis, "clear").await, Claim::Running));

    begun.free(&redis).await.unwrap();
    begin(&redis, "third").await;
}

#[tokio::test]
async fn a_repeated_call_finds_its_own_claim() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    begin(&redis, "one").await;
    begin(&redis, "one").await;
}

#[tokio::test]
async fn of_a_long_body_only_the_fact_is_kept() {
    let server = RedisServer::start();
    let redis = client(&server.url(0));
    let begun = begin(&redis, "one").await;
    let long = "x".repeat(256 << 10);
    begun.keep(&redis, "head", &long).await.unwrap();

    let Claim::Answered(answer) = claim(&redis, "clear").await else {
        panic!("not answered");
    };
    assert!(answer.is_cut && answer.body.is_empty());
    assert_eq!(answer.head, "head");
}
