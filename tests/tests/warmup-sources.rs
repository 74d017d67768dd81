//! Sources of a warmup besides SQLite: a real web server with and without faults, and a real
//! PostgreSQL.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot continue has failed"
)]

use std::collections::BTreeMap;

use end_to_end::{App, Connection, ORIGIN_TOKEN, Options, Origin, PostgresServer, keys};
use redis::Commands;
use serde_json::{Value, json};

/// The number of keys in the plan of the sample catalogue.
const ALL: u64 = 170;

fn document(redis: &mut Connection, key: &str) -> Value {
    serde_json::from_str(&redis.get::<_, String>(key).unwrap()).unwrap()
}

fn start_with_web_source(origin: &Origin, token: &str) -> App {
    let options = Options::new()
        .configuration_file("tests/plans/origin.toml")
        .variable("warmup_origin", &origin.url());
    App::with(options.variable("warmup_origin_token", token))
}

#[test]
fn entries_are_read_from_a_web_server() {
    let origin = Origin::start();
    let app = start_with_web_source(&origin, ORIGIN_TOKEN);
    let report = app
        .admin()
        .post("/warmup", &json!({ "modules": ["web"] }))
        .ok();

    assert_eq!(report["stats"]["keysCreated"], 7, "{report:#}");
    assert_eq!(report["stats"]["errors"], 0, "{report:#}");

    let mut redis = app.connection();
    assert_eq!(
        document(&mut redis, "web:b:details"),
        json!({ "id": "b", "score": 2.5 })
    );
    assert_eq!(
        document(&mut redis, "web:all")["data"]["items"]
            .as_array()
            .unwrap()
            .len(),
        3
    );
    assert_eq!(
        redis
            .zrevrange::<_, Vec<String>>("web:best", 0, -1)
            .unwrap(),
        ["a", "b", "c"]
    );
    assert_eq!(
        redis
            .hget::<_, _, String>("web:settings", "retries")
            .unwrap(),
        "3"
    );
    assert_eq!(
        redis.lrange::<_, Vec<String>>("web:words", 0, -1).unwrap(),
        ["one", "2", "null"]
    );
    assert_eq!(origin.request_count(), 5);
}

