//! Every operation on a server with arbitrary replies: no operation panics or runs for ever, and
//! each fails as documented.

use std::cell::Cell;
use std::fmt::Debug;
use std::time::{Duration, Instant, SystemTime};

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{FILE, configuration, reply};
use crate::admin::audit::AuditPageRequest;
use crate::admin::change_expiry::ChangeExpiryRequest;
use crate::admin::clear::ClearRequest;
use crate::admin::events::DomainEvent;
use crate::admin::inspect_key::InspectKeyRequest;
use crate::admin::invalidate::InvalidateRequest;
use crate::admin::invalidate::preview;
use crate::admin::list_keys::ListKeysRequest;
use crate::admin::rule_table::ChangeRuleRequest;
use crate::admin::stats::Thresholds;
use crate::admin::ttl_table::ChangeTtlRequest;
use crate::admin::{audit, health, metrics, rule_table, stats, ttl_table};
use crate::error::Error;
use crate::warmup::schedule::{self, ScheduleSettings, TagPruning};
use crate::warmup::{self, Rows, Source, Warmup, WarmupLimits, WarmupRequest};
use edge_cache::HostRuntime;
use edge_cache::KeyName;
use edge_cache::keyspace::fence;
use edge_cache::keyspace::tag::{Tag, set};
use edge_cache::redis::{Command, Redis, Reply};
use edge_cache::{Cache, ErrorKind, LoadError, Options, Pattern, RedisError, SetItem};

/// Longer than any operation takes, including waiting for another caller.
const MAX_DURATION: Duration = Duration::from_secs(20);

/// More commands than any operation here needs.
const MAX_COMMANDS: usize = 200;

/// A server that returns the given results, one for each command. After the last it is unreachable.
#[derive(Debug)]
pub(super) struct ArbitraryServer {
    results: Vec<Result<Vec<Reply>, ErrorKind>>,
    /// Number of results returned.
    returned: Cell<usize>,
    commands: Cell<usize>,
    /// True if only scripts get these results, and plain commands get correct replies.
    only_scripts: bool,
}

impl ArbitraryServer {
    /// Begins with the first result again.
    pub(super) fn restart(&self) -> &Self {
        self.returned.set(0);
        self.commands.set(0);
        self
    }
}

impl Redis for ArbitraryServer {
    async fn execute(&self, command: Command) -> Result<Vec<Reply>, RedisError> {
        self.commands.set(self.commands.get() + 1);
        // Correct replies are limited: a walk whose cursor never becomes 0 would have no end.
        if self.only_scripts && command.source.is_none() && self.commands.get() < MAX_COMMANDS {
            return Ok(vec![match command.name {
                "SET" => Reply::Status("OK".into()),
                "INFO" => Reply::Bytes(INFO.into()),
                _ => Reply::Int(1),
            }]);
        }

        let next = self
            .results
            .get(self.returned.get())
            .cloned()
            .unwrap_or(Err(ErrorKind::Unreachable));
        self.returned.set(self.returned.get() + 1);

        next.map_err(|kind| RedisError::new(kind, "arbitrary"))
    }

    async fn topology(&self) -> Result<edge_cache::Topology, RedisError> {
        Ok(edge_cache::Topology::Single)
    }

    async fn newest_topology(&self) -> Result<edge_cache::Topology, RedisError> {
        Ok(edge_cache::Topology::Single)
    }
}

impl HostRuntime for ArbitraryServer {
    async fn sleep(&self, _: Duration) {
        tokio::task::yield_now().await;
    }

    fn random(&self) -> u64 {
        7
    }
}

const INFO: &str = "redis_version:7.0.15\r\nused_memory:1\r\nmaxmemory:-1\r\nkeyspace_hits:7\r\n";

/// Returns three rows for each query and one object for each path.
struct FixedSource;

impl Source for FixedSource {
    async fn query(&self, _: &str) -> Result<Rows, String> {
        let columns = ["id", "key", "value", "score", "member", "slug", "count"]
            .map(str::to_owned)
            .to_vec();
        let rows = (0..3)
            .map(|row| columns.iter().map(|_| json!(row)).collect())
            .collect();
        Ok(Rows { columns, rows })
    }

