//! Invalidation against a real server.

use edge_cache_admin::admin::invalidate::{InvalidateReport, InvalidateRequest};
use edge_cache_testing::{RedisServer, client};
use redis::Commands;
use serde_json::json;

async fn run(server: &RedisServer, body: serde_json::Value) -> InvalidateReport {
    InvalidateRequest::parse(body.to_string().as_bytes())
        .unwrap()
        .run(&client(&server.url(0)))
        .await
        .unwrap()
}

fn fill(other: &mut redis::Connection, prefix: &str, count: usize, tag: Option<&str>) {
    let mut pipe = redis::pipe();
    for n in 0..count {
        pipe.set(format!("{prefix}{n}"), n).ignore();
        if let Some(tag) = tag {
            pipe.sadd(format!("cache:tags:{tag}"), format!("{prefix}{n}"))
                .ignore();
        }
    }
    pipe.exec(other).unwrap();
}

#[tokio::test]
async fn each_part_is_reported_by_itself() {
    let server = RedisServer::start();
    let mut other = server.connection();
    fill(&mut other, "users:", 15, None);
    fill(&mut other, "products:", 6, Some("product-catalog"));
    let _: () = other.set("user:123", 1).unwrap();
    let body = json!({ "keys": ["user:123", "user:456"], "patterns": ["users:*"], "tags": ["product-catalog", "none"] });
    let report = run(&server, body).await;

    assert_eq!(
        (report.keys.as_slice(), report.keys_not_found.as_slice()),
        (&["user:123".to_owned()][..], &["user:456".to_owned()][..])
    );
    assert_eq!(
        (
            report.patterns["users:*"],
            report.tags["product-catalog"],
            report.tags["none"]
        ),
        (15, 6, 0)
    );
    assert_eq!(report.keys_invalidated(), 22);

    let left: usize = redis::cmd("DBSIZE").query(&mut other).unwrap();
    assert_eq!(
        left, 1,
        "the tag's set is removed with its keys; the fences remain, for loads in flight"
    );
}

#[tokio::test]
async fn names_that_are_not_utf8_are_invalidated_by_base64() {
    let server = RedisServer::start();
    let mut other = server.connection();
    let _: () = other.set(b"\xff\xfe", 1).unwrap();
    let report = run(&server, json!({ "keys": [{ "base64": "//4=" }] })).await;
    assert_eq!(report.keys, ["\\xff\\xfe"]);
}

#[tokio::test]
async fn a_tag_of_many_keys_is_emptied_in_slices() {
    let server = RedisServer::start();
    let mut other = server.connection();
    fill(&mut other, "k:", 3500, Some("big"));
    fill(&mut other, "other:", 5, None);
    assert_eq!(
        run(&server, json!({ "tags": ["big"] })).await.tags["big"],
        3500
    );
    let left: usize = redis::cmd("DBSIZE").query(&mut other).unwrap();
    assert_eq!(left, 5 + 1);
}

#[tokio::test]
async fn the_next_invalidation_finishes_an_interrupted_one() {
    let server = RedisServer::start();
    let mut other = server.connection();
    fill(&mut other, "k:", 10, None);
    let _: () = other
        .sadd("cache:tags-aside:{cache:tags:t}", &["k:1", "k:2"])
        .unwrap();
    let _: () = other.sadd("cache:tags:t", &["k:3"]).unwrap();
    assert_eq!(run(&server, json!({ "tags": ["t"] })).await.tags["t"], 3);
    let left: usize = redis::cmd("DBSIZE").query(&mut other).unwrap();
    assert_eq!(left, 7 + 1);
}

#[tokio::test]
async fn members_set_aside_are_removed_in_bounded_slices() {
    let server = RedisServer::start();
    let mut other = server.connection();
    fill(&mut other, "k:", 7500, None);
    let names = |from: usize, to: usize| (from..=to).map(|n| format!("k:{n}")).collect::<Vec<_>>();
    let sets = [
        "cache:tags-aside:{cache:tags:t}",
        "cache:tags-aside:{cache:tags:t}:2",
        "cache:tags:t",
    ];

    for (set, names) in sets
        .iter()
        .zip([names(1, 2500), names(2501, 5000), names(5001, 7000)])
    {
        let _: () = other.sadd(*set, names).unwrap();
    }

    redis::cmd("CONFIG")
        .arg("RESETSTAT")
        .exec(&mut other)
        .unwrap();
    assert_eq!(run(&server, json!({ "tags": ["t"] })).await.tags["t"], 7000);

    let stats: String = redis::cmd("INFO")
        .arg("commandstats")
        .query(&mut other)
        .unwrap();
    assert!(
        !stats.contains("cmdstat_sunionstore") && !stats.contains("cmdstat_smembers"),
        "{stats}"
    );

    let left: usize = redis::cmd("DBSIZE").query(&mut other).unwrap();
    assert_eq!(left, 500 + 1);
}

#[tokio::test]
async fn a_pattern_of_up_to_1000_keys_is_removed_in_one_step_and_a_larger_one_completely() {
    let server = RedisServer::start();
    let mut other = server.connection();
    fill(&mut other, "noise:", 9000, None);
    fill(&mut other, "small:", 1000, None);
    fill(&mut other, "large:", 5000, None);
    redis::cmd("CONFIG")
        .arg("RESETSTAT")
        .exec(&mut other)
        .unwrap();

    assert_eq!(
        run(&server, json!({ "patterns": ["small:*"] }))
            .await
            .patterns["small:*"],
        1000
    );

    let stats: String = redis::cmd("INFO")
        .arg("commandstats")
        .query(&mut other)
        .unwrap();
    // One for the keys, one for their load locks, and two that begin the stream of fences.
    assert!(stats.contains("cmdstat_unlink:calls=4,"), "{stats}");
    assert_eq!(
        run(&server, json!({ "patterns": ["large:*"] }))
            .await
            .patterns["large:*"],
        5000
    );

    let left: usize = redis::cmd("DBSIZE").query(&mut other).unwrap();
    assert_eq!(left, 9000 + 1);
}

#[tokio::test]
async fn a_dry_run_counts_each_key_once_for_the_part_that_would_remove_it_first() {
    let server = RedisServer::start();
    let mut other = server.connection();
    fill(&mut other, "k:", 30, Some("t"));
    let body = json!({ "keys": ["k:1", "x"], "patterns": ["k:*"], "tags": ["t"], "dryRun": true });
    let report = run(&server, body).await;
    assert_eq!(
        (report.keys.len(), report.patterns["k:*"], report.tags["t"]),
        (1, 0, 29)
    );
    let left: usize = redis::cmd("DBSIZE").query(&mut other).unwrap();
    assert_eq!(left, 31);
}
