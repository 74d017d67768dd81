//! The application on a Redis Cluster of three primaries with a replica each.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

use std::collections::{HashMap, HashSet};
use std::thread::sleep;
use std::time::{Duration, Instant};

use edge_cache_testing::{Cluster, wait_for_replicas};
use end_to_end::{App, Options, send_all};
use redis::{Connection, Value as RedisValue};
use serde_json::{Value, json};

/// How long a failover may take.
const FAILOVER_LIMIT: Duration = Duration::from_secs(30);

fn start() -> App {
    App::with(Options::new().cluster())
}

/// Writes foreign values under these names.
fn fill(cluster: &Cluster, names: impl IntoIterator<Item = String>) {
    let mut connections: HashMap<usize, Connection> = HashMap::new();
    for name in names {
        let owner = cluster.owner_of_key(&name);
        let connection = connections
            .entry(owner)
            .or_insert_with(|| cluster.node(owner).connection());
        redis::cmd("SET")
            .arg(name)
            .arg("1")
            .exec(connection)
            .unwrap();
    }
}

fn names(prefix: &str, count: usize) -> impl Iterator<Item = String> {
    (0..count).map(move |n| format!("{prefix}:{n}"))
}

/// Lists all keys, following the cursors.
fn list(app: &App, query: &str) -> Vec<String> {
    let mut listed = Vec::new();
    let mut cursor = "0".to_owned();
    loop {
        let page = app
            .viewer()
            .get(&format!("/keys?{query}&cursor={cursor}"))
            .data();
        let keys = page["keys"].as_array().unwrap();
        listed.extend(
            keys.iter()
                .map(|key| key["key"].as_str().unwrap().to_owned()),
        );
        match page["pagination"]["nextCursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => return listed,
        }
    }
}

#[test]
fn every_route_answers_as_on_a_single_server() {
    let app = start();
    // The first requests open connections to all nodes.
    app.nobody().get("/health");

    for (route, response) in send_all(&app) {
        assert!(response.status < 500, "{route:?}: {response:#?}");
    }
}

#[test]
fn the_list_has_the_keys_of_all_nodes_once() {
    let mut app = start();
    fill(app.cluster(), names("users", 2000));

    let listed = list(&app, "pattern=users:*&limit=100");
    let page = app.viewer().get("/keys?limit=1").data();
    let counted = app
        .viewer()
        .get("/keys?pattern=users:*&exact=true&limit=1")
        .data();

    let distinct: HashSet<&String> = listed.iter().collect();
    assert_eq!((listed.len(), distinct.len()), (2000, 2000));
    assert!(
        page["pagination"]["total"].as_u64().unwrap() >= 2000,
        "{page}"
    );
    assert_eq!(counted["pagination"]["total"], 2000);
}

#[test]
fn a_dry_run_counts_what_the_removal_then_removes_on_all_nodes() {
    let mut app = start();
    fill(
        app.cluster(),
        names("users", 900).chain(names("other", 1100)),
    );
    let body = json!({ "pattern": "users:*", "dryRun": true });

    let dry = app.operator().post("/clear", &body).ok();
    let cleared = app
        .operator()
        .post("/clear", &json!({ "pattern": "users:*" }))
        .ok();

    assert_eq!(dry["stats"]["keysMatched"], 900, "{dry}");
    assert_eq!(cleared["stats"]["keysDeleted"], 900, "{cleared}");
    assert_eq!(list(&app, "pattern=other:*&limit=100").len(), 1100);
}

#[test]
fn keys_tags_and_patterns_are_invalidated_together() {
    let mut app = start();
    fill(
        app.cluster(),
        names("users", 40)
            .chain(names("products", 30))
            .chain(names("other", 200)),
    );
    let set = "cache:tags:vip";
    let owner = app.cluster().owner_of_key(set);
    let added = app.cluster().node(owner).command(&[
        "SADD",
        set,
        "users:1",
        "users:2",
        "products:1",
        "gone",
    ]);
    assert_eq!(added, RedisValue::Int(4));
    let body = json!({ "keys": ["users:1", "absent"], "tags": ["vip"], "patterns": ["users:*"] });
    let mut dry = body.clone();
    dry["dryRun"] = true.into();

    let foreseen = app.admin().post("/invalidate", &dry).ok();
    let done = app.admin().post("/invalidate", &body).ok();

    let counts = |answer: &Value| answer["details"].clone();
    assert_eq!(done["stats"]["keysInvalidated"], 41, "{done:#}");
    assert_eq!(foreseen["stats"]["keysInvalidated"], 41, "{foreseen:#}");
    assert!(
        counts(&done).is_object() || counts(&done).is_array(),
        "{done:#}"
    );
    assert_eq!(
        list(&app, "pattern=users:*&limit=100"),
        Vec::<String>::new()
    );
}

#[test]
fn a_global_clear_removes_all_but_the_trail_and_edge_caches_own_keys() {
    let mut app = start();
    fill(app.cluster(), names("users", 300));
    let ttl = br#"{"prefix":"users","ttl":77}"#;
    let put = app.admin().send("PUT", "/api/cache/ttl", Some(ttl));
    assert_eq!(put.status, 200, "{put:#?}");

    let cleared = app.admin().post("/clear", &json!({ "confirm": true })).ok();

    assert_eq!(cleared["stats"]["keysDeleted"], 300, "{cleared}");
    assert_eq!(cleared["stats"]["method"], "walk");
    let trail = app.admin().get("/audit?limit=5").data();
    assert!(trail.to_string().contains("\"clear\""), "{trail:#}");
    assert!(list(&app, "pattern=users:*&limit=100").is_empty());
    let table = app.viewer().get("/ttl").data();
    assert!(table.to_string().contains("77"), "{table:#}");
}

