//! A removal removes exactly the keys that its dry run counted, on any data and for any request.

use edge_cache_admin::admin::clear::{ClearReport, ClearRequest};
use edge_cache_admin::admin::invalidate::InvalidateRequest;
use edge_cache_testing::{RedisServer, client};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

/// Names that meet each other's patterns and tags, and what must not go with them.
const NAMES: [&[u8]; 16] = [
    b"a:1",
    b"a:2",
    b"a:3",
    b"b:1",
    b"b:2",
    b"b",
    b"",
    b" a:1",
    b"a\n1",
    b"\xff",
    b"\\xff",
    b"cache:ttl",
    b"cache:x",
    b"lock:x",
    b"cache:audit",
    b"cache:waiting:{a:1}",
];
const PATTERNS: [&str; 16] = [
    "a:*",
    "*:1",
    "?:[1-2]",
    "a:1",
    "*",
    "**",
    "[ab]*",
    "\\*",
    "*a*1*",
    " a*",
    "nothing:*",
    "cache:*",
    "cache:tags:*",
    "lock:*",
    "cache:t*",
    "*\n*",
];
const TAGS: [&str; 3] = ["s", "t", "u"];

#[derive(Debug, Clone)]
struct Data {
    living: Vec<&'static [u8]>,
    expired: Vec<&'static [u8]>,
    /// Per tag the members of its own set and of two that were left aside.
    members: Vec<[Vec<&'static [u8]>; 3]>,
    /// The library's records of a key, and of loads.
    has_records: bool,
}

fn names() -> impl Strategy<Value = Vec<&'static [u8]>> {
    subsequence(NAMES.to_vec(), 0..=NAMES.len())
}

fn data() -> impl Strategy<Value = Data> {
    let set = || prop_oneof![1 => Just(Vec::new()), 1 => names()];
    let members = vec(
        (set(), set(), set()).prop_map(|(own, first, second)| {
            // The second set aside is there only beside the first.
            let second = if first.is_empty() { Vec::new() } else { second };
            [own, first, second]
        }),
        TAGS.len(),
    );
    (names(), names(), members, any::<bool>()).prop_map(
        |(living, expired, members, has_records)| Data {
            living,
            expired,
            members,
            has_records,
        },
    )
}

/// A key as a request names it: as text, or in base64.
fn key() -> impl Strategy<Value = Value> {
    let more: [&[u8]; 3] = [b"cache:tags:s", b"lock:{a:1}", b"gone"];
    (
        select([&NAMES[..14], &NAMES[15..], &more].concat()),
        any::<bool>(),
    )
        .prop_map(|(name, encoded)| {
            use base64::Engine as _;
            match std::str::from_utf8(name) {
                Ok(text) if !encoded => json!(text),
                _ => json!({ "base64": base64::engine::general_purpose::STANDARD.encode(name) }),
            }
        })
}

fn request() -> impl Strategy<Value = Value> {
    let patterns = || vec(select(PATTERNS.to_vec()), 0..4);
    (
        vec(key(), 0..6),
        patterns(),
        vec(select(TAGS.to_vec()), 0..4),
    )
        .prop_map(|(keys, patterns, tags)| {
            let keys = if keys.len() + patterns.len() + tags.len() == 0 {
                vec![json!("a:1")]
            } else {
                keys
            };
            json!({ "keys": keys, "patterns": patterns, "tags": tags, "confirm": true })
        })
}