    async fn get(&self, _: &str) -> Result<Value, String> {
        Ok(json!([{ "id": 1 }]))
    }
}

/// Integers and strings in MessagePack, as scripts return them.
fn packed_values() -> impl Strategy<Value = Vec<u8>> {
    let string = vec(any::<u8>(), 0..20)
        .prop_map(|text| [&[0xa0 | u8::try_from(text.len()).unwrap()], text.as_slice()].concat());
    vec(
        prop_oneof![string, (0_u8..128).prop_map(|number| vec![number])],
        0..30,
    )
    .prop_map(|parts| parts.concat())
}

/// Replies that a server does send, but to other commands.
fn plausible_reply() -> impl Strategy<Value = Reply> {
    let texts = [
        "0",
        "1",
        "17",
        "OK",
        "string",
        "hash",
        "list",
        "set",
        "zset",
        "stream",
        "users:1",
        "pattern",
        "key",
        "tag",
        "users:*",
        "record",
        "{\"id\":1}",
        "1700000000000-0",
        INFO,
        "{\"state\":\"running\"}",
        "{\"at\":0,\"scan\":\"0\"}",
        "18446744073709551616",
        "\0edge-cache-chunks 1 9 9 9",
    ];

    let text = proptest::sample::select(texts.to_vec()).prop_map(|text| Reply::Bytes(text.into()));
    prop_oneof![3 => (0_i64..4).prop_map(Reply::Int), 3 => text, 2 => packed_values().prop_map(Reply::Bytes), 1 => reply()]
}

fn number() -> impl Strategy<Value = Reply> {
    (0_i64..4).prop_map(Reply::Int)
}

/// A page of keys, as `list_keys/read_page.lua` returns it.
fn page_of_keys() -> impl Strategy<Value = Vec<Reply>> {
    let rows = vec((0_u8..9, 0_u8..100), 0..9).prop_map(|rows| {
        let row = |(name, ttl)| {
            [
                b"\xa3k:".as_slice(),
                &[b'0' + name, 0xa4],
                b"hash",
                &[ttl, 7],
            ]
            .concat()
        };
        Reply::Bytes(rows.into_iter().flat_map(row).collect())
    });

    (number(), number(), number(), rows)
        .prop_map(|(scan, inside, all, rows)| vec![scan, inside, all, rows])
}

/// A key with the first elements of its value, as the script that inspects a key returns it.
fn inspected_key() -> impl Strategy<Value = Vec<Reply>> {
    let kind = proptest::sample::select(vec![
        "string", "hash", "list", "set", "zset", "stream", "none", "other",
    ]);
    let parts = (
        kind,
        number(),
        [plausible_reply(), plausible_reply(), plausible_reply()],
        number(),
        number(),
        vec(plausible_reply(), 0..5),
    );

    parts.prop_map(
        |(kind, ttl, [size, encoding, tags], length, cut, elements)| {
            let kind = Reply::Bytes(kind.into());
            let cursor = Reply::Bytes("0".into());
            let head = vec![kind, ttl, size, encoding, tags, length, cursor, cut];
            [head, elements].concat()
        },
    )
}

/// Replies with the number and kinds of values that scripts return, sometimes cut short.
fn shaped_replies() -> impl Strategy<Value = Vec<Reply>> {
    let value_and_numbers = (plausible_reply(), vec(number(), 1..6))
        .prop_map(|(value, numbers)| [vec![value], numbers].concat());
    let complete = prop_oneof![
        3 => number().prop_map(|number| vec![number]),
        1 => Just(vec![Reply::Bytes(INFO.into())]),
        2 => vec(number(), 2..4),
        2 => page_of_keys(),
        2 => inspected_key(),
        2 => value_and_numbers,
    ];
    let length = prop_oneof![9 => Just(usize::MAX), 1 => 0_usize..8];

    (complete, length).prop_map(|(mut replies, length)| {
        replies.truncate(length);
        replies
    })
}

