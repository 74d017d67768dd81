//! Patterns, matched by this crate, by its scripts and by a real server: all three agree.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use edge_cache_testing::RedisServer;
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::keyspace::pattern::{Pattern, Search};
use crate::keyspace::scan::MATCH_SLICE;

/// Few letters and all special characters, so that names match often.
const LETTERS: &[u8] = b"aabb-^*?[]\\\0\xff";

fn name() -> impl Strategy<Value = Vec<u8>> {
    vec(proptest::sample::select(LETTERS), 0..6)
}

/// Patterns of such letters, and of pieces that fit together. Only ASCII: the members of a range to
/// another byte depend on whether the server's processor has signed bytes.
fn pattern() -> impl Strategy<Value = Vec<u8>> {
    let pieces = [
        "*", "*", "*", "?", "?", "a", "b", "[ab]", "[^a]", "[a-b]", "[b-a]", "[^", "[", "[^]",
        "[a-]", "[\\]]", "[^-a]", "[!-~]", "[%-]]", "[]-a]", "[\\^a]", "[^\\^]", "\\*", "\\", "**",
        "%", "-", "^", "\0", "[\0-a]",
    ];
    let fitting = vec(proptest::sample::select(pieces.to_vec()), 1..8)
        .prop_map(|pieces| pieces.concat().into_bytes());
    let any = vec(
        proptest::sample::select(&LETTERS[..LETTERS.len() - 1]),
        0..12,
    );
    prop_oneof![any, fitting]
}

/// Returns the names that the server finds.
fn scan_on_server(
    redis: &mut redis::Connection,
    pattern: &[u8],
    names: &BTreeSet<Vec<u8>>,
) -> BTreeSet<Vec<u8>> {
    let pairs: Vec<(&[u8], u8)> = names.iter().map(|name| (name.as_slice(), 1)).collect();
    let mut pipe = redis::pipe();
    pipe.cmd("FLUSHDB").ignore().mset(&pairs).ignore();
    pipe.cmd("SCAN")
        .arg(&["0", "COUNT", "1000", "MATCH"])
        .arg(pattern);

    let ((cursor, found),): ((u64, BTreeSet<Vec<u8>>),) = pipe.query(redis).unwrap();
    assert_eq!(cursor, 0, "one step visits all of a few keys");
    found
}

/// Returns the names that a walk finds.
fn walk(redis: &mut redis::Connection, pattern: &Pattern) -> BTreeSet<Vec<u8>> {
    let Search { head, parts } = pattern.search();
    let mut script = redis::cmd("EVAL");
    script
        .arg(MATCH_SLICE.source())
        .arg(0)
        .arg(0)
        .arg(head)
        .arg(parts)
        .arg(1000)
        .arg("")
        .arg("")
        .arg(1000)
        .arg(1 << 20);

    type Reply = (u64, usize, u64, Vec<Vec<u8>>, BTreeSet<Vec<u8>>);
    let (cursor, matched, _, _, found): Reply = script.query(redis).unwrap();
    assert_eq!(
        (cursor, matched),
        (0, found.len()),
        "one step visits all of a few keys"
    );
    found
}

#[test]
fn a_pattern_matches_the_names_that_the_server_matches() {
    let server = RedisServer::start();
    let redis = RefCell::new(server.connection());
    let matched = Cell::new(0);
    let config = ProptestConfig {
        cases: 5000,
        failure_persistence: None,
        max_global_rejects: 100_000,
        ..ProptestConfig::default()
    };

    let cases = (pattern(), btree_set(name(), 1..40));
    let outcome = TestRunner::new(config).run(&cases, |(text, names)| {
        let pattern = Pattern::parse("pattern", text.clone());
        prop_assume!(pattern.is_ok());
        let pattern = pattern.unwrap();

        let ours: BTreeSet<Vec<u8>> = names
            .iter()
            .filter(|name| pattern.matches(name))
            .cloned()
            .collect();

        let mut found = scan_on_server(&mut redis.borrow_mut(), &text, &names);
        // The server matches the empty name with `*` alone.
        found.extend(
            ours.iter()
                .filter(|name| name.is_empty() && text.iter().all(|byte| *byte == b'*'))
                .cloned(),
        );
        matched.set(matched.get() + found.len());

        prop_assert_eq!(&ours, &found, "{}", text.escape_ascii());
        prop_assert_eq!(
            &ours,
            &walk(&mut redis.borrow_mut(), &pattern),
            "{}",
            text.escape_ascii()
        );
        Ok(())
    });

    outcome.unwrap();
    assert!(
        matched.get() > 3000,
        "only {} names were matched",
        matched.get()
    );
}
