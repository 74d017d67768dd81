//! One lookup: a `get_or_set` that stops where its loader is called.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use edge_cache::{Fetched, LoadError, LookupOutcome, Options};
use futures_util::future::LocalBoxFuture;
use serde_json::value::RawValue;

use crate::gauge::Gauge;

/// How long a load may take where a stale value could be served instead. The caller decides that: it
/// cannot be interrupted.
const LOAD_TIMEOUT: Duration = Duration::from_secs(3600);

/// Options of a lookup, with units and defaults as in the WIT.
#[derive(Debug, Clone, Default)]
pub struct LookupOptions {
    /// How long a value is fresh.
    pub ttl_ms: Option<u64>,
    /// How long past its TTL a value may be served.
    pub grace_ms: Option<u64>,
    /// How long to wait for another caller's load.
    pub lock_wait_ms: Option<u64>,
    /// For how long a failed load is the answer of others.
    pub failure_ttl_ms: Option<u64>,
    /// How long JSON `null` is kept.
    pub negative_ttl_ms: Option<u64>,
    /// Tags that invalidate the entry.
    pub tags: Vec<String>,
}

impl LookupOptions {
    pub(crate) fn tags(&self) -> Vec<&str> {
        self.tags.iter().map(String::as_str).collect()
    }

    /// Returns the library's options.
    pub(crate) fn with_tags<'a>(&self, tags: &'a [&'a str]) -> Options<'a> {
        let default = Options::default();
        let time = |given: Option<u64>, default| given.map_or(default, Duration::from_millis);
        Options {
            ttl: self.ttl_ms.map(Duration::from_millis),
            grace: time(self.grace_ms, default.grace),
            lock_wait: time(self.lock_wait_ms, default.lock_wait),
            failure_ttl: time(self.failure_ttl_ms, default.failure_ttl),
            negative_ttl: self.negative_ttl_ms.map(Duration::from_millis),
            load_timeout: LOAD_TIMEOUT,
            tags,
            ..default
        }
    }
}

/// Result of `get_or_set`.
pub(crate) type Ended = Result<Fetched<Box<RawValue>>, LoadError<String>>;

/// The caller's result of a load.
type Loaded = Result<Box<RawValue>, String>;

/// The place where a loader waits for the caller's result.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    is_awaited: Cell<bool>,
    loaded: RefCell<Option<Loaded>>,
}

impl Slot {
    /// Waits for the result. Whoever fills the slot polls the lookup afterwards.
    pub(crate) async fn wait(&self) -> Loaded {
        self.is_awaited.set(true);
        let loaded = poll_fn(|_| match self.loaded.take() {
            Some(loaded) => Poll::Ready(loaded),
            None => Poll::Pending,
        })
        .await;
        self.is_awaited.set(false);
        loaded
    }
}

/// How far a lookup has come.
pub(crate) enum Progress {
    Ended(Ended),
    /// The caller has to load.
    Loads,
    /// It waits for Redis or for another caller.
    Waits,
}

/// A lookup that has begun.
pub struct Lookup {
    future: LocalBoxFuture<'static, Ended>,
    slot: Rc<Slot>,
    gauge: Rc<Gauge>,
    /// Commands whose replies have not arrived.
    in_flight: usize,
}

/// Result of a lookup.
pub enum Found {
    /// A value that is fresh, or that another caller has just loaded.
    Hit(String),
    /// A value within its grace.
    Stale(String),
    /// The caller loads.
    Load(Lookup),
    /// Another caller loads.
    Wait(Lookup),
    /// Another caller's load has failed with this error.
    LoadFailed(String),
    /// The cache cannot be used for this reason.
    Failed(String),
}

impl Lookup {
    pub(crate) fn new(
        future: LocalBoxFuture<'static, Ended>,
        slot: Rc<Slot>,
        gauge: Rc<Gauge>,
    ) -> Self {
        Self {
            future,
            slot,
            gauge,
            in_flight: 0,
        }
    }

    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> Progress {
        let Self { future, gauge, .. } = self;
        let poll = || future.as_mut().poll(context);
        match gauge.count_in_flight(&mut self.in_flight, poll) {
            Poll::Ready(ended) => Progress::Ended(ended),
            Poll::Pending if self.slot.is_awaited.get() && self.in_flight == 0 => Progress::Loads,
            Poll::Pending => Progress::Waits,
        }
    }

    pub(crate) fn gauge(&self) -> Rc<Gauge> {
        Rc::clone(&self.gauge)
    }

    /// Gives the loaded value to the lookup, which has to be finished then. A value that is not JSON
    /// counts as a failed load; the error says so.
    pub(crate) fn fill(&self, value: String) -> Result<(), String> {
        let json =
            RawValue::from_string(value).map_err(|error| format!("the value is not JSON: {error}"));
        let problem = json.as_ref().err().cloned();
        *self.slot.loaded.borrow_mut() = Some(json);
        problem.map_or(Ok(()), Err)
    }

    /// Ends the load of the lookup, which has to be finished then, as failed.
    pub(crate) fn fail(&self, reason: String) {
        *self.slot.loaded.borrow_mut() = Some(Err(reason));
    }

    /// Returns the result of a lookup that has come so far.
    pub(crate) fn into_found(self, progress: Progress) -> Found {
        match progress {
            Progress::Waits => Found::Wait(self),
            Progress::Loads => match self.gauge.refusal() {
                // Its load would not be under a lock, and nobody else would learn the reason.
                Some(refusal) => Found::Failed(refusal),
                None => Found::Load(self),
            },
            Progress::Ended(Ok(fetched)) => {
                let value = String::from(Box::<str>::from(fetched.value));
                match fetched.outcome {
                    LookupOutcome::Stale => Found::Stale(value),
                    _ => Found::Hit(value),
                }
            }
            Progress::Ended(Err(error)) => Found::LoadFailed(error.into()),
        }
    }
}

/// Returns why a loaded value is not in the cache.
pub(crate) fn store_problem(ended: Ended) -> Option<String> {
    match ended {
        Ok(fetched) => fetched.store_error.map(|error| error.message),
        Err(error) => Some(error.to_string()),
    }
}

/// Returns the stale value that stands in for a failed load.
pub(crate) fn stand_in(ended: Ended) -> Option<String> {
    let fetched = ended.ok()?;
    Some(Box::<str>::from(fetched.value).into())
}