fn set_up(other: &mut redis::Connection, data: &Data) {
    let mut pipe = redis::pipe();
    pipe.cmd("FLUSHALL").ignore();

    for name in &data.living {
        pipe.cmd("SET").arg(*name).arg(1).ignore();
    }
    for name in &data.expired {
        pipe.cmd("SET").arg(*name).arg(1).arg("PX").arg(1).ignore();
    }
    for (tag, sets) in TAGS.iter().zip(&data.members) {
        let aside = format!("cache:tags-aside:{{cache:tags:{tag}}}");
        for (set, members) in [
            format!("cache:tags:{tag}"),
            aside.clone(),
            format!("{aside}:2"),
        ]
        .iter()
        .zip(sets)
        {
            if !members.is_empty() {
                pipe.cmd("SADD").arg(set).arg(members).ignore();
            }
        }
    }

    if data.has_records {
        pipe.cmd("SET").arg("lock:{b:1}").arg("somebody").ignore();
        pipe.cmd("SET").arg("cache:waiting:{b:1}").arg(1).ignore();
        pipe.cmd("XADD")
            .arg(&["cache:turns", "*", "turn", ""])
            .ignore();
        pipe.cmd("RPUSH")
            .arg(&["cache:chunk:{b:1}:0", "edge-cache chunks 1 9 9 0"])
            .ignore();
    }
    pipe.exec(other).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(2));
}

fn counted(server: &RedisServer, body: &Value) -> Value {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let request = InvalidateRequest::parse(body.to_string().as_bytes()).unwrap();
    let report = runtime
        .block_on(request.run(&client(&server.url(0))))
        .unwrap();
    json!({
        "all": report.keys_invalidated(),
        "keys": report.keys,
        "absent": report.keys_not_found,
        "tags": report.tags,
        "patterns": report.patterns,
    })
}

fn cleared(server: &RedisServer, body: &Value) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let request = ClearRequest::parse(body.to_string().as_bytes()).unwrap();
    match runtime
        .block_on(request.run(&client(&server.url(0)), false))
        .unwrap()
    {
        ClearReport::Cleared { keys_deleted, .. } => keys_deleted,
        ClearReport::Matched { keys_matched, .. } => keys_matched,
    }
}

fn with(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    body
}

#[test]
fn an_invalidation_removes_what_its_dry_run_counted() {
    let server = RedisServer::with(RedisServer::debuggable());
    let mut other = server.connection();
    redis::cmd("DEBUG")
        .arg("SET-ACTIVE-EXPIRE")
        .arg(0)
        .exec(&mut other)
        .unwrap();

    let config = ProptestConfig {
        cases: 400,
        failure_persistence: None,
        ..ProptestConfig::default()
    };

    let outcome = TestRunner::new(config).run(&(data(), request()), |(data, body)| {
        let mut other = server.connection();
        set_up(&mut other, &data);

        let said = counted(&server, &with(body.clone(), "dryRun", json!(true)));
        let done = counted(&server, &body);

        prop_assert_eq!(said, done, "{}", body);
        let had_trail = data.living.contains(&&b"cache:audit"[..])
            && !data.expired.contains(&&b"cache:audit"[..]);
        let has_trail: bool = redis::Commands::exists(&mut other, "cache:audit").unwrap();
        prop_assert_eq!(had_trail, has_trail, "the audit trail is never removed");
        Ok(())
    });

    outcome.unwrap();
}

#[test]
fn a_clear_removes_what_its_dry_run_counted_and_everything_is_what_a_star_matches() {
    let server = RedisServer::with(RedisServer::debuggable());
    let mut other = server.connection();
    redis::cmd("DEBUG")
        .arg("SET-ACTIVE-EXPIRE")
        .arg(0)
        .exec(&mut other)
        .unwrap();

    let config = ProptestConfig {
        cases: 300,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let cases = (
        data(),
        prop_oneof![select(PATTERNS.to_vec()).prop_map(Some), Just(None)],
    );

    let outcome = TestRunner::new(config).run(&cases, |(data, pattern)| {
        let mut other = server.connection();
        let body = pattern.map_or(
            json!({ "confirm": true }),
            |text| json!({ "pattern": text, "confirm": true }),
        );
        set_up(&mut other, &data);

        let star = counted(&server, &json!({ "patterns": ["*"], "dryRun": true }));
        let said = cleared(&server, &with(body.clone(), "dryRun", json!(true)));
        let done = cleared(&server, &body);

        prop_assert_eq!(said, done, "{}", body);
        if pattern.is_none_or(|text| text == "*" || text == "**") {
            prop_assert_eq!(&star["all"], &json!(done));
        }
        Ok(())
    });

    outcome.unwrap();
}
