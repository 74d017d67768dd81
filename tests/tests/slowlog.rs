//! `GET /api/cache/slowlog`.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

use std::collections::BTreeSet;

use end_to_end::{App, Connection, ONE_SERVER, Options, fill, runs_on};
use redis::Commands;
use serde_json::{Value, json};

/// Makes every node log each command.
fn log_everything(redis: &mut Connection) {
    configure(redis, "0");
}

/// Makes every node log nothing more.
fn log_nothing(redis: &mut Connection) {
    configure(redis, "-1");
}

fn configure(redis: &mut Connection, microseconds: &str) {
    redis.on_each_node(redis::cmd("CONFIG").arg(&["SET", "slowlog-log-slower-than", microseconds]));
}

fn list(app: &App, query: &str) -> Value {
    app.operator().get(&format!("/slowlog{query}")).data()
}

fn entries(page: &Value) -> &Vec<Value> {
    page["entries"].as_array().unwrap()
}

#[test]
fn slow_commands_are_listed_without_their_values() {
    let app = App::start();
    let mut redis = app.connection();
    log_everything(&mut redis);
    let () = redis.set("users:1", "a secret value").unwrap();
    log_nothing(&mut redis);

    let page = list(&app, "?limit=100");
    let set = entries(&page)
        .iter()
        .find(|entry| entry["keys"] == json!(["users:1"]))
        .unwrap();

    assert_eq!(set["command"], "SET");
    assert_eq!(set["arguments"], 2);
    assert_eq!(set["kind"], "slow");
    assert_eq!(set["script"], Value::Null);
    assert!(set["durationMs"].as_f64().unwrap() >= 0.0);
    assert!(!page.to_string().contains("secret"), "{page:#}");
    let groups = page["groups"].as_array().unwrap();
    assert!(
        groups
            .iter()
            .any(|group| group["command"] == "SET" && group["prefix"] == "users:*"),
        "{groups:#?}"
    );
}

#[test]
fn scripts_of_edge_cache_have_their_names() {
    let app = App::start();
    let mut redis = app.connection();
    fill(&mut redis, "users:", 0..3);
    log_everything(&mut redis);
    app.admin()
        .post("/clear", &json!({ "pattern": "users:*", "confirm": true }))
        .ok();
    app.operator()
        .delete("/invalidate", &json!({ "keys": ["users:1"] }))
        .ok();
    log_nothing(&mut redis);

    let page = list(&app, "?limit=100");
    let scripts: BTreeSet<&str> = page["groups"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|group| group["script"].as_str())
        .collect();

    // On a Cluster each node removes its own keys.
    for name in ["scan/delete_slice", "keys/delete_", "audit/write_outcome"] {
        let is_listed = scripts.iter().any(|script| script.starts_with(name));
        assert!(is_listed, "{name}: {page:#}");
    }
}

#[test]
fn an_entry_is_kept_once_and_outlives_the_servers_log_and_a_global_clear() {
    let app = App::start();
    let mut redis = app.connection();
    log_everything(&mut redis);
    let () = redis.set("users:1", "x").unwrap();
    log_nothing(&mut redis);
    let first = list(&app, "?limit=100");
    let total = first["pagination"]["total"].as_u64().unwrap();

    assert_eq!(list(&app, "")["pagination"]["total"], total);

    redis.on_each_node(redis::cmd("SLOWLOG").arg("RESET"));
    app.admin().post("/clear", &json!({ "confirm": true })).ok();
    let after = list(&app, "?limit=100");
    assert_eq!(after["pagination"]["total"], total);
    assert_eq!(after["entries"], first["entries"]);
}

#[test]
fn the_schedule_keeps_entries_that_nobody_asked_for() {
    let app = App::start();
    let mut redis = app.connection();
    log_everything(&mut redis);
    let () = redis.set("users:1", "x").unwrap();
    log_nothing(&mut redis);

    app.admin().post("/warmup/scheduled", &json!({})).ok();
    redis.on_each_node(redis::cmd("SLOWLOG").arg("RESET"));

    let page = list(&app, "?limit=100");
    assert!(
        entries(&page)
            .iter()
            .any(|entry| entry["keys"] == json!(["users:1"])),
        "{page:#}"
    );
}

#[test]
fn pages_lead_to_the_oldest_entry() {
    let app = App::start();
    let mut redis = app.connection();
    log_everything(&mut redis);
    for number in 0..20 {
        let () = redis.set(format!("users:{number}"), "x").unwrap();
    }
    log_nothing(&mut redis);

    let mut ids = BTreeSet::new();
    let mut query = "?limit=7".to_owned();
    loop {
        let page = list(&app, &query);
        assert!(entries(&page).len() <= 7);
        assert_eq!(query.contains("cursor"), page["groups"] == json!([]));
        ids.extend(entries(&page).iter().map(|entry| entry["id"].to_string()));
        match page["pagination"]["nextCursor"].as_str() {
            Some(next) => query = format!("?limit=7&cursor={next}"),
            None => {
                assert_eq!(page["pagination"]["total"], ids.len());
                break;
            }
        }
    }
    assert!(ids.len() >= 20);
}

#[test]
fn a_server_that_refuses_is_named_with_its_reason_and_not_asked_again() {
    if !runs_on(ONE_SERVER, "the proxy is before one server") {
        return;
    }
    let app = App::with(Options::new().proxied());
    let mut redis = app.connection();
    let () = redis::cmd("ACL")
        .arg(&["SETUSER", "edge-cache", "-slowlog|get"])
        .query(&mut redis)
        .unwrap();

    let page = list(&app, "");
    let reason = page["nodes"][0]["refused"].as_str().unwrap();
    assert!(reason.contains("slowlog"), "{reason}");
    assert_eq!(page["entries"], json!([]));

    // Even if it were allowed by now.
    let () = redis::cmd("ACL")
        .arg(&["SETUSER", "edge-cache", "+slowlog|get"])
        .query(&mut redis)
        .unwrap();
    assert_eq!(list(&app, "")["nodes"], page["nodes"]);
}

#[test]
fn an_invalid_parameter_is_named() {
    let app = App::start();
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("cursor=x", "cursor"),
        ("cursor=0-0", "cursor"),
        ("who=me", "who"),
    ] {
        let problem = app
            .operator()
            .get(&format!("/slowlog?{query}"))
            .with_status(422);
        assert_eq!(problem["field"], field, "{query}");
    }
}
