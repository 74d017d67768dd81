//! `scripts/keep-log`: logs are rotated within their bound, and the only copies of audit records are
//! kept apart.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use end_to_end::repository;
use tempfile::TempDir;

/// Bytes of a full log.
const MAX_BYTES: usize = 1000;
/// An audit record that Redis did not store.
const RECORD: &str = r#"{"level":"error","event":"audit.failed","record":{"requestId":"lost"}}"#;

fn keep_log(arguments: &[&str]) -> Command {
    let mut command = Command::new(repository().join("scripts/keep-log"));
    command
        .args(arguments)
        .env("MOST_LOG_BYTES", MAX_BYTES.to_string())
        .env("KEPT_LOGS", "2")
        .env_remove("UNWRITTEN_LOG_DIRECTORY");
    command
}

/// Runs the command with these lines as its input.
fn feed(mut command: Command, lines: impl IntoIterator<Item = String>) {
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    for line in lines {
        writeln!(input, "{line}").unwrap();
    }
    drop(input);
    assert!(child.wait().unwrap().success());
}

/// Returns `count` lines of 100 bytes each.
fn numbered(count: u32) -> impl Iterator<Item = String> {
    (0..count).map(|number| format!("{number:099}"))
}

/// Returns the lines of each file of a folder.
fn files(folder: &Path) -> BTreeMap<String, Vec<String>> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let text = fs::read_to_string(path).unwrap();
            assert!(text.len() <= MAX_BYTES, "{name} has {} bytes", text.len());
            (name, text.lines().map(str::to_owned).collect())
        })
        .collect()
}

fn path(folder: &TempDir) -> &str {
    folder.path().to_str().unwrap()
}

#[test]
fn a_full_log_is_rotated_and_the_oldest_lines_are_dropped() {
    let folder = tempfile::tempdir().unwrap();
    feed(keep_log(&[path(&folder), "app"]), numbered(95));

    let files = files(folder.path());
    let kept: Vec<&str> = files.keys().map(String::as_str).collect();
    assert_eq!(kept, ["app.log", "app.log.1", "app.log.2"]);

    let lines: Vec<String> = [&files["app.log.2"], &files["app.log.1"], &files["app.log"]]
        .into_iter()
        .flatten()
        .cloned()
        .collect();
    assert_eq!(lines, numbered(95).skip(70).collect::<Vec<_>>());
}

#[test]
fn a_new_run_begins_new_files_and_keeps_the_previous_ones() {
    let folder = tempfile::tempdir().unwrap();
    feed(keep_log(&[path(&folder), "app"]), numbered(3));

    let begun = keep_log(&["--begin", path(&folder), "app", "events"])
        .status()
        .unwrap();
    assert!(begun.success());

    let files = files(folder.path());
    assert_eq!(files["app.log.1"].len(), 3);
    assert!(files["app.log"].is_empty());
    assert!(files["events.log"].is_empty());
}

#[test]
fn requests_do_not_displace_an_unwritten_audit_record() {
    let folder = tempfile::tempdir().unwrap();
    let lines = [RECORD.to_owned()].into_iter().chain(numbered(95));
    feed(keep_log(&[path(&folder), "app"]), lines);

    let mut files = files(folder.path());
    assert_eq!(files.remove("audit-unwritten.log").unwrap(), [RECORD]);
    assert!(!files.values().flatten().any(|line| line == RECORD));
}

#[test]
fn unwritten_audit_records_can_have_their_own_folder() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut command = keep_log(&[path(&folder), "app"]);
    command.env("UNWRITTEN_LOG_DIRECTORY", other.path());
    feed(command, [RECORD.to_owned()]);

    assert_eq!(files(folder.path())["app.log"], [RECORD]);
    assert_eq!(files(other.path())["audit-unwritten.log"], [RECORD]);
}
