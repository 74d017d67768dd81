//! `POST` and `GET /api/cache/warmup`, with the sample catalogue.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use end_to_end::{App, Options, keys};
use redis::{Commands, Connection};
use serde_json::{Value, json};

/// The modules in their order, with the keys each makes from the sample catalogue.
const MODULES: [(&str, u64); 5] = [("config", 35), ("vehicles", 21), ("products", 102), ("users", 3), ("seo", 9)];
const ALL: u64 = 170;

fn matching(redis: &mut Connection, pattern: &str) -> usize {
    keys(redis, pattern).len()
}

fn document(redis: &mut Connection, key: &str) -> Value {
    serde_json::from_str(&redis.get::<_, String>(key).unwrap()).unwrap()
}

#[test]
fn the_five_modules_are_warmed_in_their_order() {
    let app = App::start();
    let report = app.admin().post("/warmup", &json!({})).ok();
    assert_eq!(report["message"], "Cache warmup completed");
    assert_eq!(report["stats"]["modulesWarmed"], json!(["config", "vehicles", "products", "users", "seo"]));
    assert_eq!(
        (&report["stats"]["keysCreated"], &report["stats"]["keysSkipped"], &report["stats"]["errors"]),
        (&json!(ALL), &json!(0), &json!(0))
    );
    for (module, (name, keys)) in report["details"]["modules"].as_array().unwrap().iter().zip(MODULES) {
        assert_eq!(
            (&module["name"], &module["keysCreated"], &module["state"]),
            (&json!(name), &json!(keys), &json!("done"))
        );
        assert_eq!(module["entriesDone"], module["entriesTotal"]);
    }
}

#[test]
fn every_key_has_its_type_and_its_place() {
    let app = App::start();
    app.admin().post("/warmup", &json!({})).ok();
    let mut redis = app.redis().connection();
    let patterns = [
        ("config:*", 35),
        ("vehicles:brands:top20", 1),
        ("vehicles:brand:*:models", 20),
        ("products:popular:list", 1),
        ("products:bestsellers", 1),
        ("products:*:details", 100),
        ("users:*", 3),
        ("seo:homepage:metatags", 1),
        ("seo:page:*:metatags", 8),
    ];
    for (pattern, keys) in patterns {
        assert_eq!(matching(&mut redis, pattern), keys, "{pattern}");
    }
    let types = [
        ("config:main:all", "string"),
        ("vehicles:brands:top20", "string"),
        ("products:popular:list", "string"),
        ("products:bestsellers", "zset"),
        ("users:active:count", "string"),
        ("users:admins:count", "string"),
        ("users:count:by-role", "hash"),
        ("seo:homepage:metatags", "string"),
    ];
    for (key, kind) in types {
        assert_eq!(redis::cmd("TYPE").arg(key).query::<String>(&mut redis).unwrap(), kind, "{key}");
    }
}

#[test]
fn the_values_are_those_of_the_catalogue() {
    let app = App::start();
    app.admin().post("/warmup", &json!({})).ok();
    let mut redis = app.redis().connection();
    let popular = document(&mut redis, "products:popular:list");
    let first: Vec<&Value> = popular.as_array().unwrap().iter().map(|product| &product["id"]).take(3).collect();
    assert_eq!((popular.as_array().unwrap().len(), first), (100, vec![&json!(4985), &json!(3508), &json!(24)]));
    let best: Vec<(String, u64)> = redis.zrevrange_withscores("products:bestsellers", 0, 0).unwrap();
    assert_eq!(best, [("4985".to_owned(), 10_000)]);
    let product = document(&mut redis, "products:4985:details");
    assert_eq!((&product["id"], &product["salesCount"]), (&json!(4985), &json!(10_000)));
    assert!(product["priceCents"].is_u64() && product["categoryName"].is_string(), "{product}");
    assert_eq!(document(&mut redis, "vehicles:brands:top20").as_array().unwrap().len(), 20);
    assert_eq!(document(&mut redis, "config:main:all").as_array().unwrap().len(), 34);
    assert_eq!(
        (document(&mut redis, "users:active:count"), document(&mut redis, "users:admins:count")),
        (json!(1778), json!(5))
    );
    let roles: std::collections::BTreeMap<String, u64> = redis.hgetall("users:count:by-role").unwrap();
    assert_eq!(roles, [("admin".to_owned(), 5), ("customer".to_owned(), 1753), ("staff".to_owned(), 20)].into());
    assert_eq!(document(&mut redis, "seo:homepage:metatags")[0]["slug"], "homepage");
}

