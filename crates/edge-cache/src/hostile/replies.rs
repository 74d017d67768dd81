//! Every operation over a server that answers whatever it likes: none traps or goes on for ever, and each fails as documented.

use std::cell::Cell;
use std::fmt::Debug;
use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{PLAN, RULES, reply};
use crate::cache::Runtime;
use crate::events::Rules;
use crate::key::KeyName;
use crate::redis::{Command, Redis, Reply};
use crate::stats::Thresholds;
use crate::tag::Tag;
use crate::warmup::schedule::{self, Settings};
use crate::warmup::{self, Limits, Plan, Rows, Source, Warmup};
use crate::{
    Cache, Error, ErrorKind, Item, Options, Pattern, RedisError, audit, browse, clear, events, fence, health, inspect,
    invalidate, metrics, stats, tag, ttl,
};

/// Longer than any operation waits for another caller.
const BOUND: Duration = Duration::from_secs(20);

/// More commands than any operation here needs.
const COMMANDS: usize = 200;

/// Says what it was given, one reply a command; then nothing more, until an operation starts.
#[derive(Debug)]
struct Liar {
    answers: Vec<Result<Vec<Reply>, ErrorKind>>,
    said: Cell<usize>,
    commands: Cell<usize>,
    /// Whether plain commands are answered as they should be.
    only_scripts: bool,
}

impl Liar {
    /// From the start.
    fn again(&self) -> &Self {
        self.said.set(0);
        self.commands.set(0);
        self
    }
}

impl Redis for Liar {
    async fn execute(&self, command: Command) -> Result<Vec<Reply>, RedisError> {
        self.commands.set(self.commands.get() + 1);
        // A walk whose cursor never comes back to its start would have no end.
        if self.only_scripts && command.source.is_none() && self.commands.get() < COMMANDS {
            return Ok(vec![match command.name {
                "SET" => Reply::Status("OK".into()),
                "INFO" => Reply::Bytes(INFO.into()),
                _ => Reply::Int(1),
            }]);
        }
        let next = self.answers.get(self.said.get()).cloned().unwrap_or(Err(ErrorKind::Unreachable));
        self.said.set(self.said.get() + 1);
        next.map_err(|kind| RedisError::new(kind, "as it likes"))
    }
}

impl Runtime for Liar {
    async fn sleep(&self, _: Duration) {
        tokio::task::yield_now().await;
    }

    fn random(&self) -> u64 {
        7
    }
}

const INFO: &str = "redis_version:7.0.15\r\nused_memory:1\r\nmaxmemory:-1\r\nkeyspace_hits:7\r\n";

/// One row for each query.
struct Fixed;

impl Source for Fixed {
    async fn query(&self, _: &str) -> Result<Rows, String> {
        let columns = ["id", "key", "value", "score", "member", "slug", "count"].map(str::to_owned).to_vec();
        let rows = (0..3).map(|row| columns.iter().map(|_| json!(row)).collect()).collect();
        Ok(Rows { columns, rows })
    }

    async fn get(&self, _: &str) -> Result<Value, String> {
        Ok(json!([{ "id": 1 }]))
    }
}

/// Integers and strings as scripts pack them.
fn packed() -> impl Strategy<Value = Vec<u8>> {
    let string = vec(any::<u8>(), 0..20)
        .prop_map(|text| [&[0xa0 | u8::try_from(text.len()).unwrap()], text.as_slice()].concat());
    vec(prop_oneof![string, (0_u8..128).prop_map(|number| vec![number])], 0..30).prop_map(|parts| parts.concat())
}

/// What a server might well say where something else is expected.
fn likely() -> impl Strategy<Value = Reply> {
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
    prop_oneof![3 => (0_i64..4).prop_map(Reply::Int), 3 => text, 2 => packed().prop_map(Reply::Bytes), 1 => reply()]
}

