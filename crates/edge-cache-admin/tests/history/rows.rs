//! Rows: increases of counters, gauges, gaps, and nodes.

use std::time::{Duration, SystemTime};

use edge_cache::redis::{Command, Redis, concurrently};
use edge_cache_admin::admin::history::HistoryRequest;
use edge_cache_testing::{Cluster, ClusterOptions, RedisServer, client};

use crate::shared::{MINUTE_MS, NOON_MS, Timed, add_lookups, wake};

#[tokio::test]
async fn a_minute_is_written_once_however_often_schedules_wake() {
    let timed = Timed::start();
    assert!(timed.wake(0).await);
    assert!(!timed.wake(0).await);

    timed.proxy.set_field(
        "server_time_usec",
        &((NOON_MS + 2 * MINUTE_MS) * 1000).to_string(),
    );
    let (one, two) = futures_util::future::join(
        wake(&timed.redis, &timed.trail),
        wake(&timed.redis, &timed.trail),
    )
    .await;

    assert!(one != two, "one of two schedulers writes the row");
    let rows = timed.history("step=60").await.rows;
    let at: Vec<&str> = rows.iter().map(|row| row.at.as_str()).collect();
    assert_eq!(at, ["2026-01-31T12:00:00.000Z", "2026-01-31T12:02:00.000Z"]);
}

#[tokio::test]
async fn a_row_has_the_increase_of_counters_and_what_services_looked_up() {
    let timed = Timed::start();
    let fields = [
        ("keyspace_hits", "1000000"),
        ("keyspace_misses", "5"),
        ("evicted_keys", "7"),
    ];
    for (name, value) in fields {
        timed.proxy.set_field(name, value);
    }
    add_lookups(&timed.server, "products", "hit", 100);
    timed.wake(0).await;

    timed.proxy.set_field("keyspace_hits", "1000300");
    timed.proxy.set_field("evicted_keys", "27");
    add_lookups(&timed.server, "products", "hit", 60);
    add_lookups(&timed.server, "products", "miss", 20);
    add_lookups(&timed.server, "users", "stale", 20);
    timed.wake(1).await;

    let rows = timed.history("step=60&by=modules").await.rows;
    assert_eq!(
        rows[0].seconds, 0,
        "nothing is known of the time before the first row"
    );
    assert_eq!((rows[0].total.hits, &rows[0].services), (None, &None));

    let row = &rows[1];
    assert_eq!(row.seconds, 60);
    assert_eq!(row.total.evicted_keys, Some(20));
    assert!(
        (290..=300).contains(&row.total.hits.unwrap()),
        "without own reads: {row:?}"
    );
    assert_eq!(row.total.keys, Some(2));
    assert!(row.total.memory_bytes.unwrap() > 0 && row.total.latency_ms.unwrap() > 0.0);
    let services = row.services.as_ref().unwrap();
    assert_eq!(
        (services.hits, services.stale_hits, services.misses),
        (60, 20, 20)
    );
    assert_eq!(services.hit_ratio, Some(0.8));
    let modules = row.modules.as_ref().unwrap();
    assert_eq!(modules[0].module, "products");
    assert_eq!(modules[0].lookups.hit_ratio, Some(0.75));
}

#[tokio::test]
async fn a_row_has_the_keys_of_its_database_that_have_a_ttl() {
    let server = RedisServer::start();
    let mut connection = server.connection();
    for (db, with_ttl, without) in [(0, 4, 0), (3, 2, 3)] {
        let mut pipe = redis::pipe();
        pipe.cmd("SELECT").arg(db).ignore();
        for number in 0..with_ttl {
            let name = format!("users:{number}");
            pipe.cmd("SET").arg(name).arg(&["x", "EX", "600"]).ignore();
        }
        for number in 0..without {
            pipe.set(format!("config:{number}"), "x").ignore();
        }
        pipe.exec(&mut connection).unwrap();
    }
    let (redis, trail) = (client(&server.url(3)), client(&server.url(1)));
    assert!(wake(&redis, &trail).await);

    let request = HistoryRequest::parse("", SystemTime::now() + Duration::from_secs(1));
    let rows = request.unwrap().run(&trail).await.unwrap().rows;

    let total = &rows[0].total;
    assert_eq!((total.keys, total.keys_with_ttl), (Some(5), Some(2)));
}

#[tokio::test]
async fn a_time_that_nobody_wrote_is_a_gap() {
    let timed = Timed::start();
    timed.wake(0).await;
    timed.wake(10).await;
    timed.wake(50).await;

    let rows = timed.history("step=300").await.rows;

    let covered: Vec<(&str, u64)> = rows
        .iter()
        .map(|row| (&row.at[11..16], row.seconds))
        .collect();
    assert_eq!(covered, [("12:00", 0), ("12:10", 600), ("12:50", 0)]);
    assert!(rows[1].total.commands.is_some());
    assert_eq!(rows[2].total.commands, None);
}

#[tokio::test]
async fn each_node_of_a_cluster_has_its_figures() {
    let cluster = Cluster::with(ClusterOptions::new().without_replicas());
    let redis = client(&cluster.url());
    let storing = (0..40).map(|number| {
        let set = Command::read("SET").arg(format!("users:{number}")).arg("x");
        redis.execute(set.arg("EX").arg("600"))
    });
    concurrently(storing.collect()).await.unwrap();
    assert!(wake(&redis, &redis).await);

    let request = HistoryRequest::parse(
        "step=60&by=nodes&from=2020-01-01T00:00:00Z",
        SystemTime::now(),
    );
    assert!(request.is_err(), "further than rows reach");
    let request = HistoryRequest::parse("by=nodes", SystemTime::now() + Duration::from_secs(1));
    let report = request.unwrap().run(&redis).await.unwrap();

    let row = report.rows.last().unwrap();
    let nodes = row.nodes.as_ref().unwrap();
    assert_eq!(nodes.len(), 3);
    let memory: u64 = nodes
        .iter()
        .filter_map(|node| node.figures.memory_bytes)
        .sum();
    assert_eq!(row.total.memory_bytes, Some(memory));
    let with_ttl = nodes.iter().map(|node| node.figures.keys_with_ttl);
    assert!(
        with_ttl
            .clone()
            .all(|keys| keys.is_some_and(|keys| keys > 0))
    );
    assert_eq!(row.total.keys_with_ttl, with_ttl.sum());
    assert_eq!(row.total.keys_with_ttl, Some(40));
}
