//! Clients that are generated from `openapi.yaml` compile and call every operation of the running
//! application, and their errors are typed.
//!
//! The programs in `tests/clients/` make the calls and check the types. This file generates the
//! clients into `target/clients/`, and finds the calls in the application's log. Ignored by default
//! because it needs `scripts/setup --test`; `scripts/test` runs it.

#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use std::{env, fs, thread};

use end_to_end::{App, Caller, Options, contract, repository};
use redis::Commands;
use serde_json::{Value, json};

/// The only operation without an error that a client can provoke: it ignores its query, and its file
/// always exists.
const WITHOUT_ERRORS: &str = "getDashboard";
/// The id of a stored job that is paused.
const JOB: &str = "0123456789abcdef0123";
/// The id of a recorded change.
const OPERATION: &str = "4102444800000-0-1-0123456789abcdef";
/// A dry run of the same job that is done.
const DRY_RUN: &str = "0123456789abcdef0125";
/// How often the log is read before a call counts as missing, because its lines arrive with a delay.
const READS_OF_LOG: usize = 100;

/// An operation of `openapi.yaml`.
#[derive(Debug)]
struct Operation {
    id: String,
    method: String,
    path: String,
    is_public: bool,
    is_deprecated: bool,
    statuses: Vec<u16>,
}

impl Operation {
    fn new(path: &str, method: &str, operation: &Value) -> Self {
        let statuses = operation["responses"].as_object().unwrap().keys();
        Self {
            id: operation["operationId"].as_str().unwrap().to_owned(),
            method: method.to_ascii_uppercase(),
            path: path.to_owned(),
            is_public: operation["security"].as_array().is_some_and(Vec::is_empty),
            is_deprecated: operation["deprecated"].as_bool().unwrap_or_default(),
            statuses: statuses.map(|status| status.parse().unwrap()).collect(),
        }
    }

    /// The statuses that a client must have received: a success, and each error that it can provoke.
    fn expected_statuses(&self) -> Vec<u16> {
        // An operation that always begins a job has no 200.
        let success = if self.statuses.contains(&200) {
            200
        } else {
            202
        };
        let mut expected = vec![success];
        if !self.is_public {
            expected.push(401);
        }
        if !self.path.starts_with("/admin") {
            expected.push(422);
        }
        // A deprecated address is unknown only where `edge-cache.toml` does not list it.
        if self.statuses.contains(&404) && !self.is_deprecated {
            expected.push(404);
        }
        assert!(expected.len() > 1 || self.id == WITHOUT_ERRORS, "{self:?}");
        expected
    }
}

/// The operations of the administration. The contract of the harness also has those of the shop.
fn operations() -> Vec<Operation> {
    let text = fs::read_to_string(repository().join("openapi.yaml")).unwrap();
    let document: Value = serde_saphyr::from_str(&text).unwrap();
    let paths = document["paths"].as_object().unwrap();

    let all = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().iter();
        let operations = methods.filter(|(_, value)| value.get("operationId").is_some());
        operations.map(move |(method, value)| Operation::new(path, method, value))
    });
    all.collect()
}

/// Returns the operation of a request: the one with this path, or with a parameter in place of its
/// rest.
fn operation_of<'a>(
    operations: &'a [Operation],
    method: &str,
    path: &str,
) -> Option<&'a Operation> {
    let same_method = || operations.iter().filter(move |one| one.method == method);
    let is_template_of = |template: &str| {
        let around = template.split_once('{').zip(template.split_once('}'));
        around.is_some_and(|((prefix, _), (_, suffix))| {
            path.starts_with(prefix) && path.ends_with(suffix)
        })
    };
    same_method()
        .find(|one| one.path == path)
        .or_else(|| same_method().find(|one| is_template_of(&one.path)))
}

