//! `scripts/test` runs the library's suite over the Redis in memory, but for the listed tests.

use std::fs;
use std::path::Path;

/// Tests that need a server, a line each: the name and the reason.
const NEEDING_A_SERVER: &str = include_str!("../needs-a-server.txt");

fn all_sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text += &all_sources(&path);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text += &fs::read_to_string(path).unwrap();
        }
    }
    text
}

#[test]
fn every_listed_test_exists_and_has_a_reason() {
    let sources = all_sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"));

    for line in NEEDING_A_SERVER.lines() {
        let (name, reason) = line.split_once(' ').unwrap();
        assert!(sources.contains(&format!("fn {name}()")), "{name}");
        assert!(reason.trim().len() > 10, "{line}");
    }
}
