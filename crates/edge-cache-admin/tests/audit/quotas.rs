//! Quotas of tokens.

use std::time::Duration;

use edge_cache_testing::{RedisServer, client};
use redis::Commands;

use crate::{change, page, recorded, trail_connection};

#[tokio::test]
async fn only_changes_past_a_tokens_own_quota_are_summed_up() {
    let server = RedisServer::start();
    let (redis, mut other) = (client(&server.url(1)), trail_connection(&server));
    change("admin", "important")
        .write_finished(&redis)
        .await
        .unwrap();

    for n in 0..1_000 {
        let mut record = change("ops", &format!("r{n}"));
        let intent = record.write_intent(&redis).await.unwrap();
        let failure = edge_cache_admin::Error::NotFound("x".into());
        record.finish(
            Duration::ZERO,
            if n % 10 == 9 { Err(&failure) } else { Ok(2) },
        );
        record.write_outcome(&intent, &redis).await.unwrap();
    }

    change("other", "later")
        .write_finished(&redis)
        .await
        .unwrap();
    assert_eq!(recorded(&redis).await, 302);

    // A minute later.
    let sum: String = other.hget("cache:audit:sums", "1|ops|invalidate").unwrap();
    let (numbers, rest) = sum.split_once('\n').unwrap();
    let fields: Vec<&str> = numbers.split(' ').collect();

    assert_eq!(fields[..4], ["1", "700", "70", "1260"]);

    let old = format!("1 700 70 1260 1 {}\n{rest}", fields[5]);
    let () = other
        .hset("cache:audit:sums", "1|ops|invalidate", old)
        .unwrap();
    let read = page(&redis, "limit=100").await;
    let summed = &read.entries[0].record;
    let alike = summed.alike.as_ref().unwrap();

    assert_eq!(
        (
            summed.outcome.as_str(),
            summed.who.as_str(),
            summed.action.as_str()
        ),
        ("summed", "ops", "invalidate")
    );
    assert_eq!(
        (
            alike.count,
            alike.failed,
            alike.keys_deleted,
            summed.keys_deleted
        ),
        (700, 70, 1260, 1260)
    );
    assert!(!other.exists::<_, bool>("cache:audit:sums").unwrap());

    let counted: u64 = other
        .hget("cache:counters", "changes:invalidate/ok")
        .unwrap();
    assert_eq!(counted, 902, "all are counted");
}

#[tokio::test]
async fn a_token_has_a_quota_of_bytes_per_day() {
    let server = RedisServer::start();
    let (redis, mut other) = (client(&server.url(1)), trail_connection(&server));
    let () = other.set("cache:audit:day:ops", (4 << 20) - 100).unwrap();
    change("ops", "fits no more")
        .write_finished(&redis)
        .await
        .unwrap();
    assert_eq!(recorded(&redis).await, 0);
    assert_eq!(other.hlen::<_, u64>("cache:audit:sums").unwrap(), 1);
}

#[tokio::test]
async fn a_quota_counter_that_was_persisted_expires_again() {
    let server = RedisServer::start();
    let (redis, mut other) = (client(&server.url(1)), trail_connection(&server));
    let () = other.set("cache:audit:minute:ops", 1_000).unwrap();
    change("ops", "r").write_finished(&redis).await.unwrap();
    let left: i64 = other.pttl("cache:audit:minute:ops").unwrap();
    assert!((1..=60_000).contains(&left), "{left}");
}
