//! The observer of the feature `tracing`: the span around a load, its events, and their fields.
#![cfg(feature = "tracing")]

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use edge_cache::{Cache, LookupOutcome, Options, TracingObserver};
use edge_cache_testing::{RedisServer, client};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Metadata, Subscriber};

/// The key of the tests. No line may contain it unless that was asked for.
const KEY: &str = "users:ada-lovelace";

/// The spans and events that a subscriber received, one in each line:
/// `LEVEL target: name field=value, inside span`.
#[derive(Clone, Default)]
struct Recorder(Arc<Recorded>);

#[derive(Default)]
struct Recorded {
    lines: Mutex<Vec<String>>,
    names: Mutex<HashMap<u64, String>>,
    /// The spans that are entered. Each test runs on one thread.
    entered: Mutex<Vec<u64>>,
    last_id: AtomicU64,
}

impl Recorder {
    /// Records everything that this thread reports, until the guard is dropped.
    fn install(&self) -> DefaultGuard {
        tracing::subscriber::set_default(self.clone())
    }

    fn add_line(&self, metadata: &Metadata<'_>, fields: &Fields) {
        let entered = self.0.entered.lock().unwrap();
        let names = self.0.names.lock().unwrap();
        let inside = entered.last().map_or("no span", |id| names[id].as_str());
        let (level, target) = (metadata.level(), metadata.target());
        let line = format!("{level} {target}: {}, inside {inside}", fields.0);
        self.0.lines.lock().unwrap().push(line);
    }

    /// Takes the lines so far.
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lines.lock().unwrap())
    }
}

/// Fields as text; that of the message has no name.
struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "message" => self.0 = format!("{value:?}{}", self.0),
            "took_ms" => self.0 += " took_ms",
            name => self.0 += &format!(" {name}={value:?}"),
        }
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        ["edge_cache", "loader"].contains(&metadata.target())
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut fields = Fields(format!("span {}", span.metadata().name()));
        span.record(&mut fields);
        self.add_line(span.metadata(), &fields);

        let id = self.0.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        let name = span.metadata().name().to_owned();
        self.0.names.lock().unwrap().insert(id, name);
        Id::from_u64(id)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields(String::new());
        event.record(&mut fields);
        self.add_line(event.metadata(), &fields);
    }

    fn enter(&self, span: &Id) {
        self.0.entered.lock().unwrap().push(span.into_u64());
    }

    fn exit(&self, span: &Id) {
        let left = self.0.entered.lock().unwrap().pop();
        assert_eq!(left, Some(span.into_u64()));
    }
}

/// A loader with a span of its own, which sleeps so that others run between its steps.
async fn load() -> Result<u32, String> {
    tokio::time::sleep(Duration::from_millis(5)).await;
    let _query = tracing::info_span!(target: "loader", "query").entered();
    Ok(1)
}

#[tokio::test]
async fn the_spans_of_a_loader_are_inside_the_span_of_its_load() {
    let server = RedisServer::start();
    let cache = Cache::with_observer(client(&server.url(0)), TracingObserver::new());
    let recorder = Recorder::default();
    let _guard = recorder.install();

    for _ in 0..2 {
        let fetched = cache.get_or_set(KEY, &Options::default(), load).await;
        assert_eq!(fetched.unwrap().value, 1);
    }

    let expected = [
        "INFO edge_cache: span edge_cache.load, inside no span",
        "INFO loader: span query, inside edge_cache.load",
        "DEBUG edge_cache: load outcome=\"loaded\" took_ms, inside no span",
        "DEBUG edge_cache: lookup outcome=\"miss\", inside no span",
        "DEBUG edge_cache: lookup outcome=\"hit\", inside no span",
    ];
    assert_eq!(recorder.take(), expected);
}

#[tokio::test]
async fn a_load_after_the_answer_has_its_span() {
    let server = RedisServer::start();
    let cache = Cache::with_observer(client(&server.url(0)), TracingObserver::new());
    let options = Options {
        ttl: Some(Duration::from_millis(1)),
        grace: Duration::from_secs(3600),
        ..Options::default()
    };
    cache.get_or_set(KEY, &options, load).await.unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    let recorder = Recorder::default();
    let _guard = recorder.install();

    let (fetched, refresh) = cache.get_or_set_later(KEY, &options, load).await.unwrap();
    assert_eq!(fetched.outcome, LookupOutcome::Stale);
    recorder.take();
    refresh.expect("a refresh").await;

    let expected = [
        "INFO edge_cache: span edge_cache.load, inside no span",
        "INFO loader: span query, inside edge_cache.load",
        "DEBUG edge_cache: load outcome=\"loaded\" took_ms, inside no span",
    ];
    assert_eq!(recorder.take(), expected);
}

#[tokio::test]
async fn no_key_is_reported_unless_that_was_asked_for() {
    for has_keys in [false, true] {
        let server = RedisServer::start();
        let observer = match has_keys {
            false => TracingObserver::new(),
            true => TracingObserver::new().with_keys(),
        };
        let cache = Cache::with_observer(client(&server.url(0)), observer);
        let recorder = Recorder::default();
        let _guard = recorder.install();

        let out_of_range = Options {
            jitter: 2.0,
            ..Options::default()
        };
        let loader = async || Ok::<_, String>(f64::NAN);
        let loaded = cache.get_or_set(KEY, &out_of_range, loader).await.unwrap();
        assert!(loaded.store_error.is_some());

        let lines = recorder.take();
        let reported = |text: &str| lines.iter().any(|line| line.starts_with(text));
        assert!(reported("WARN edge_cache: option corrected"), "{lines:#?}");
        assert!(reported("WARN edge_cache: value not stored"), "{lines:#?}");
        for line in &lines {
            assert_eq!(line.contains(KEY), has_keys, "{line}");
        }
    }
}

#[tokio::test]
async fn a_failed_load_is_reported_at_a_higher_level() {
    let server = RedisServer::start();
    let cache = Cache::with_observer(client(&server.url(0)), TracingObserver::new());
    let recorder = Recorder::default();
    let _guard = recorder.install();

    let loader = async || Err::<u32, _>("the source is away");
    let failed = cache.get_or_set(KEY, &Options::default(), loader).await;

    assert!(failed.is_err());
    let report = "INFO edge_cache: load outcome=\"failed\" took_ms, inside no span";
    assert!(recorder.take().iter().any(|line| line == report));
}
