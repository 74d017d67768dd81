//! Samples of databases with more keys.

use edge_cache::redis::{Command, Redis, concurrently};
use edge_cache_testing::{Cluster, ClusterOptions, RedisServer, ServerKind, client};
use serde_json::{Value, json};

use crate::shared::{analyse, fill, group};

/// Asserts that most intervals contain what a look at all keys found, and returns how many do not.
#[track_caller]
fn assert_intervals_hold(sample: &Value, whole: &Value) {
    let (mut held, mut all) = (0, 0);
    for group in sample["groups"].as_array().unwrap() {
        let found = whole["groups"].as_array().unwrap().iter();
        let mut found = found.filter(|other| other["prefix"] == group["prefix"]);
        let Some(exact) = found.next() else { continue };
        for figure in ["keys", "bytes", "share"] {
            let value = exact[figure]["value"].as_f64().unwrap();
            let bound = |name: &str| group[figure][name].as_f64().unwrap();
            // Shares are rounded to billionths.
            let holds = bound("low") <= value + 2e-9 && value <= bound("high") + 2e-9;
            held += usize::from(holds);
            all += 1;
        }
    }
    assert!(all >= 30, "{all} figures of {sample:#}");
    assert!(held * 100 >= all * 85, "{held} of {all} intervals hold");
}

/// A name among 40 prefixes, of which each has fewer keys than the one before.
fn skewed(number: usize) -> String {
    let prefix = (number as f64).sqrt() as usize % 40;
    format!("m{prefix}:page:{number}")
}

#[tokio::test]
async fn most_intervals_of_a_sample_hold() {
    for kind in ServerKind::ALL {
        let server = RedisServer::of_kind(kind, &[]);
        fill(&server, 30_000, 20, skewed);
        fill(&server, 3_000, 900, |n| format!("large:{n}"));
        let (redis, trail) = (client(&server.url(0)), client(&server.url(1)));

        let sample = analyse(&redis, &trail, json!({"sampleKeys": 4000})).await;
        let whole = analyse(&redis, &trail, json!({"sampleKeys": 100_000})).await;

        let visited = sample["keysVisited"].as_u64().unwrap();
        assert!((3500..5200).contains(&visited), "{kind:?}: {visited}");
        assert_eq!(
            (&sample["isWhole"], &whole["isWhole"]),
            (&json!(false), &json!(true))
        );
        assert_eq!(sample["totals"]["keys"]["low"], 33_000, "{kind:?}");
        assert_eq!(sample["totals"]["keys"]["high"], 33_000, "{kind:?}");
        assert_eq!(whole["keysVisited"], 33_000, "{kind:?}");
        let large = group(&sample, "large:{id}");
        assert!(large["keys"]["low"] != large["keys"]["high"], "{large}");
        assert_intervals_hold(&sample, &whole);
    }
}

/// Stores keys on all nodes, many of which are in one slot.
pub async fn fill_cluster<R: Redis>(redis: &R, count: usize) {
    let storing = (0..count).map(|number| async move {
        let name = match number % 3 {
            0 => format!("{{hot}}:{number}"),
            _ => skewed(number),
        };
        let value = "x".repeat(if number % 3 == 0 { 500 } else { 50 });
        let set = Command::read("SET").arg(name).arg(value);
        redis.execute(set).await
    });
    concurrently(storing.collect()).await.unwrap();
}

#[tokio::test]
async fn samples_of_a_cluster_count_slots_by_their_keys() {
    for kind in [ServerKind::Redis7, ServerKind::Valkey9] {
        let cluster = Cluster::with(ClusterOptions::new().kind(kind).without_replicas());
        let trail = RedisServer::start();
        let (redis, trail) = (client(&cluster.url()), client(&trail.url(1)));
        fill_cluster(&redis, 30_000).await;

        let sample = analyse(&redis, &trail, json!({"sampleKeys": 4000})).await;
        let whole = analyse(&redis, &trail, json!({"sampleKeys": 100_000})).await;

        assert_eq!(whole["totals"]["keys"]["value"], 30_000, "{kind:?}");
        let hot = &group(&sample, "{hot}:")["keys"];
        let value = hot["value"].as_f64().unwrap();
        assert!((9000.0..11_000.0).contains(&value), "{kind:?}: {hot}");
        assert_intervals_hold(&sample, &whole);
    }
}

#[tokio::test]
async fn samples_of_a_cluster_with_one_slot_in_use_are_spread_over_it() {
    for kind in [ServerKind::Redis7, ServerKind::Valkey9] {
        let cluster = Cluster::with(ClusterOptions::new().kind(kind).without_replicas());
        let trail = RedisServer::start();
        let (redis, trail) = (client(&cluster.url()), client(&trail.url(1)));
        let storing = (0..8000).map(|number| {
            let name = format!("{{app}}:part{}:page:{number}", number % 4);
            redis.execute(Command::read("SET").arg(name).arg("x"))
        });
        concurrently(storing.collect()).await.unwrap();

        let sample = analyse(&redis, &trail, json!({"sampleKeys": 2000})).await;

        let visited = sample["keysVisited"].as_u64().unwrap();
        assert!((1500..2800).contains(&visited), "{kind:?}: {visited}");
        for part in 0..4 {
            let keys = &group(&sample, &format!("{{app}}:part{part}:"))["keys"];
            let value = keys["value"].as_f64().unwrap();
            assert!((1500.0..2500.0).contains(&value), "{kind:?}: {keys}");
        }
    }
}

#[tokio::test]
async fn a_database_with_very_many_groups_reports_the_heaviest() {
    let server = RedisServer::start();
    fill(&server, 12_000, 10, |n| format!("tiny-{n}-x:page"));
    fill(&server, 2_000, 2000, |n| format!("heavy:{n}"));
    let (redis, trail) = (client(&server.url(0)), client(&server.url(1)));

    let whole = analyse(&redis, &trail, json!({})).await;

    let groups = whole["groups"].as_array().unwrap();
    assert!(groups.len() <= 1000, "{}", groups.len());
    assert_eq!(groups[0]["prefix"], "heavy:");
    assert_eq!(groups[0]["keys"]["value"], 2000);
    assert!(whole["sketch"]["maxErrorKeys"].as_u64().unwrap() <= 10);
    let listed: u64 = groups
        .iter()
        .filter(|group| group["depth"] == 1)
        .map(|group| group["keys"]["value"].as_u64().unwrap())
        .sum();
    let other = whole["other"]["keys"]["value"].as_u64().unwrap();
    assert_eq!(listed + other, 14_000);
}