/// Texts and numbers with a fixed stride, some of them packed, as scripts answer; now and then cut short.
fn shaped() -> impl Strategy<Value = Vec<Reply>> {
    let number = || (0_i64..4).prop_map(Reply::Int);
    let text = |text: &str| Just(Reply::Bytes(text.into()));
    let rows = vec((0_u8..9, 0_u8..100), 0..9).prop_map(|rows| {
        let row = |(name, ttl)| [b"\xa3k:".as_slice(), &[b'0' + name, 0xa4], b"hash", &[ttl, 7]].concat();
        Reply::Bytes(rows.into_iter().flat_map(row).collect())
    });
    let page = (number(), number(), number(), rows).prop_map(|(scan, inside, all, rows)| vec![scan, inside, all, rows]);
    let kind = proptest::sample::select(vec!["string", "hash", "list", "set", "zset", "stream", "none", "other"]);
    let head = (kind, number(), [likely(), likely(), likely()], number(), text("0"), number(), vec(likely(), 0..5));
    let key = head.prop_map(|(kind, life, [size, encoding, tags], length, cursor, cut, elements)| {
        [vec![Reply::Bytes(kind.into()), life, size, encoding, tags, length, cursor, cut], elements].concat()
    });
    let read = (likely(), vec(number(), 1..6)).prop_map(|(value, numbers)| [vec![value], numbers].concat());
    let whole = prop_oneof![
        3 => number().prop_map(|number| vec![number]),
        1 => text(INFO).prop_map(|info| vec![info]),
        2 => vec(number(), 2..4),
        2 => page,
        2 => key,
        2 => read,
    ];
    (whole, prop_oneof![9 => Just(usize::MAX), 1 => 0_usize..8]).prop_map(|(mut whole, most)| {
        whole.truncate(most);
        whole
    })
}

fn answer() -> impl Strategy<Value = Result<Vec<Reply>, ErrorKind>> {
    let kinds =
        [ErrorKind::Timeout, ErrorKind::Server, ErrorKind::WrongType, ErrorKind::OutOfMemory, ErrorKind::NoScript];
    let any = vec(likely(), 0..9);
    prop_oneof![12 => shaped().prop_map(Ok), 6 => any.prop_map(Ok), 1 => proptest::sample::select(kinds.to_vec()).prop_map(Err)]
}

fn liar() -> impl Strategy<Value = Liar> {
    (vec(answer(), 0..30), any::<bool>()).prop_map(|(answers, only_scripts)| Liar {
        answers,
        said: Cell::new(0),
        commands: Cell::new(0),
        only_scripts,
    })
}

/// Runs it to its end, which comes.
fn run<T>(operation: impl Future<Output = T>) -> T {
    let started = Instant::now();
    let ended = tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(operation);
    assert!(started.elapsed() < BOUND, "it took {:?}", started.elapsed());
    ended
}

/// A request that was fine stays so, whatever Redis says.
fn fails_as_documented<T: Debug>(result: Result<T, impl Into<Error>>) {
    if let Err(error) = result.map_err(Into::into) {
        let blamed = matches!(
            error,
            Error::Malformed(_) | Error::Invalid { .. } | Error::ConfirmationRequired(_) | Error::RoleTooLow(_)
        );
        assert!(!blamed, "{error}");
    }
}