/// The calls that the log lacks, as `operation: status`.
fn missing_calls(operations: &[Operation], log: &str) -> Vec<String> {
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let calls: Vec<(&str, u64)> = lines
        .filter_map(|line| {
            let called = operation_of(operations, line["method"].as_str()?, line["path"].as_str()?);
            Some((called?.id.as_str(), line["status"].as_u64()?))
        })
        .collect();

    let expected = operations.iter().flat_map(|operation| {
        let statuses = operation.expected_statuses();
        statuses
            .into_iter()
            .map(move |status| (operation.id.as_str(), u64::from(status)))
    });
    expected
        .filter(|call| !calls.contains(call))
        .map(|(id, status)| format!("{id}: {status}"))
        .collect()
}

/// Waits until the log has every call.
fn assert_all_called(app: &App) {
    let operations = operations();
    let mut missing = missing_calls(&operations, &app.log());
    for _ in 0..READS_OF_LOG {
        if missing.is_empty() {
            return;
        }
        thread::sleep(Duration::from_millis(50));
        missing = missing_calls(&operations, &app.log());
    }
    panic!("not called: {missing:#?}");
}

/// Starts an application with a key of this name, and with a warmup that seems to be running, as if
/// its instance was slow.
fn start_with_key(key: &str) -> App {
    // Each attempt without a valid token comes from an address of its own.
    let options = Options::new().variable("trusted_proxies", "1");
    let app = App::with(options.variable("log_detail", "full"));
    let mut redis = app.connection();

    let () = redis.set(key, "1").unwrap();
    let () = redis.set("clients:undone", "new").unwrap();
    let () = redis
        .set(format!("cache:undo:{OPERATION}"), former_value())
        .unwrap();
    let status = running_warmup().to_string();
    let () = redis.set("cache:warmup:status", status).unwrap();
    let () = redis.set_ex("lock:cache:warmup", "its owner", 600).unwrap();
    for (id, effect, state) in [(JOB, "remove", "paused"), (DRY_RUN, "count", "done")] {
        let () = redis.hset("cache:jobs", id, stored_job(effect)).unwrap();
        let () = redis.hset("cache:jobs:states", id, state).unwrap();
    }
    let () = redis.set_ex("lock:cache:jobs", "its owner", 600).unwrap();
    let () = redis::cmd("XADD")
        .arg(&[
            "cache:audit",
            "4102444800000-1",
            "record",
            &recorded_change(),
        ])
        .query(&mut app.trail())
        .unwrap();
    app
}

/// The audit record of a change.
fn recorded_change() -> String {
    let record = json!({
        "at": "2026-01-01T00:00:00.000Z", "who": "deploy", "role": "operator", "action": "invalidate", "keysDeleted": 1,
        "durationMs": 1, "ip": "", "requestId": "", "operationId": OPERATION, "outcome": "ok",
    });
    record.to_string()
}

/// The value of the key `clients:undone` before an edit.
fn former_value() -> String {
    let hash_of_new = "c2a6b03f190dfb2b4aa91f8af8d477a9bc3401dc";
    let former =
        json!({ "key": "Y2xpZW50czp1bmRvbmU=", "value": "b2xk", "replaced_by": hash_of_new });
    former.to_string()
}

/// The record of a job.
fn stored_job(effect: &str) -> String {
    let work = json!({ "kind": "clear", "effect": effect, "patterns": ["clients:none:*"] });
    let counts = json!({ "walked": 0, "matched": 0, "removed": 0, "failed": 0 });
    let job = json!({
        "work": work, "by": "deploy", "role": "operator", "ip": "", "requestId": "", "createdMs": 1, "startedMs": 0,
        "updatedMs": 1, "endedMs": 0, "inForceMs": 0, "workedMs": 0, "total": null, "earlier": counts, "plan": null,
        "fences": [], "owner": "", "takeovers": 0, "error": null,
    });
    job.to_string()
}