fn result() -> impl Strategy<Value = Result<Vec<Reply>, ErrorKind>> {
    let kinds = [
        ErrorKind::Timeout,
        ErrorKind::Server,
        ErrorKind::WrongType,
        ErrorKind::OutOfMemory,
        ErrorKind::NoScript,
    ];
    let any = vec(plausible_reply(), 0..9);
    prop_oneof![12 => shaped_replies().prop_map(Ok), 6 => any.prop_map(Ok), 1 => proptest::sample::select(kinds.to_vec()).prop_map(Err)]
}

pub(super) fn arbitrary_server() -> impl Strategy<Value = ArbitraryServer> {
    (vec(result(), 0..30), any::<bool>()).prop_map(|(results, only_scripts)| ArbitraryServer {
        results,
        returned: Cell::new(0),
        commands: Cell::new(0),
        only_scripts,
    })
}

/// Runs an operation, which must end in time.
pub(super) fn run<T>(operation: impl Future<Output = T>) -> T {
    let started = Instant::now();
    let output = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(operation);
    assert!(
        started.elapsed() < MAX_DURATION,
        "the operation took {:?}",
        started.elapsed()
    );
    output
}

/// Asserts that an error does not blame the request, which is valid, for the replies of Redis.
pub(super) fn fails_as_documented<T: Debug>(result: Result<T, impl Into<Error>>) {
    if let Err(error) = result.map_err(Into::into) {
        let blames_request = matches!(
            error,
            Error::Malformed(_)
                | Error::Invalid { .. }
                | Error::ConfirmationRequired(_)
                | Error::RoleTooLow(_)
        );
        assert!(!blames_request, "{error}");
    }
}