#[test]
fn every_key_expires_by_its_entry_or_the_table() {
    let app = App::start();
    app.admin().post("/warmup", &json!({})).ok();
    let mut redis = app.redis().connection();
    let cases = [
        ("config:main:all", 3_600),
        ("vehicles:brands:top20", 3_600),
        ("products:popular:list", 900),
        ("products:bestsellers", 900),
        ("users:active:count", 600),
        ("users:count:by-role", 600),
        ("seo:homepage:metatags", 3_600),
        ("cache:tags:seo", 3_600),
    ];
    for (key, seconds) in cases {
        let left: i64 = redis.ttl(key).unwrap();
        // Lifetimes may be spread by the 5 % that the TTL table spreads by.
        assert!((seconds * 94 / 100..=seconds * 106 / 100).contains(&left), "{key}: {left} s left");
    }
}

#[test]
fn warmed_keys_go_with_their_tag() {
    let app = App::start();
    app.admin().post("/warmup", &json!({})).ok();
    let report = app.operator().delete("/invalidate", &json!({ "tags": ["product-catalog"] })).ok();
    assert_eq!(report["details"]["tags"], json!({ "product-catalog": 102 }));
    assert_eq!(matching(&mut app.redis().connection(), "products:*"), 0);
}

#[test]
fn what_exists_is_left_alone_unless_forced() {
    let app = App::start();
    let mut redis = app.redis().connection();
    let () = redis.set("users:active:count", "mine").unwrap();
    let () = redis.set("products:popular:list", "of another type").unwrap();
    let stats = |body: Value| app.admin().post("/warmup", &body).ok()["stats"].take();
    let first = stats(json!({ "modules": ["users", "products"] }));
    assert_eq!((&first["keysCreated"], &first["keysSkipped"]), (&json!(103), &json!(2)));
    assert_eq!(redis.get::<_, String>("users:active:count").unwrap(), "mine");
    let again = stats(json!({ "modules": ["users", "products"] }));
    assert_eq!((&again["keysCreated"], &again["keysSkipped"]), (&json!(0), &json!(105)));
    let forced = stats(json!({ "modules": ["users", "products"], "force": true }));
    assert_eq!(
        (&forced["keysCreated"], &forced["keysSkipped"], &forced["errors"]),
        (&json!(105), &json!(0), &json!(0))
    );
    assert_eq!(redis.get::<_, String>("users:active:count").unwrap(), "1778");
    assert_eq!(document(&mut redis, "products:popular:list").as_array().unwrap().len(), 100);
}

#[test]
fn only_the_modules_that_were_asked_for_are_warmed_in_the_plans_order() {
    let app = App::start();
    let report = app.admin().post("/warmup", &json!({ "modules": ["seo", "users"] })).ok();
    assert_eq!(report["stats"]["modulesWarmed"], json!(["users", "seo"]));
    assert_eq!(report["stats"]["keysCreated"], 12);
    assert_eq!(matching(&mut app.redis().connection(), "products:*"), 0);
}

