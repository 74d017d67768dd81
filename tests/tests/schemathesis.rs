//! Schemathesis reads `openapi.yaml`, makes requests of it that fit and that do not, and holds the answers against it.
//!
//! Not by default: it takes its time, and needs `scripts/setup --test`; `scripts/test` runs it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{env, fs, thread};

use end_to_end::{App, Caller, fill_types, repository};
use redis::{Commands, Connection};
use serde_json::Value;

/// What an answer must be whatever was asked.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,\
                      response_schema_conformance,unsupported_method,allow_header_conformance,ignored_auth";
/// Any name, and now and then one of a key that is there.
const NAMES: &str = "schema: { anyOf: [{ type: string }, { enum: \
                     ['typed:string', 'typed:hash', 'typed:list', 'typed:set', 'typed:zset', 'typed:stream'] }] }";

/// A copy of the document in which names of keys are often those of keys that are there.
fn document(folder: &Path) -> PathBuf {
    let text = fs::read_to_string(repository().join("openapi.yaml")).unwrap();
    let (before, key) = text.split_once("      - name: key\n").unwrap();
    let named = format!("{before}      - name: key\n{}", key.replacen("schema: { type: string }", NAMES, 1));
    let copy = folder.join("openapi.yaml");
    fs::write(&copy, named).unwrap();
    copy
}

/// Lets attempts without a token be told so, however many there were.
fn forget_denied(redis: &mut Connection) {
    let choose = |redis: &mut Connection, database: u8| redis::cmd("SELECT").arg(database).query::<()>(redis).unwrap();
    choose(redis, 1);
    for counter in redis.keys::<_, Vec<String>>("cache:denied:*").unwrap() {
        let () = redis.del(counter).unwrap();
    }
    choose(redis, 0);
}

/// How many requests for a key were answered with this status.
fn answered(log: &str, method: &str, status: u16) -> usize {
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let of_keys = |line: &Value| line["path"].as_str().is_some_and(|path| path.starts_with("/api/cache/keys/"));
    lines.filter(|line| of_keys(line) && line["method"] == method && line["status"] == status).count()
}

fn program() -> PathBuf {
    let installed = || repository().join("target/schemathesis/bin/schemathesis");
    env::var_os("SCHEMATHESIS_BIN").map_or_else(installed, PathBuf::from)
}

#[test]
#[ignore = "needs schemathesis; scripts/test runs it"]
fn schemathesis_finds_no_answer_that_is_not_in_the_document() {
    let app = App::start();
    let mut command = Command::new(program());
    // Examples kept from runs before would make this one depend on them.
    let folder = tempfile::tempdir().unwrap();
    command.arg("run").arg(document(folder.path())).args(["--url", &format!("http://{}", app.address())]);
    command.args(["--header", &format!("Authorization: Bearer {}", Caller::Admin.token().unwrap())]);
    command.args(["--checks", CHECKS, "--phases", "examples,coverage,fuzzing", "--seed", "20251115"]);
    command.args(["--max-examples", "100", "--workers", "1", "--no-shrink", "--no-color"]);
    command.args(["--suppress-health-check", "all", "--warnings", "off", "--request-timeout", "30"]);
    command.args(["--generation-database", "none"]).current_dir(folder.path());
    let mut running = command.spawn().expect("schemathesis must be installed: scripts/setup --test does that");
    let mut redis = app.redis().connection();
    let status = loop {
        // Its other requests clear the cache, and those without a token are many.
        fill_types(&mut redis);
        forget_denied(&mut redis);
        thread::sleep(Duration::from_millis(20));
        if let Some(status) = running.try_wait().unwrap() {
            break status;
        }
    };
    assert!(status.success(), "schemathesis found something: {status}");
    app.nobody().get("/health").ok();
    let log = app.log();
    let (read, changed) = (answered(&log, "GET", 200), answered(&log, "PATCH", 200));
    assert!(read >= 20 && changed >= 20, "keys that are there were hardly reached: {read} read, {changed} changed");
}