/// The warmup of the document's example, before its end.
fn running_warmup() -> Value {
    let example = "/paths/~1api~1cache~1warmup/post/responses/200/content/application~1json/examples/warmed/value/details";
    let mut warmup = contract().document().pointer(example).unwrap().clone();
    (warmup["state"], warmup["finishedAt"]) = (json!("running"), Value::Null);
    warmup
}

fn openapi() -> PathBuf {
    repository().join("openapi.yaml")
}

/// The sources of a program that calls every operation.
fn sources(language: &str) -> PathBuf {
    repository().join("tests/clients").join(language)
}

/// The directory of a client and of what it is built from. `scripts/setup --test` installs the
/// generators there.
fn target(language: &str) -> PathBuf {
    repository().join("target/clients").join(language)
}

fn run(command: &mut Command) {
    let output = command.output();
    let output =
        output.unwrap_or_else(|error| panic!("{command:?}: {error}; run scripts/setup --test"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}\n{}",
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    );
}

/// Runs a program that calls every operation as an admin.
fn call_every_operation(command: &mut Command, app: &App) {
    let origin = format!("http://{}", app.address());
    run(command.arg(origin).arg(Caller::Admin.token().unwrap()));
    assert_all_called(app);
}

fn with_path(command: &mut Command, first: &Path) {
    let path = env::var_os("PATH").unwrap_or_default();
    let all = [first.to_owned()]
        .into_iter()
        .chain(env::split_paths(&path));
    command.env("PATH", env::join_paths(all).unwrap());
}

#[test]
#[ignore = "needs openapi-python-client; scripts/test runs it"]
fn a_python_client_has_every_operation_and_typed_errors() {
    let target = target("python");
    let programs = target.join("environment/bin");
    let package = target.join("edge_cache_client");
    let caller = sources("python").join("call_every_route.py");

    let mut generate = Command::new(programs.join("openapi-python-client"));
    generate.args([
        "generate",
        "--meta",
        "none",
        "--overwrite",
        "--fail-on-warning",
    ]);
    generate.arg("--path").arg(openapi());
    generate.arg("--output-path").arg(&package);
    // It formats the client with a program that is installed beside it.
    with_path(&mut generate, &programs);
    run(&mut generate);

    let mut check = Command::new(programs.join("mypy"));
    check
        .arg("--config-file")
        .arg(sources("python").join("mypy.ini"));
    check.arg(&caller).current_dir(&target);
    run(check.env("MYPYPATH", &target));

    let app = start_with_key("clients:python");
    let mut call = Command::new(programs.join("python"));
    call.arg(caller).env("PYTHONPATH", &target);
    call_every_operation(&mut call, &app);
}

#[test]
#[ignore = "needs openapi-typescript; scripts/test runs it"]
fn a_typescript_client_has_every_operation_and_typed_errors() {
    let target = target("typescript");
    let programs = target.join("node_modules/.bin");
    for file in ["call_every_route.ts", "tsconfig.json"] {
        fs::copy(sources("typescript").join(file), target.join(file)).unwrap();
    }

    let mut generate = Command::new(programs.join("openapi-typescript"));
    // A field with a default need not be sent.
    generate.arg(openapi()).arg("--default-non-nullable=false");
    run(generate.arg("--output").arg(target.join("openapi.d.ts")));
    run(Command::new(programs.join("tsc")).current_dir(&target));

    let app = start_with_key("clients:typescript");
    let mut call = Command::new("node");
    call.arg(target.join("built/call_every_route.js"));
    call_every_operation(&mut call, &app);
}

#[test]
#[ignore = "compiles a client for a minute; scripts/test runs it"]
fn a_rust_client_has_every_operation_and_typed_errors() {
    let target = target("rust");
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--locked", "--quiet", "--manifest-path"]);
    build.arg(sources("rust").join("Cargo.toml"));
    run(build.arg("--target-dir").arg(&target));

    let app = start_with_key("clients:rust");
    call_every_operation(
        &mut Command::new(target.join("debug/call-every-route")),
        &app,
    );
}
