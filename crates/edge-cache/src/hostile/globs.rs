//! Our matcher of patterns beside a real server's: what one matches the other does.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use edge_cache_testing::RedisServer;
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::pattern::Pattern;

/// Few letters and all that mean something, so that names are matched often.
const LETTERS: &[u8] = b"aabb-^*?[]\\\0\xff";

fn name() -> impl Strategy<Value = Vec<u8>> {
    vec(proptest::sample::select(LETTERS), 0..6)
}

/// Patterns of such letters, and of pieces that fit together. Without bytes that are not ASCII: what a range to one of them has
/// depends on the processor that the server runs on, whose bytes may be signed.
fn pattern() -> impl Strategy<Value = Vec<u8>> {
    let pieces = [
        "*", "*", "*", "?", "?", "a", "b", "[ab]", "[^a]", "[a-b]", "[b-a]", "[^", "[", "[]", "[a-]", "[\\]]", "[^-a]",
        "\\*", "\\", "**",
    ];
    let fitting = vec(proptest::sample::select(pieces.to_vec()), 1..8).prop_map(|pieces| pieces.concat().into_bytes());
    let any = vec(proptest::sample::select(&LETTERS[..LETTERS.len() - 1]), 0..12);
    prop_oneof![any, fitting]
}

/// The names that the server finds.
fn scanned(redis: &mut redis::Connection, pattern: &[u8], names: &BTreeSet<Vec<u8>>) -> BTreeSet<Vec<u8>> {
    let pairs: Vec<(&[u8], u8)> = names.iter().map(|name| (name.as_slice(), 1)).collect();
    let mut pipe = redis::pipe();
    pipe.cmd("FLUSHDB").ignore().mset(&pairs).ignore();
    pipe.cmd("SCAN").arg(&["0", "COUNT", "1000", "MATCH"]).arg(pattern);
    let ((cursor, found),): ((u64, BTreeSet<Vec<u8>>),) = pipe.query(redis).unwrap();
    assert_eq!(cursor, 0, "one step walks over all of a few keys");
    found
}

#[test]
fn what_we_match_is_what_the_server_matches() {
    let server = RedisServer::start();
    let (redis, matched) = (RefCell::new(server.connection()), Cell::new(0));
    let config = ProptestConfig { cases: 5000, failure_persistence: None, ..ProptestConfig::default() };
    let cases = (pattern(), btree_set(name(), 1..40));
    let outcome = TestRunner::new(config).run(&cases, |(text, names)| {
        let pattern = Pattern::parse("pattern", text.clone());
        prop_assume!(pattern.is_ok());
        let pattern = pattern.unwrap();
        let ours: BTreeSet<Vec<u8>> = names.iter().filter(|name| pattern.matches(name)).cloned().collect();
        let found = scanned(&mut redis.borrow_mut(), &text, &names);
        matched.set(matched.get() + found.len());
        prop_assert_eq!(ours, found, "{}", text.escape_ascii());
        Ok(())
    });
    outcome.unwrap();
    assert!(matched.get() > 3000, "only {} names were matched", matched.get());
}
