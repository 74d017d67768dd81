//! Schemathesis generates valid and invalid requests from `openapi.yaml` and checks the responses
//! against it.
//!
//! Ignored by default because it is slow and needs `scripts/setup --test`; `scripts/test` runs it.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{env, fs, thread};

use end_to_end::{App, Caller, Connection, fill_types, repository};
use redis::Commands;
use serde_json::Value;

/// Checks of every response.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,\
                      response_schema_conformance,unsupported_method,allow_header_conformance,ignored_auth";
/// A schema for any name, often that of an existing key.
const NAMES: &str = "{ anyOf: [{ type: string }, { enum: \
                     ['typed:string', 'typed:hash', 'typed:list', 'typed:set', 'typed:zset', 'typed:stream'] }] }";

/// Writes a copy of the document whose examples are often names of existing keys.
fn document(folder: &Path) -> PathBuf {
    let text = fs::read_to_string(repository().join("openapi.yaml")).unwrap();
    let mut parts = text.split("- name: key\n");
    let mut named = parts.next().unwrap().to_owned();

    for part in parts {
        named += "- name: key\n";
        named += &part.replacen("schema: { type: string }", &format!("schema: {NAMES}"), 1);
    }

    let named = named.replace(
        "        key: { type: string }\n",
        &format!("        key: {NAMES}\n"),
    );
    assert!(
        named.matches(NAMES).count() >= 4,
        "openapi.yaml declares keys differently"
    );

    let copy = folder.join("openapi.yaml");
    fs::write(&copy, named).unwrap();
    copy
}

/// Resets the counts of denied attempts, so that further ones are 401 instead of 429.
fn forget_denied(redis: &mut Connection) {
    let choose = |redis: &mut Connection, database: u8| {
        redis::cmd("SELECT")
            .arg(database)
            .query::<()>(redis)
            .unwrap();
    };
    choose(redis, 1);
    for counter in redis.keys::<_, Vec<String>>("cache:denied:*").unwrap() {
        let () = redis.del(counter).unwrap();
    }
    choose(redis, 0);
}

/// Returns true if every failure is a request without a valid token that got 429 instead of 401. An
/// instance counts such attempts itself, too, and on a fast machine it sees more than it allows.
fn has_only_limited_attempts(report: &str) -> bool {
    let failures = report.lines().filter(|line| line.starts_with("- "));
    let limited = report
        .lines()
        .filter(|line| line.contains("Expected 401 or 403, got `429 Too Many Requests`"));
    failures.count().max(1) == limited.count()
}

/// Counts the requests for a key that ended with this status.
fn answered(log: &str, method: &str, status: u16) -> usize {
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let of_keys = |line: &Value| {
        line["route"]
            .as_str()
            .is_some_and(|route| route.starts_with("/api/cache/keys/"))
    };
    lines
        .filter(|line| of_keys(line) && line["method"] == method && line["status"] == status)
        .count()
}

fn program() -> PathBuf {
    let installed = || repository().join("target/schemathesis/bin/schemathesis");
    env::var_os("SCHEMATHESIS_BIN").map_or_else(installed, PathBuf::from)
}

#[test]
#[ignore = "needs schemathesis; scripts/test runs it"]
fn schemathesis_finds_no_undocumented_response() {
    let app = App::start();
    let mut command = Command::new(program());
    // Stored examples would make this run depend on earlier ones.
    let folder = tempfile::tempdir().unwrap();
    command
        .arg("run")
        .arg(document(folder.path()))
        .args(["--url", &format!("http://{}", app.address())]);
    command.args([
        "--header",
        &format!("Authorization: Bearer {}", Caller::Admin.token().unwrap()),
    ]);
    command.args([
        "--checks",
        CHECKS,
        "--phases",
        "examples,coverage,fuzzing",
        "--seed",
        "20251115",
    ]);
    command.args([
        "--max-examples",
        "100",
        "--workers",
        "1",
        "--no-shrink",
        "--no-color",
    ]);
    command.args([
        "--suppress-health-check",
        "all",
        "--warnings",
        "off",
        "--request-timeout",
        "30",
    ]);
    command
        .args(["--generation-database", "none"])
        .current_dir(folder.path());
    let report = folder.path().join("report.txt");
    command.stdout(fs::File::create(&report).unwrap());
    let mut running = command
        .spawn()
        .expect("schemathesis must be installed: scripts/setup --test does that");
    let mut redis = app.connection();
    let status = loop {
        // Other requests clear the cache, and many have no token.
        fill_types(&mut redis);
        forget_denied(&mut redis);
        thread::sleep(Duration::from_millis(20));
        if let Some(status) = running.try_wait().unwrap() {
            break status;
        }
    };

    let report = fs::read_to_string(report).unwrap();
    println!("{report}");
    assert!(
        status.success() || has_only_limited_attempts(&report),
        "schemathesis found a violation: {status}"
    );

    app.nobody().get("/health").ok();
    let log = app.log();
    let read = answered(&log, "GET", 200);
    let changed = answered(&log, "PATCH", 200);

    assert!(
        read >= 20,
        "existing keys were rarely reached: {read} read, {changed} changed"
    );
    assert!(
        changed >= 20,
        "existing keys were rarely reached: {read} read, {changed} changed"
    );
}