#[test]
fn a_body_that_is_empty_or_names_no_module_means_all() {
    for body in [None, Some(b"".as_slice()), Some(b" \n"), Some(br#"{"modules":[]}"#)] {
        let app = App::start();
        let report = app.admin().send("POST", "/api/cache/warmup", body).ok();
        assert_eq!(report["stats"]["keysCreated"], ALL, "{body:?}");
    }
}

#[test]
fn wrong_fields_are_refused_by_name_and_nothing_is_written() {
    let app = App::start();
    let cases = [
        (json!({ "modules": ["users", "prices"] }), "modules[1]"),
        (json!({ "modules": ["Users"] }), "modules[0]"),
        (json!({ "modules": "users" }), "modules"),
        (json!({ "modules": null }), "modules"),
        (json!({ "modules": [7] }), "modules[0]"),
        (json!({ "force": "yes" }), "force"),
        (json!({ "module": "users" }), "module"),
        (json!({ "modules": vec!["users"; 101] }), "modules"),
    ];
    for (body, field) in cases {
        let problem = app.admin().post("/warmup", &body).with_status(422);
        assert_eq!(problem["field"], field, "{body}: {problem:#}");
    }
    let problem = app.admin().post("/warmup", &json!({ "modules": ["prices"] })).with_status(422);
    assert!(problem["detail"].as_str().unwrap().contains("config, vehicles, products, users, seo"), "{problem:#}");
    assert_eq!(matching(&mut app.redis().connection(), "*"), 0);
}

#[test]
fn one_warmup_runs_at_a_time() {
    let app = App::start();
    let mut redis = app.redis().connection();
    let () = redis.set("lock:cache:warmup", "somebody else").unwrap();
    let problem = app.admin().post("/warmup", &json!({})).with_status(409);
    assert!(problem["detail"].as_str().unwrap().contains("running"), "{problem:#}");
    assert_eq!(matching(&mut redis, "*"), 1);
    assert_eq!(redis.get::<_, String>("lock:cache:warmup").unwrap(), "somebody else");
    let () = redis.del("lock:cache:warmup").unwrap();
    app.admin().post("/warmup", &json!({ "modules": ["users"] })).ok();
    assert_eq!(matching(&mut redis, "lock:*"), 0);
}

#[test]
fn warmups_that_arrive_together_are_one() {
    let app = App::start();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let sent: Vec<_> =
            (0..6).map(|_| scope.spawn(|| app.admin().post("/warmup", &json!({ "force": true })).status)).collect();
        sent.into_iter().map(|answer| answer.join().unwrap()).collect()
    });
    assert!(statuses.contains(&200) && statuses.iter().all(|status| [200, 409].contains(status)), "{statuses:?}");
    assert_eq!(matching(&mut app.redis().connection(), "products:*:details"), 100);
}

#[test]
fn before_the_first_warmup_there_is_no_progress() {
    assert_eq!(App::start().viewer().get("/warmup").data(), Value::Null);
}

#[test]
fn the_last_warmup_can_be_looked_up() {
    let app = App::start();
    let report = app.admin().post("/warmup", &json!({ "modules": ["users"], "force": true })).ok();
    let last = app.viewer().get("/warmup").data();
    assert_eq!(last, report["details"]);
    assert_eq!((&last["state"], &last["by"], &last["force"]), (&json!("done"), &json!("deploy"), &json!(true)));
    assert!(last["bytes"].as_u64().unwrap() > 10, "{last:#}");
}

#[test]
fn a_warmup_that_was_cut_off_is_told_apart_from_one_that_runs() {
    let app = App::start();
    let mut redis = app.redis().connection();
    let mut status = app.admin().post("/warmup", &json!({ "modules": ["users"] })).ok()["details"].take();
    (status["state"], status["finishedAt"]) = (json!("running"), Value::Null);
    let () = redis.set("cache:warmup:status", status.to_string()).unwrap();
    assert_eq!(app.viewer().get("/warmup").data()["state"], "interrupted");
    let () = redis.set("lock:cache:warmup", "its owner").unwrap();
    assert_eq!(app.viewer().get("/warmup").data()["state"], "running");
    let problem = app.admin().post("/warmup", &json!({})).with_status(409);
    assert!(problem["detail"].as_str().unwrap().contains("deploy"), "{problem:#}");
}

#[test]
fn an_entry_that_fails_is_counted_and_the_rest_goes_on() {
    let app = App::start();
    let mut redis = app.redis().connection();
    // The tag's set is something else, so the keys that belong to it cannot be tagged.
    let () = redis.set("cache:tags:vehicle-catalog", "no set").unwrap();
    let report = app.admin().post("/warmup", &json!({})).ok();
    assert_eq!(report["stats"]["errors"], 2, "{report:#}");
    assert_eq!(report["stats"]["keysCreated"], ALL - 21);
    let vehicles = &report["details"]["modules"][1];
    assert_eq!(
        (&vehicles["name"], &vehicles["errors"], &vehicles["keysCreated"]),
        (&json!("vehicles"), &json!(2), &json!(0))
    );
    assert!(vehicles["firstError"].as_str().unwrap().contains("vehicles:"), "{vehicles:#}");
}

