//! Slots that move, and nodes that fail.

use std::time::{Duration, Instant};

use edge_cache::keyspace::slot;
use edge_cache::{LookupOutcome, Options};
use edge_cache_testing::{Cluster, ClusterOptions, wait_for_replicas};

use crate::{cache, spread_names};

#[tokio::test]
async fn a_slot_that_has_moved_is_followed() {
    let cluster = Cluster::with(ClusterOptions::new().without_replicas());
    let cache = cache(&cluster);
    let names = spread_names("users", 40);
    for (n, name) in names.iter().enumerate() {
        cache.set(name, &n, &Options::default()).await.unwrap();
    }

    cluster.move_slots(0..3000, 0, 1);

    for (n, name) in names.iter().enumerate() {
        assert_eq!(cache.get::<usize>(name).await.unwrap(), Some(n), "{name}");
        cache
            .set(name, &(n + 1), &Options::default())
            .await
            .unwrap();
    }
    assert_eq!(cache.clear_by_pattern("users:*").await.unwrap(), 40);
}

#[tokio::test]
async fn a_slot_that_is_moving_is_read_and_written() {
    let cluster = Cluster::with(ClusterOptions::new().without_replicas());
    let cache = cache(&cluster);
    let names: Vec<String> = (0..4).map(|n| format!("{{moving}}:{n}")).collect();
    for (n, name) in names.iter().enumerate() {
        cache.set(name, &n, &Options::default()).await.unwrap();
    }
    let slot = slot::of(names[0].as_bytes());
    let from = cluster.owner_of_slot(slot);
    let to = (from + 1) % 3;

    cluster.begin_moving_slot(slot, from, to);
    cluster.move_keys(&[&names[0], &names[1]], from, to);

    for (n, name) in names.iter().enumerate() {
        assert_eq!(cache.get::<usize>(name).await.unwrap(), Some(n), "{name}");
    }
    // A script over several keys of the slot is refused until all of them have moved.
    let new = "{moving}:new";
    let load = async || Ok::<_, String>(9);
    let fetched = cache
        .get_or_set(new, &Options::default(), load)
        .await
        .unwrap();
    assert_eq!(fetched.value, 9);

    let rest: Vec<&str> = names[2..].iter().map(String::as_str).collect();
    cluster.move_keys(&rest, from, to);
    cluster.finish_moving_slot(slot, from, to);
    let fetched = cache
        .get_or_set(new, &Options::default(), load)
        .await
        .unwrap();
    assert!(fetched.store_error.is_none(), "{:?}", fetched.store_error);
    assert_eq!(cache.get::<u32>(new).await.unwrap(), Some(9));
    assert_eq!(cache.clear_by_pattern("{moving}:*").await.unwrap(), 5);
}

#[tokio::test]
async fn after_a_failover_the_next_calls_succeed() {
    let mut cluster = Cluster::start();
    let cache = cache(&cluster);
    let names = spread_names("users", 30);
    for (n, name) in names.iter().enumerate() {
        cache.set(name, &n, &Options::default()).await.unwrap();
    }

    let killed = cluster.owner_of_key(&names[0]);
    wait_for_replicas(&mut cluster.node(killed).connection(), 1);
    cluster.kill(killed);
    let load = async || Ok::<_, String>(0);
    let during = cache
        .get_or_set(&names[0], &Options::default(), load)
        .await
        .unwrap();
    assert_eq!(during.outcome, LookupOutcome::Bypass);

    let began = Instant::now();
    while cache.get::<usize>(&names[0]).await.is_err() {
        assert!(began.elapsed() < Duration::from_secs(30), "no failover");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for name in &names {
        cache.set(name, &1, &Options::default()).await.unwrap();
        assert_eq!(cache.get::<usize>(name).await.unwrap(), Some(1), "{name}");
    }
}