#[test]
fn a_failing_web_server_fails_only_its_entry() {
    let origin = Origin::start();
    let app = start_with_web_source(&origin, ORIGIN_TOKEN);
    let cases = [
        ("trouble", "responded with status 503"),
        ("text", "the response is not JSON"),
        ("cut", "ended early"),
        ("endless", "larger than 64 MiB"),
        ("silent", "no complete response within 20 s"),
    ];

    for (module, problem) in cases {
        let report = app
            .admin()
            .post("/warmup", &json!({ "modules": [module] }))
            .ok();
        let error = report["details"]["modules"][0]["firstError"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(error.contains(problem), "{module}: {error}");
        assert!(error.contains(&origin.url()), "{module}: {error}");
        assert_eq!(report["stats"]["errors"], 1);
    }

    assert_eq!(
        keys(&mut app.connection(), "web:after").len(),
        1,
        "the entry after that of the silent server"
    );
}

#[test]
fn requests_to_a_web_server_belong_to_the_trace_of_the_warmup() {
    const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let traces_of = |traceparent: &str| {
        let origin = Origin::start();
        let app = start_with_web_source(&origin, ORIGIN_TOKEN);
        let client = app
            .admin()
            .with_header("traceparent", traceparent)
            .with_header("tracestate", "vendor=1");
        client.post("/warmup", &json!({ "modules": ["web"] })).ok();
        origin.traces()
    };

    for (traceparent, expected) in [
        (TRACE.to_owned(), format!("{TRACE} vendor=1")),
        (TRACE.to_uppercase(), "- -".to_owned()),
    ] {
        let traces = traces_of(&traceparent);
        assert!(!traces.is_empty(), "nothing was requested");
        assert!(traces.iter().all(|sent| *sent == expected), "{traces:?}");
    }
}

#[test]
fn an_error_of_a_web_server_does_not_reveal_the_token() {
    let origin = Origin::start();
    let app = start_with_web_source(&origin, "a-wrong-token");
    let report = app
        .admin()
        .post("/warmup", &json!({ "modules": ["web"] }))
        .ok();

    assert_eq!(report["stats"]["errors"], 5);
    assert!(
        report["details"]["modules"][0]["firstError"]
            .as_str()
            .unwrap()
            .contains("status 401")
    );
    assert!(!report.to_string().contains("a-wrong-token"));
    assert!(!app.log().contains("a-wrong-token"));

    let away = format!("http://127.0.0.1:{}", end_to_end::free_port());
    let app = App::with(
        Options::new()
            .configuration_file("tests/plans/origin.toml")
            .variable("warmup_origin", &away),
    );
    let report = app
        .admin()
        .post("/warmup", &json!({ "modules": ["text"] }))
        .ok();
    let error = report["details"]["modules"][0]["firstError"]
        .as_str()
        .unwrap()
        .to_owned();

    assert!(error.contains(&away), "{error}");
    assert!(error.contains("the request failed"), "{error}");
}

/// Starts a PostgreSQL with the sample catalogue, and an application that reads it.
fn from_postgres() -> (PostgresServer, App) {
    let postgres = PostgresServer::start();
    let catalogue = end_to_end::repository().join("data/catalogue.postgres.sql");
    postgres.run(
        &std::fs::read_to_string(catalogue).expect("the catalogue, which scripts/build writes"),
    );
    let options = Options::new().variable("postgres_url", &postgres.url());
    let app = App::with(options.variable("postgres_address", &postgres.origin()));
    (postgres, app)
}

/// Returns every key that a warmup has written, with the seconds left and the serialized value; of
/// text, without the whitespace behind it, which says when it was stored.
fn written(redis: &mut Connection) -> BTreeMap<String, (i64, Vec<u8>)> {
    let mut all = BTreeMap::new();
    for key in keys(redis, "*")
        .into_iter()
        .filter(|key| !key.starts_with("cache:"))
    {
        let left: i64 = redis.ttl(&key).unwrap();
        let value: Vec<u8> = match redis.key_type::<_, String>(&key).unwrap().as_str() {
            "string" => redis
                .get::<_, Vec<u8>>(&key)
                .unwrap()
                .trim_ascii_end()
                .into(),
            _ => redis::cmd("DUMP").arg(&key).query(redis).unwrap(),
        };
        all.insert(key, (left, value));
    }

    all
}

#[test]
fn postgresql_and_sqlite_give_identical_keys() {
    let sqlite = App::start();
    sqlite.admin().post("/warmup", &json!({})).ok();
    let from_sqlite = written(&mut sqlite.connection());
    let (_postgres, app) = from_postgres();
    let report = app.admin().post("/warmup", &json!({})).ok();
    let from_postgres = written(&mut app.connection());

    assert_eq!(report["stats"]["keysCreated"], ALL, "{report:#}");
    assert_eq!(report["stats"]["errors"], 0, "{report:#}");
    assert_eq!(
        from_postgres.keys().collect::<Vec<_>>(),
        from_sqlite.keys().collect::<Vec<_>>()
    );

    for (key, (left, value)) in &from_postgres {
        let (left_of_sqlite, value_of_sqlite) = &from_sqlite[key];
        assert!(value == value_of_sqlite, "{key} differs");
        // Each is read right after its warmup.
        assert!(
            (left - left_of_sqlite).abs() <= 20,
            "{key}: {left} s and {left_of_sqlite} s"
        );
    }
}

#[test]
fn an_unreachable_postgresql_fails_its_entries_without_revealing_its_password() {
    let (mut postgres, app) = from_postgres();
    postgres.kill();
    let report = app
        .admin()
        .post("/warmup", &json!({ "modules": ["users"] }))
        .ok();

    assert_eq!(report["stats"]["keysCreated"], 0, "{report:#}");
    assert_eq!(report["stats"]["errors"], 3, "{report:#}");

    let error = report["details"]["modules"][0]["firstError"]
        .as_str()
        .unwrap();
    assert!(error.contains("PostgreSQL"), "{error}");
    assert!(!report.to_string().contains(postgres.password()));
    assert!(!app.log().contains(postgres.password()));

    postgres.launch();
    let report = app
        .admin()
        .post("/warmup", &json!({ "modules": ["users"] }))
        .ok();
    assert_eq!(
        report["stats"]["keysCreated"], 3,
        "PostgreSQL is used again: {report:#}"
    );
}
