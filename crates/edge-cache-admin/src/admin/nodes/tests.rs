//! Several nodes as one.

use std::time::Duration;

use edge_cache::redis::info::Info;
use edge_cache::{ErrorKind, NodeAddress, RedisError};

use super::*;
use crate::admin::alert::{self, Thresholds};

fn node(number: u16, figures: Result<(&str, u64), ErrorKind>) -> NodeReading {
    let figures = figures.map(|(info, latency_ms)| NodeFigures {
        reading: Reading::new(Info::new(info), Duration::from_millis(latency_ms)),
        keys: Ok(u64::from(number)),
        replicas: None,
    });
    NodeReading {
        address: NodeAddress {
            host: format!("10.0.0.{number}"),
            port: 7000,
        },
        slots: 8192,
        has_own_keys: number == 1,
        figures: figures.map_err(|kind| RedisError::new(kind, "no answer")),
    }
}

fn cluster(nodes: Vec<NodeReading>) -> ClusterReading {
    ClusterReading {
        nodes,
        uncovered_slots: 0,
        own_slot_is_served: true,
    }
}

const FIRST: &str = "redis_version:7.0.15\nrole:master\nrun_id:aaaaaaaaaaaa\nuptime_in_seconds:10\nserver_time_usec:5\n\
                     used_memory:100\nmaxmemory:1000\nkeyspace_hits:3\nkeyspace_misses:1\nmem_fragmentation_ratio:1.5\n\
                     connected_slaves:1\nslave0:ip=h,port=1,state=online,offset=1,lag=4\ndb0:keys=3,expires=1\n";
const SECOND: &str = "redis_version:7.2.4\nrole:master\nrun_id:bbbbbbbbbbbb\nuptime_in_seconds:9000\nserver_time_usec:7\n\
                      used_memory:950\nmaxmemory:1000\nkeyspace_hits:5\nkeyspace_misses:1\nmem_fragmentation_ratio:1.1\n\
                      connected_slaves:1\nslave0:ip=h,port=2,state=online,offset=1,lag=1\n";

#[test]
fn counters_are_sums_and_other_figures_the_worst() {
    let both = cluster(vec![node(1, Ok((FIRST, 2))), node(2, Ok((SECOND, 9)))]);

    let together = both.together().unwrap();

    let info = &together.info;
    let number = |name| info.number(name).unwrap();
    assert_eq!(number("used_memory"), 1050);
    assert_eq!(number("maxmemory"), 2000);
    assert_eq!((number("keyspace_hits"), number("keyspace_misses")), (8, 2));
    assert_eq!(number("uptime_in_seconds"), 10);
    assert_eq!(number("server_time_usec"), 5, "the clock of its own keys");
    assert_eq!(number("connected_slaves"), 2);
    assert_eq!(info.decimal("mem_fragmentation_ratio"), Some(1.5));
    assert_eq!(info.text("redis_version"), Some("7.0.15, 7.2.4"));
    assert_eq!(info.text("run_id"), Some("aaaaaaaa+bbbbbbbb"));
    assert_eq!(info.text("db0"), Some("keys=3"));
    assert!(info.text("slave1").unwrap().ends_with("lag=1"));
    assert_eq!(together.usage_percent, Some(95.0));
    assert_eq!(together.longest_uptime, Some(9000));
    assert_eq!(together.latency, Duration::from_millis(9));
    assert_eq!(both.keys(), Ok(3));
}

#[test]
fn a_figure_that_one_node_does_not_report_is_missing() {
    let both = cluster(vec![
        node(1, Ok((FIRST, 2))),
        node(2, Ok(("role:master\nmaxmemory:0\n", 2))),
    ]);

    let info = both.together().unwrap().info;

    for name in [
        "used_memory",
        "keyspace_hits",
        "run_id",
        "uptime_in_seconds",
    ] {
        assert_eq!(info.text(name), None, "{name}");
    }
    assert_eq!(info.number("maxmemory"), Some(0), "one node has no limit");
}

#[test]
fn a_node_that_does_not_answer_is_named() {
    let one = cluster(vec![
        node(1, Err(ErrorKind::Timeout)),
        node(2, Ok((SECOND, 2))),
    ]);

    assert_eq!(
        one.together().unwrap().info.number("used_memory"),
        Some(950)
    );
    assert!(
        one.unreported()
            .unwrap()
            .reason
            .contains("node 10.0.0.1:7000 did not answer")
    );
    let report = &one.reports()[0];
    assert_eq!(
        (report.connected, report.figures.memory_bytes),
        (false, None)
    );
    assert_eq!(report.error.as_deref(), Some("no answer"));

    let none = cluster(vec![node(1, Err(ErrorKind::Timeout))]);
    let error = none.together().err().unwrap();
    assert_eq!(error.message, "node 10.0.0.1:7000: no answer");
}

#[test]
fn an_alert_names_the_worst_node() {
    let both = cluster(vec![node(1, Ok((FIRST, 300))), node(2, Ok((SECOND, 2)))]);
    let (together, thresholds) = (both.together().unwrap(), Thresholds::default());

    let memory = alert::memory(together.usage_percent, &thresholds).unwrap();
    let latency = alert::latency(300.0, &thresholds);

    let message = |alert| both.name_node(alert).message;
    assert!(message(memory).starts_with("node 10.0.0.2:7000: 95% of maxmemory"));
    assert!(message(latency).starts_with("node 10.0.0.1:7000: Redis took 300 ms"));
}

#[test]
fn replicas_that_do_not_follow_are_a_problem() {
    let mut primary = node(1, Ok((FIRST, 2)));
    let mut with = |known, linked| {
        primary.figures.as_mut().unwrap().replicas = Some(Replicas { known, linked });
        (
            primary.replica_problem().is_some(),
            primary.unlinked_replicas(),
        )
    };

    assert_eq!(with(0, 0), (false, 0));
    assert_eq!(with(1, 1), (false, 0));
    assert_eq!(with(2, 1), (true, 1));
}
