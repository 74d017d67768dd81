//! Key-value stores, SQLite, files, environment and variables.

use crate::support::Application;

const ALL: &str = "key_value_stores = ['default']\nsqlite_databases = ['default']\n";

#[test]
fn a_key_value_store_keeps_bytes_and_lists_keys() {
    let host = Application::with(ALL).start();
    let expected = "\
get none: Ok(None)
set: Ok(())
set: Ok(())
get: Ok(Some([0, 255]))
exists: Ok(true)
keys: [\"a\", \"b\"]
delete: Ok(())
delete: Ok(())
exists: Ok(false)";
    assert_eq!(host.get("/kv"), expected);
}

#[test]
fn values_survive_a_restart_in_the_state_directory() {
    let state = tempfile::tempdir().unwrap();
    let start = || Application::with(ALL).argument("--state-dir").argument(state.path().display().to_string()).start();
    start().get("/kv");
    assert_eq!(start().get("/kv/get?b"), "Ok(Some([50]))");
    assert!(state.path().join("sqlite_key_value.db").exists());
}

#[test]
fn stores_and_databases_that_are_not_granted_are_denied() {
    let host = Application::with("").start();
    assert_eq!(host.get("/kv/open?default"), "Error::AccessDenied");
    assert_eq!(host.get("/sqlite/open?default"), "Error::AccessDenied");
    let host = Application::with(ALL).start();
    assert_eq!(host.get("/kv/open?default"), "open");
    assert_eq!(host.get("/kv/open?other"), "Error::AccessDenied");
    assert_eq!(host.get("/sqlite/open?other"), "Error::AccessDenied");
}

#[test]
fn sql_runs_rows_come_back_and_changes_are_counted() {
    let host = Application::with(ALL).start();
    let expected = "\
columns  rows 0  changes 0 rowid 0
columns  rows 0  changes 1 rowid 1
columns a rows 1 [Value::Integer(7)] changes 1 rowid 1";
    assert_eq!(host.get("/sqlite?CREATE+TABLE+t(a);INSERT+INTO+t+VALUES(?);SELECT+a+FROM+t"), expected);
    let many =
        host.get("/sqlite?WITH+RECURSIVE+n(i)+AS(SELECT+1+UNION+ALL+SELECT+i%2B1+FROM+n+LIMIT+1000)SELECT+i+FROM+n");
    assert!(many.contains("rows 1000") || many.contains("error"), "{many}");
    let error = host.get("/sqlite?SELEC+1");
    assert!(error.contains("Error::Io(") && error.contains("syntax error"), "{error}");
}

#[test]
fn statements_of_the_command_line_run_before_the_host_listens() {
    let application = Application::with(ALL);
    let file = application.dir.path().join("seed.sql");
    std::fs::write(&file, "CREATE TABLE s (a); INSERT INTO s VALUES (1); INSERT INTO s VALUES (2);").unwrap();
    let host = application
        .argument(format!("--sqlite=@{}", file.display()))
        .argument("--sqlite=INSERT INTO s VALUES (3)")
        .start();
    assert!(host.get("/sqlite?SELECT+a+FROM+s").contains("rows 3"));
}

#[test]
fn files_are_seen_where_they_are_placed_and_cannot_be_written() {
    let application = Application::with("files = ['one.txt', { source = 'assets', destination = '/static' }]");
    std::fs::create_dir(application.dir.path().join("assets")).unwrap();
    std::fs::write(application.dir.path().join("assets/two.txt"), "two").unwrap();
    std::fs::write(application.dir.path().join("one.txt"), "one").unwrap();
    let host = application.start();
    assert_eq!(host.get("/file?/one.txt"), "one");
    assert_eq!(host.get("/file?/static/two.txt"), "two");
    for path in ["/spin.toml", "/../spin.toml", "/etc/passwd"] {
        assert!(host.get(&format!("/file?{path}")).starts_with("error"), "{path}");
    }
    assert!(host.get("/file/write?/one.txt").starts_with("error"));
    assert!(host.get("/file/write?/new.txt").starts_with("error"));
}

#[test]
fn variables_and_environment_are_those_of_the_manifest() {
    let host = Application::with("environment = { GREETING = 'hello' }")
        .environment("SPIN_VARIABLE_REDIS", "from the environment")
        .environment("SECRET_OF_THE_HOST", "x")
        .start();
    assert_eq!(host.get("/variable?redis"), "Ok(\"from the environment\")");
    assert_eq!(host.get("/variable?none"), "Err(Error::Undefined(\"no variable for \\\"guest\\\".\\\"none\\\"\"))");
    assert!(host.get("/variable?a-b").contains("Error::InvalidName(\"\\\"a-b\\\": invalid character '-'."));
    assert_eq!(host.get("/environment?GREETING"), "hello");
    assert_eq!(host.get("/environment?SECRET_OF_THE_HOST"), "environment variable not found");
}

#[test]
fn the_command_line_wins_over_the_environment() {
    let host = Application::with("")
        .environment("SPIN_VARIABLE_REDIS", "environment")
        .argument("--variable=redis=command line")
        .start();
    assert_eq!(host.get("/variable?redis"), "Ok(\"command line\")");
}
