//! Where a warmup reads from beside SQLite: a real web server, good and bad, and a real PostgreSQL.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;

use end_to_end::{App, ORIGIN_TOKEN, Options, Origin, PostgresServer, keys};
use redis::{Commands, Connection};
use serde_json::{Value, json};

/// All keys of the sample catalogue's plan.
const ALL: u64 = 170;

fn document(redis: &mut Connection, key: &str) -> Value {
    serde_json::from_str(&redis.get::<_, String>(key).unwrap()).unwrap()
}

fn from_the_web(origin: &Origin, token: &str) -> App {
    let options = Options::new().plan("origin").variable("warmup_origin", &origin.url());
    App::with(options.variable("warmup_origin_token", token))
}

#[test]
fn entries_are_read_from_a_web_server() {
    let origin = Origin::start();
    let app = from_the_web(&origin, ORIGIN_TOKEN);
    let report = app.admin().post("/warmup", &json!({ "modules": ["web"] })).ok();
    assert_eq!((&report["stats"]["keysCreated"], &report["stats"]["errors"]), (&json!(7), &json!(0)), "{report:#}");
    let mut redis = app.redis().connection();
    assert_eq!(document(&mut redis, "web:b:details"), json!({ "id": "b", "score": 2.5 }));
    assert_eq!(document(&mut redis, "web:all")["data"]["items"].as_array().unwrap().len(), 3);
    assert_eq!(redis.zrevrange::<_, Vec<String>>("web:best", 0, -1).unwrap(), ["a", "b", "c"]);
    assert_eq!(redis.hget::<_, _, String>("web:settings", "retries").unwrap(), "3");
    assert_eq!(redis.lrange::<_, Vec<String>>("web:words", 0, -1).unwrap(), ["one", "2", "null"]);
    assert_eq!(origin.asked(), 5);
}

#[test]
fn a_web_server_in_trouble_costs_its_entry_and_no_other() {
    let origin = Origin::start();
    let app = from_the_web(&origin, ORIGIN_TOKEN);
    let told = [
        ("trouble", "answered with the status 503"),
        ("text", "the answer is not JSON"),
        ("cut", "broke off"),
        ("endless", "longer than 64 MiB"),
        ("silent", "no whole answer within 20 s"),
    ];
    for (module, problem) in told {
        let report = app.admin().post("/warmup", &json!({ "modules": [module] })).ok();
        let error = report["details"]["modules"][0]["firstError"].as_str().unwrap().to_owned();
        assert!(error.contains(problem) && error.contains(&origin.url()), "{module}: {error}");
        assert_eq!(report["stats"]["errors"], 1);
    }
    assert_eq!(keys(&mut app.redis().connection(), "web:after").len(), 1, "the silent server's next entry");
}

#[test]
fn a_web_server_that_refuses_the_token_or_is_away_is_told_without_the_token() {
    let origin = Origin::start();
    let app = from_the_web(&origin, "a-wrong-token");
    let report = app.admin().post("/warmup", &json!({ "modules": ["web"] })).ok();
    assert_eq!(report["stats"]["errors"], 5);
    assert!(report["details"]["modules"][0]["firstError"].as_str().unwrap().contains("status 401"));
    assert!(!report.to_string().contains("a-wrong-token") && !app.log().contains("a-wrong-token"));
    let away = format!("http://127.0.0.1:{}", end_to_end::free_port());
    let app = App::with(Options::new().plan("origin").variable("warmup_origin", &away));
    let report = app.admin().post("/warmup", &json!({ "modules": ["text"] })).ok();
    let error = report["details"]["modules"][0]["firstError"].as_str().unwrap().to_owned();
    assert!(error.contains(&away) && error.contains("cannot be asked"), "{error}");
}

/// A PostgreSQL with the sample catalogue, and an application that reads it.
fn from_postgres() -> (PostgresServer, App) {
    let postgres = PostgresServer::start();
    let catalogue = end_to_end::repository().join("data/catalogue.postgres.sql");
    postgres.run(&std::fs::read_to_string(catalogue).expect("the catalogue, which scripts/build makes"));
    let options = Options::new().variable("postgres_url", &postgres.url());
    let app = App::with(options.variable("postgres_address", &postgres.origin()));
    (postgres, app)
}

/// Every key that a warmup wrote, with its type, lifetime and value as Redis has them.
fn written(redis: &mut Connection) -> BTreeMap<String, (i64, Vec<u8>)> {
    let mut all = BTreeMap::new();
    for key in keys(redis, "*").into_iter().filter(|key| !key.starts_with("cache:")) {
        let life: i64 = redis.hget(format!("cache:meta:{{{key}}}"), "life").unwrap();
        all.insert(key.clone(), (life, redis::cmd("DUMP").arg(&key).query(redis).unwrap()));
    }
    all
}

#[test]
fn postgres_gives_the_same_keys_and_values_as_sqlite_byte_for_byte() {
    let sqlite = App::start();
    sqlite.admin().post("/warmup", &json!({})).ok();
    let (_postgres, app) = from_postgres();
    let report = app.admin().post("/warmup", &json!({})).ok();
    assert_eq!((&report["stats"]["keysCreated"], &report["stats"]["errors"]), (&json!(ALL), &json!(0)), "{report:#}");
    let (ours, theirs) = (written(&mut app.redis().connection()), written(&mut sqlite.redis().connection()));
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
    for (key, value) in &ours {
        assert!(*value == theirs[key], "{key} differs");
    }
}

#[test]
fn a_postgres_that_is_away_costs_its_entries_and_its_password_is_not_told() {
    let (mut postgres, app) = from_postgres();
    postgres.kill();
    let report = app.admin().post("/warmup", &json!({ "modules": ["users"] })).ok();
    assert_eq!((&report["stats"]["keysCreated"], &report["stats"]["errors"]), (&json!(0), &json!(3)), "{report:#}");
    let error = report["details"]["modules"][0]["firstError"].as_str().unwrap();
    assert!(error.contains("PostgreSQL"), "{error}");
    assert!(!report.to_string().contains(postgres.password()) && !app.log().contains(postgres.password()));
    postgres.launch();
    let report = app.admin().post("/warmup", &json!({ "modules": ["users"] })).ok();
    assert_eq!(report["stats"]["keysCreated"], 3, "it is asked again by itself: {report:#}");
}