fn key() -> KeyName {
    KeyName::new("users:1")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn browsing_and_inspecting(redis in liar(), limit in 1_u64..100) {
        for query in ["pattern=users:*", "exact=true&pattern=a*", "type=hash"] {
            let request = browse::Request::parse(&format!("{query}&limit={limit}")).unwrap();
            let page = run(request.run(redis.again()));
            fails_as_documented(page);
        }
        fails_as_documented(run(inspect::Request::parse(key(), &format!("limit={limit}")).unwrap().run(redis.again())));
        fails_as_documented(run(inspect::Expiry::parse(key(), br#"{"ttl":60}"#).unwrap().run(redis.again())));
    }

    #[test]
    fn removing(redis in liar()) {
        for body in [r#"{"pattern":"users:*"}"#, r#"{"pattern":"users:*","dryRun":true}"#, r#"{"confirm":true}"#] {
            fails_as_documented(run(clear::Request::parse(body.as_bytes()).unwrap().run(redis.again(), false)));
        }
        for body in [r#"{"keys":["a","b"],"tags":["t"],"patterns":["c:*"]}"#, r#"{"tags":["t"],"dryRun":true}"#] {
            fails_as_documented(run(invalidate::Request::parse(body.as_bytes()).unwrap().run(redis.again())));
        }
        let rules = Rules::read(&Rules::compile(RULES).unwrap()).unwrap();
        let event = events::Request::parse(br#"{"type":"product.updated","id":1}"#, &rules).unwrap();
        fails_as_documented(run(event.run(redis.again())));
    }

    #[test]
    fn looking(redis in liar()) {
        fails_as_documented(run(stats::run(redis.again(), &Thresholds::default(), None)));
        fails_as_documented(run(audit::Request::parse("limit=3").unwrap().run(redis.again())));
        fails_as_documented(run(audit::Record::new("clear").write_denied(redis.again())));
        fails_as_documented(run(ttl::show(redis.again())));
        fails_as_documented(run(ttl::Change::put(br#"{"prefix":"a","ttl":60}"#).unwrap().run(redis.again())));
        let _ = (run(health::run(redis.again(), &Thresholds::default())), run(metrics::run(redis.again(), &redis)));
    }

    #[test]
    fn tags_and_fences(redis in liar()) {
        let tag = Tag::parse("tag", "t").unwrap();
        fails_as_documented(run(tag::keys(redis.again(), &tag)));
        fails_as_documented(run(tag::count(redis.again(), &tag)));
        fails_as_documented(run(tag::invalidate(redis.again(), &tag)));
        fails_as_documented(run(fence::stamp(redis.again())));
        let fences = fence::Fences::read(crate::Replies::new(run(redis.again().execute(Command::read("GET"))).unwrap_or_default()));
        let _ = fences.map(|fences| fences.mean(&key(), &[tag]));
    }

    /// Whatever Redis says, who reads through gets a value.
    #[test]
    fn reading_through(redis in liar(), grace in 0_u64..100) {
        let cache = Cache::new(&redis);
        let options = Options { grace: Duration::from_secs(grace), tags: &["t"], ..Options::default() };
        for _ in 0..3 {
            redis.again();
            let got = run(cache.get_or_set("users:1", &options, async || Ok::<_, String>(json!({ "id": 1 }))));
            prop_assert!(got.is_ok(), "{:?}", got);
        }
        redis.again();
        fails_as_documented(run(cache.get::<Value>("users:1")));
        redis.again();
        fails_as_documented(run(cache.get_many::<Value>(&["a", "b"])));
        redis.again();
        fails_as_documented(run(cache.set("users:1", &1, &options)));
        redis.again();
        fails_as_documented(run(cache.set_many(&[Item { key: "a", value: &1, ttl: None, tags: &["t"] }])));
        redis.again();
        fails_as_documented(run(cache.ttl("users:1")));
    }

    #[test]
    fn warming(redis in liar(), force: bool) {
        let plan = Plan::read(&Plan::compile(PLAN).unwrap()).unwrap();
        let warmup = Warmup { redis: redis.again(), source: &Fixed, plan: &plan, limits: Limits::default(), by: "x", owner: "y" };
        fails_as_documented(run(warmup::Request { force, ..warmup::Request::default() }.run(warmup)));
        let relief = vec![Pattern::parse("relief", "old:*").unwrap()];
        let settings = Settings { interval: Duration::from_secs(60), relief, memory_percent: 90.0 };
        let check = run(schedule::check(redis.again(), &settings));
        if let Ok(check) = &check {
            fails_as_documented(run(schedule::sweep(redis.again(), check)));
            fails_as_documented(run(schedule::relieve(redis.again(), &settings, 95.0)));
        }
        fails_as_documented(check);
        fails_as_documented(run(warmup::progress(redis.again())));
        fails_as_documented(run(warmup::overview(redis.again(), &plan, &settings)));
        fails_as_documented(run(warmup::cancel(redis.again())));
    }
}