fn key() -> KeyName {
    KeyName::new("users:1")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn keys_are_listed_and_inspected(redis in arbitrary_server(), limit in 1_u64..100) {
        for query in ["pattern=users:*", "exact=true&pattern=a*", "type=hash"] {
            let request = ListKeysRequest::parse(&format!("{query}&limit={limit}")).unwrap();
            let page = run(request.run(redis.restart()));
            fails_as_documented(page);
        }
        fails_as_documented(run(InspectKeyRequest::parse(key(), &format!("limit={limit}")).unwrap().run(redis.restart())));
        fails_as_documented(run(ChangeExpiryRequest::parse(key(), br#"{"ttl":60}"#).unwrap().run(redis.restart())));
    }

    #[test]
    fn keys_are_removed(redis in arbitrary_server()) {
        for body in [r#"{"pattern":"users:*"}"#, r#"{"pattern":"users:*","dryRun":true}"#, r#"{"confirm":true}"#] {
            fails_as_documented(run(ClearRequest::parse(body.as_bytes()).unwrap().run(redis.restart(), false)));
        }
        for body in [r#"{"keys":["a","b"],"tags":["t"],"patterns":["c:*"]}"#, r#"{"keys":["a"],"tags":["t"],"patterns":["c:*"],"dryRun":true}"#] {
            let request = InvalidateRequest::parse(body.as_bytes()).unwrap();
            fails_as_documented(run(request.run(redis.restart())));
            fails_as_documented(run(request.measure_share(redis.restart())));
        }
        let rules = configuration(FILE).rules().unwrap();
        let event = DomainEvent::parse(br#"{"type":"product.updated","id":1}"#, &rules).unwrap();
        fails_as_documented(run(event.run(redis.restart())));
    }

    #[test]
    fn statistics_records_and_settings_are_read(redis in arbitrary_server()) {
        fails_as_documented(run(stats::run(redis.restart(), &Thresholds::default())));
        fails_as_documented(run(crate::admin::slowlog::SlowlogRequest::parse("limit=3").unwrap().run(redis.restart(), &redis)));
        fails_as_documented(run(crate::admin::history::HistoryRequest::parse("by=modules", SystemTime::now()).unwrap().run(redis.restart())));
        fails_as_documented(run(AuditPageRequest::parse("limit=3").unwrap().run(redis.restart())));
        fails_as_documented(run(audit::AuditRecord::new("clear").write_denied(0, redis.restart())));
        let file = configuration(FILE);
        let (ttls, rules) = (file.ttls().unwrap(), file.rules().unwrap());
        fails_as_documented(run(ttl_table::read(redis.restart(), &ttls)));
        fails_as_documented(run(ChangeTtlRequest::parse_put(br#"{"prefix":"a","ttl":60}"#).unwrap().run(redis.restart(), &ttls)));
        fails_as_documented(run(rule_table::read(redis.restart(), &rules)));
        fails_as_documented(run(ChangeRuleRequest::parse_put(br#"{"event":"a","keys":["b"]}"#).unwrap().run(redis.restart(), &rules)));
        let _ = (run(health::run(redis.restart(), &Thresholds::default())), run(metrics::run(redis.restart(), &redis, &Thresholds::default())));
    }

    #[test]
    fn tags_and_fences_are_read(redis in arbitrary_server()) {
        let tag = Tag::parse("tag", "t").unwrap();
        fails_as_documented(run(set::read_members(redis.restart(), &tag)));
        fails_as_documented(run(preview::preview(redis.restart(), &[key()], std::slice::from_ref(&tag), &[])));
        fails_as_documented(run(set::invalidate(redis.restart(), &tag)));
        fails_as_documented(run(fence::take_stamp(redis.restart())));
        let fences = fence::Fences::read(edge_cache::Replies::new(run(redis.restart().execute(Command::read("GET"))).unwrap_or_default()));
        let _ = fences.map(|fences| fences.cover(&key(), &[tag]));
    }

    /// `get_or_set` returns a value whatever Redis replies, unless that says that another caller's load
    /// has failed.
    #[test]
    fn entries_are_read_and_written(redis in arbitrary_server(), grace in 0_u64..100) {
        let cache = Cache::new(&redis);
        let options = Options { grace: Duration::from_secs(grace), tags: &["t"], ..Options::default() };
        for _ in 0..3 {
            redis.restart();
            let got = run(cache.get_or_set("users:1", &options, async || Ok::<_, String>(json!({ "id": 1 }))));
            prop_assert!(matches!(got, Ok(_) | Err(LoadError::Shared(_))), "{:?}", got);
        }

        redis.restart();
        fails_as_documented(run(cache.get::<Value>("users:1")));

        redis.restart();
        fails_as_documented(run(cache.get_many::<Value>(&["a", "b"])));

        redis.restart();
        fails_as_documented(run(cache.set("users:1", &1, &options)));

        redis.restart();
        fails_as_documented(run(cache.set_many(&[SetItem { tags: &["t"], ..SetItem::new("a", &1) }])));

        redis.restart();
        fails_as_documented(run(cache.ttl("users:1")));
    }

    #[test]
    fn a_warmup_and_the_schedule_run(redis in arbitrary_server(), force: bool) {
        let file = configuration(FILE);
        let (plan, ttl_table) = (file.plan().unwrap(), file.ttls().unwrap());
        let limits = WarmupLimits::default();
        let warmup = Warmup { redis: redis.restart(), source: &FixedSource, plan: &plan, ttl_table: &ttl_table, limits, by: "x", id: "y" };
        let request = WarmupRequest { force, ..WarmupRequest::default() };
        fails_as_documented(run(request.run(warmup)));

        let relief = vec![Pattern::parse("relief", "old:*").unwrap()];
        let settings = ScheduleSettings { interval: Duration::from_secs(60), analysis_interval: Duration::ZERO, relief, thresholds: Thresholds::default() };
        let check = run(schedule::check(redis.restart(), &settings, &plan));
        if let Ok(check) = &check {
            let mut pruning = TagPruning::begin(check);
            let found = run(pruning.prune(redis.restart()));
            if let Ok(Some(tag)) = &found {
                fails_as_documented(run(pruning.complete_invalidation(redis.restart(), tag)));
            }
            fails_as_documented(found);
            fails_as_documented(run(pruning.finish(redis.restart())));
            fails_as_documented(run(schedule::record_history(redis.restart(), &redis, check)));
            fails_as_documented(run(schedule::relieve_memory(redis.restart(), &settings, 95.0)));
        }
        fails_as_documented(check);

        fails_as_documented(run(warmup::read_progress(redis.restart())));
        fails_as_documented(run(warmup::read_overview(redis.restart(), &plan, &settings)));
        fails_as_documented(run(warmup::cancel(redis.restart())));
    }
}