#[test]
fn a_warmup_fills_all_nodes() {
    let mut app = start();
    let warmed = app.admin().post("/warmup", &json!({})).ok();

    assert_eq!(warmed["stats"]["errors"], 0, "{warmed:#}");
    assert_eq!(warmed["stats"]["keysCreated"], 170, "{warmed:#}");
    for number in app.cluster().primaries() {
        let RedisValue::Int(size) = app.cluster().node(number).command(&["DBSIZE"]) else {
            panic!("no number");
        };
        assert!(size > 20, "node {number} has {size} keys");
    }
    let again = app.admin().post("/warmup", &json!({})).ok();
    assert_eq!(again["stats"]["keysSkipped"], 170, "{again:#}");
}

#[test]
fn an_event_invalidates_what_its_rules_name_on_all_nodes() {
    let mut app = start();
    let of_product = (0..50).map(|n| format!("products:7:{n}"));
    fill(app.cluster(), of_product.chain(names("other", 200)));

    app.operator()
        .post("/events", &json!({ "type": "product.updated", "id": "7" }))
        .ok();

    let began = Instant::now();
    while !list(&app, "pattern=products:7:*&limit=100").is_empty() {
        assert!(began.elapsed() < Duration::from_secs(20), "not removed");
        sleep(Duration::from_millis(100));
    }
    assert_eq!(list(&app, "pattern=other:*&limit=100").len(), 200);
}

#[test]
fn a_key_is_inspected_changed_and_removed_at_its_node() {
    let mut app = start();
    fill(app.cluster(), names("users", 6));
    for name in names("users", 6) {
        let key = app.operator().get(&format!("/keys/{name}")).data();
        assert_eq!(key["type"], "string", "{key:#}");
        let changed = app
            .admin()
            .patch(&format!("/keys/{name}"), &json!({ "ttl": 600 }))
            .data();
        assert!(changed["ttl"].as_i64().unwrap() > 500, "{changed:#}");
    }

    let removed = app
        .operator()
        .post(
            "/invalidate",
            &json!({ "keys": names("users", 6).collect::<Vec<_>>() }),
        )
        .ok();
    assert_eq!(removed["stats"]["keysInvalidated"], 6, "{removed:#}");
}

#[test]
fn the_application_works_on_after_a_failover() {
    let mut app = start();
    fill(app.cluster(), names("users", 300));
    let killed = app.cluster().primaries()[1];
    wait_for_replicas(&mut app.cluster().node(killed).connection(), 1);
    app.cluster().kill(killed);

    let began = Instant::now();
    loop {
        let response = app.viewer().get("/keys?limit=10");
        if response.status == 200 && app.nobody().get("/health").body["status"] == "healthy" {
            break;
        }
        assert!(began.elapsed() < FAILOVER_LIMIT, "{response:#?}");
        sleep(Duration::from_millis(200));
    }
    assert_eq!(list(&app, "pattern=users:*&limit=100").len(), 300);
    let cleared = app
        .admin()
        .post("/clear", &json!({ "pattern": "users:*", "confirm": true }));
    assert_eq!(cleared.body["stats"]["keysDeleted"], 300, "{cleared:#?}");
}

#[test]
fn a_node_that_the_host_does_not_allow_is_named() {
    let app = App::with(Options::new().cluster().variable("redis_nodes", ""));

    let statuses: Vec<Value> = (0..12)
        .map(|n| app.operator().get(&format!("/keys/users:{n}")).body)
        .collect();

    let refused = statuses
        .iter()
        .find(|body| body["type"] == "urn:edge-cache:problem:address-forbidden")
        .unwrap_or_else(|| panic!("{statuses:#?}"));
    let detail = refused["detail"].as_str().unwrap();
    assert!(
        detail.contains("redis_nodes") && detail.contains("127.0.0.1:"),
        "{detail}"
    );
}

#[test]
fn a_page_says_which_node_it_is_from() {
    let mut app = start();
    fill(app.cluster(), names("users", 60));
    let mut nodes = Vec::new();
    let mut cursor = "0".to_owned();

    loop {
        let path = format!("/keys?pattern=users:*&cursor={cursor}");
        let page = app.viewer().get(&path).data();
        let node = &page["pagination"]["node"];
        let port = node["address"]
            .as_str()
            .unwrap()
            .rsplit(':')
            .next()
            .unwrap();

        for key in page["keys"].as_array().unwrap() {
            let owner = app.cluster().owner_of_key(key["key"].as_str().unwrap());
            assert_eq!(app.cluster().node(owner).port().to_string(), port, "{key}");
        }
        nodes.push((
            node["number"].as_u64().unwrap(),
            node["of"].as_u64().unwrap(),
        ));

        match page["pagination"]["nextCursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }

    assert_eq!(nodes, [(1, 3), (2, 3), (3, 3)]);
}

#[test]
fn a_node_that_does_not_answer_is_named() {
    let mut app = start();
    fill(app.cluster(), names("users", 60));
    list(&app, "pattern=users:*");
    let frozen = app.cluster().owner_of_key("users:1");
    let port = app.cluster().node(frozen).port();
    app.cluster().freeze(frozen);

    let response = app.operator().get("/keys/users:1");

    app.cluster().thaw(frozen);
    let problem = response.with_status(503);
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains(&format!("127.0.0.1:{port}")), "{detail}");
}