#[test]
fn a_dry_run_says_what_would_be_written() {
    let app = App::start();
    let mut redis = app.redis().connection();
    let () = redis.set("users:active:count", "mine").unwrap();
    let report = app.admin().post("/warmup", &json!({ "dryRun": true })).ok();
    assert_eq!((&report["stats"]["keysCreated"], &report["stats"]["keysSkipped"]), (&json!(ALL - 1), &json!(1)));
    assert!(report["message"].as_str().unwrap().contains("nothing was written"), "{report:#}");
    assert!(report["stats"]["bytes"].as_u64().unwrap() > 10_000);
    assert_eq!(matching(&mut redis, "*"), 1);
    assert_eq!(app.viewer().get("/warmup").data(), Value::Null, "a dry run is not remembered");
    assert!(app.admin().get("/audit").ok()["data"]["entries"].as_array().unwrap().is_empty());
}

#[test]
fn a_warmup_can_be_watched_and_cancelled() {
    let app = App::with(Options::new().variable("warmup_rate", "20"));
    let none = app.admin().post("/warmup/cancel", &json!({})).with_status(404);
    assert!(none["detail"].as_str().unwrap().contains("no warmup is running"));
    std::thread::scope(|scope| {
        let warmup = scope.spawn(|| app.admin().post("/warmup", &json!({})).ok());
        while app.viewer().get("/warmup").data()["state"] != "running" {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let watching = scope.spawn(|| app.viewer().events("/warmup"));
        std::thread::sleep(std::time::Duration::from_millis(600));
        let said = app.admin().post("/warmup/cancel", &json!({})).ok();
        assert!(said["message"].as_str().unwrap().contains("deploy"), "{said:#}");
        let report = warmup.join().unwrap();
        assert_eq!(report["details"]["state"], "cancelled");
        assert!(report["message"].as_str().unwrap().contains("cancelled after"), "{report:#}");
        let events = watching.join().unwrap();
        assert!(events.len() > 1 && events.iter().all(|(name, _)| name == "progress"), "{events:#?}");
        assert_eq!((&events[0].1["state"], &events.last().unwrap().1), (&json!("running"), &report["details"]));
    });
    let actions: Vec<Value> = app.admin().get("/audit").ok()["data"]["entries"].as_array().unwrap().clone();
    let ended = actions.iter().filter(|entry| entry["outcome"] != "running");
    let actions: Vec<&Value> = ended.map(|entry| &entry["action"]).collect();
    assert_eq!(actions, ["warmup", "warmup-cancel", "warmup-cancel"], "the attempt without a warmup is there too");
}

#[test]
fn progress_without_a_warmup_is_one_event() {
    assert_eq!(App::start().viewer().events("/warmup"), [("progress".to_owned(), Value::Null)]);
}

#[test]
fn a_warmup_stops_before_memory_passes_the_alert() {
    let app = App::with(Options::new().redis(&["--maxmemory", "1500kb"]).variable("memory_alert_percent", "60"));
    let problem = app.admin().post("/warmup", &json!({})).with_status(503);
    assert_eq!(problem["type"], "urn:edge-cache:problem:memory-alert");
    assert!(problem["detail"].as_str().unwrap().contains("keys had been written before"), "{problem:#}");
    let status = app.viewer().get("/warmup").data();
    assert_eq!(status["state"], "failed");
    let record = app.admin().get("/audit").ok()["data"]["entries"][0].take();
    assert_eq!((&record["action"], &record["outcome"]), (&json!("warmup"), &json!("failed")));
}

#[test]
fn the_plan_tells_how_each_module_fared() {
    let app = App::start();
    let before = app.viewer().get("/warmup/plan").data();
    let names: Vec<&Value> = before["modules"].as_array().unwrap().iter().map(|module| &module["name"]).collect();
    assert_eq!(names, ["config", "vehicles", "products", "users", "seo"]);
    assert_eq!((&before["modules"][3]["lastRun"], &before["schedule"]["lastAt"]), (&Value::Null, &Value::Null));
    app.admin().post("/warmup", &json!({ "modules": ["users"] })).ok();
    let after = app.viewer().get("/warmup/plan").data();
    assert_eq!(after["modules"][3]["lastRun"]["keysCreated"], 3);
    assert_eq!(after["modules"][0]["lastRun"], Value::Null);
}
