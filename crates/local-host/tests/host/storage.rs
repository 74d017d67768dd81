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
fn values_in_the_state_directory_survive_a_restart() {
    let state = tempfile::tempdir().unwrap();
    let start = || {
        Application::with(ALL)
            .argument("--state-dir")
            .argument(state.path().display().to_string())
            .start()
    };

    start().get("/kv");

    assert_eq!(start().get("/kv/get?b"), "Ok(Some([50]))");
    assert!(state.path().join("sqlite_key_value.db").exists());
}

#[test]
fn nothing_is_granted_by_default() {
    let host = Application::with("").start();
    assert_eq!(host.get("/kv/open?default"), "Error::AccessDenied");
    assert_eq!(host.get("/sqlite/open?default"), "Error::AccessDenied");
}

#[test]
fn only_granted_stores_and_databases_can_be_opened() {
    let host = Application::with(ALL).start();
    assert_eq!(host.get("/kv/open?default"), "open");
    assert_eq!(host.get("/kv/open?other"), "Error::AccessDenied");
    assert_eq!(host.get("/sqlite/open?other"), "Error::AccessDenied");
}

#[test]
fn a_statement_returns_rows_and_counts_changes() {
    let host = Application::with(ALL).start();
    let expected = "\
columns  rows 0  changes 0 rowid 0
columns  rows 0  changes 1 rowid 1
columns a rows 1 [Value::Integer(7)] changes 1 rowid 1";
    let statements = "CREATE+TABLE+t(a);INSERT+INTO+t+VALUES(?);SELECT+a+FROM+t";
    assert_eq!(host.get(&format!("/sqlite?{statements}")), expected);
}

#[test]
fn a_statement_returns_many_rows() {
    let host = Application::with(ALL).start();
    let statement =
        "WITH+RECURSIVE+n(i)+AS(SELECT+1+UNION+ALL+SELECT+i%2B1+FROM+n+LIMIT+1000)SELECT+i+FROM+n";
    let response = host.get(&format!("/sqlite?{statement}"));
    let has_rows = response.contains("rows 1000") || response.contains("error");
    assert!(has_rows, "{response}");
}

#[test]
fn an_invalid_statement_returns_the_text_of_sqlite() {
    let host = Application::with(ALL).start();
    let error = host.get("/sqlite?SELEC+1");
    assert!(error.contains("Error::Io("), "{error}");
    assert!(error.contains("syntax error"), "{error}");
}

#[test]
fn the_sql_of_the_command_line_runs_before_the_host_listens() {
    let application = Application::with(ALL);
    application.write(
        "seed.sql",
        "CREATE TABLE s (a); INSERT INTO s VALUES (1); INSERT INTO s VALUES (2);",
    );
    let file = application.dir.path().join("seed.sql");

    let host = application
        .argument(format!("--sqlite=@{}", file.display()))
        .argument("--sqlite=INSERT INTO s VALUES (3)")
        .start();

    let response = host.get("/sqlite?SELECT+a+FROM+s");
    assert!(response.contains("rows 3"), "{response}");
}

#[test]
fn files_are_readable_at_their_destination_only() {
    let application =
        Application::with("files = ['one.txt', { source = 'assets', destination = '/static' }]");
    application.write("assets/two.txt", "two");
    application.write("one.txt", "one");

    let host = application.start();

    assert_eq!(host.get("/file?/one.txt"), "one");
    assert_eq!(host.get("/file?/static/two.txt"), "two");
    for path in ["/spin.toml", "/../spin.toml", "/etc/passwd"] {
        let error = host.get(&format!("/file?{path}"));
        assert!(error.starts_with("error"), "{path}: {error}");
    }
}

#[test]
fn files_cannot_be_written() {
    let application = Application::with("files = ['one.txt']");
    application.write("one.txt", "one");
    let host = application.start();

    for path in ["/one.txt", "/new.txt"] {
        let error = host.get(&format!("/file/write?{path}"));
        assert!(error.starts_with("error"), "{path}: {error}");
    }
}

#[test]
fn variables_are_those_of_the_manifest() {
    let host = Application::with("")
        .environment("SPIN_VARIABLE_REDIS", "from the environment")
        .start();

    assert_eq!(host.get("/variable?redis"), "Ok(\"from the environment\")");
    assert_eq!(
        host.get("/variable?none"),
        "Err(Error::Undefined(\"no variable for \\\"guest\\\".\\\"none\\\"\"))"
    );
    let invalid = host.get("/variable?a-b");
    let expected = "Error::InvalidName(\"\\\"a-b\\\": invalid character '-'.";
    assert!(invalid.contains(expected), "{invalid}");
}

#[test]
fn the_environment_is_that_of_the_manifest() {
    let host = Application::with("environment = { GREETING = 'hello' }")
        .environment("SECRET_OF_THE_HOST", "x")
        .start();

    assert_eq!(host.get("/environment?GREETING"), "hello");
    assert_eq!(
        host.get("/environment?SECRET_OF_THE_HOST"),
        "environment variable not found"
    );
}

#[test]
fn the_command_line_overrides_the_environment() {
    let host = Application::with("")
        .environment("SPIN_VARIABLE_REDIS", "environment")
        .argument("--variable=redis=command line")
        .start();
    assert_eq!(host.get("/variable?redis"), "Ok(\"command line\")");
}
