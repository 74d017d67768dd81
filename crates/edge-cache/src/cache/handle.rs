//! The handle that a service keeps: its connection, observer, circuit breaker and counters.

use std::sync::Arc;
use std::time::Duration;

use super::breaker::Breaker;
use super::judge::Judge;
use super::local_loads::LocalLoads;
use super::lookup_counters::LookupCounters;
use super::near::NearCache;
use super::observer::Observer;
use super::options::Options;
use super::recent_keys::RecentKeys;
use super::sampler::Sampler;
use crate::guarded::Guarded;
use crate::keyspace::fence::FenceView;
use crate::keyspace::ttl::{Overrides, TtlTable};
use crate::redis::{HostRuntime, Redis, ServerClock};
use crate::units::uniform;

/// The least time between two commands for a key whose lock another caller holds, or whose entry lacks
/// tags.
const ASK_INTERVAL: Duration = Duration::from_millis(100);
/// The least time between two touches of the sets of a key's tags.
const TOUCH_INTERVAL: Duration = Duration::from_secs(1);
const MIN_FENCE_INTERVAL: Duration = Duration::from_millis(10);
const MAX_FENCE_INTERVAL: Duration = Duration::from_secs(1);

/// A cache over one Redis database. Keep it for as long as the instance lives, so that its circuit
/// breaker and counters do. Clones are cheap and share everything.
///
/// ```no_run
/// use std::time::Duration;
/// use edge_cache::{Cache, Options, Redis, HostRuntime};
///
/// # async fn popular<C: Redis + HostRuntime>(connection: C) -> Result<(), String> {
/// let cache = Cache::new(connection);
/// let options = Options {
///     ttl: Some(Duration::from_secs(900)),
///     tags: &["product-catalog"],
///     ..Options::default()
/// };
/// let top = cache
///     .get_or_set("products:popular:list", &options, async || slow_query().await)
///     .await?;
/// println!("{} products, {:?}", top.value.len(), top.outcome);
/// # Ok(())
/// # }
/// # async fn slow_query() -> Result<Vec<u64>, String> { Ok(vec![1]) }
/// ```
#[derive(Debug)]
pub struct Cache<C, O = ()> {
    pub(super) inner: Arc<Inner<C, O>>,
}

/// The state that the clones of a cache share.
#[derive(Debug)]
pub(super) struct Inner<C, O> {
    pub(super) redis: C,
    pub(super) observer: O,
    pub(super) breaker: Breaker,
    pub(super) counters: LookupCounters,
    pub(super) clock: ServerClock,
    pub(super) fences: FenceView,
    /// Keys whose load lock another caller was just found to hold.
    pub(super) held_locks: RecentKeys,
    /// Keys whose entries were just given tags that they lacked.
    pub(super) tagged: RecentKeys,
    /// Keys the sets of whose tags were just touched.
    pub(super) touched: RecentKeys,
    pub(super) local_loads: LocalLoads,
    sampler: Sampler,
    pub(super) near: NearCache,
    /// The TTLs of keys by prefix.
    ttls: Guarded<TtlTable>,
    /// Options that were reported to be out of range.
    reported_options: Guarded<Vec<&'static str>>,
}

impl<C, O> Clone for Cache<C, O> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<C: Redis + HostRuntime> Cache<C> {
    /// Creates a cache over this connection.
    ///
    /// ```
    /// # use std::time::Duration;
    /// use edge_cache::tokio::TokioTransport;
    /// use edge_cache::{Cache, RedisClient};
    ///
    /// # fn main() -> Result<(), edge_cache::RedisError> {
    /// let transport = TokioTransport::new("redis://127.0.0.1:6379/0")?;
    /// let cache = Cache::new(RedisClient::new(transport, Duration::from_millis(500)));
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(redis: C) -> Self {
        Self::with_observer(redis, ())
    }
}

impl<C: Redis + HostRuntime, O: Observer> Cache<C, O> {
    /// Creates a cache over this connection whose lookups are reported to an observer.
    ///
    /// ```
    /// use edge_cache::{Cache, LookupOutcome, Observer, testing::Memory};
    ///
    /// struct Log;
    ///
    /// impl Observer for Log {
    ///     fn lookup_ended(&self, key: &str, outcome: LookupOutcome) {
    ///         println!("{key}: {}", outcome.name());
    ///     }
    /// }
    ///
    /// let cache = Cache::with_observer(Memory::new(), Log);
    /// ```
    pub fn with_observer(redis: C, observer: O) -> Self {
        let inner = Inner {
            redis,
            observer,
            breaker: Breaker::default(),
            counters: LookupCounters::default(),
            clock: ServerClock::default(),
            fences: FenceView::default(),
            held_locks: RecentKeys::new(ASK_INTERVAL),
            tagged: RecentKeys::new(ASK_INTERVAL),
            touched: RecentKeys::new(TOUCH_INTERVAL),
            local_loads: LocalLoads::default(),
            sampler: Sampler::default(),
            near: NearCache::default(),
            ttls: Guarded::default(),
            reported_options: Guarded::default(),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Sets how old the instance's knowledge of invalidations may be when a lookup begins: 10 ms to
    /// 1 s, 50 ms without this call. An invalidation is in force for this instance that long after
    /// it was recorded, also while its keys are still being removed.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use edge_cache::{Cache, testing::Memory};
    /// # let connection = Memory::new();
    /// // Invalidations by other instances are in force here after 10 ms.
    /// let cache = Cache::new(connection).with_fence_interval(Duration::from_millis(10));
    /// ```
    #[must_use]
    pub fn with_fence_interval(self, interval: Duration) -> Self {
        let interval = interval.clamp(MIN_FENCE_INTERVAL, MAX_FENCE_INTERVAL);
        self.inner.fences.set_interval(interval);
        self
    }

    /// Returns the options with each in its range. The observer hears of each option that was not,
    /// once.
    pub(super) fn options_in_range<'a>(&self, key: &str, options: &Options<'a>) -> Options<'a> {
        let (options, corrected) = options.in_range();
        for option in corrected {
            if self.is_first_report(option) {
                self.inner.observer.option_corrected(key, option);
            }
        }
        options
    }

    fn is_first_report(&self, option: &'static str) -> bool {
        let mut reported = self.inner.reported_options.lock();
        let is_first = !reported.contains(&option);
        if is_first {
            reported.push(option);
        }
        is_first
    }

    /// Sets the TTLs of keys by prefix, for calls without a TTL of their own: the longest prefix that
    /// ends at a `:` boundary wins, and `*` is for keys that no other row covers. Overrides in Redis
    /// win over these rows. Without this call, and for keys without a row, the TTL is 300 s. TTLs are
    /// at most ten years.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use edge_cache::{Cache, Redis, HostRuntime};
    /// # fn create<C: Redis + HostRuntime>(connection: C) -> Cache<C> {
    /// Cache::new(connection).with_ttls([
    ///     ("products", Duration::from_secs(900)),
    ///     ("products:stock", Duration::from_secs(60)),
    /// ])
    /// # }
    /// ```
    #[must_use]
    pub fn with_ttls(self, rows: impl IntoIterator<Item = (impl Into<String>, Duration)>) -> Self {
        self.inner.ttls.set(rows.into_iter().collect());
        self
    }

    /// Returns the TTL of a key by the overrides and the table.
    pub(super) fn ttl_by_table(&self, key: &str, overrides: &Overrides) -> Duration {
        self.inner.ttls.lock().for_key(key, overrides)
    }

    /// Sets how many bytes the near copies of this instance may take; 8 MiB without this call.
    ///
    /// ```
    /// # use edge_cache::{Cache, testing::Memory};
    /// # let connection = Memory::new();
    /// let cache = Cache::new(connection).with_near_capacity(32 * 1024 * 1024);
    /// ```
    #[must_use]
    pub fn with_near_capacity(self, bytes: usize) -> Self {
        self.inner.near.set_capacity(bytes);
        self
    }

    /// Sets whether lookups are counted by key, for the list of hot keys; on without this call. It has
    /// the names of keys, which are then in Redis as the keys themselves are, and visible to viewers.
    ///
    /// ```
    /// # use edge_cache::{Cache, testing::Memory};
    /// # let connection = Memory::new();
    /// // Keys that contain e-mail addresses shall not be listed.
    /// let cache = Cache::new(connection).with_hot_keys(false);
    /// ```
    #[must_use]
    pub fn with_hot_keys(self, is_enabled: bool) -> Self {
        self.inner.counters.hot_keys.set_enabled(is_enabled);
        self
    }

    /// Returns the clock and the fences by which entries are judged.
    pub(super) fn judge(&self) -> Judge<'_, C> {
        Judge {
            redis: &self.inner.redis,
            clock: &self.inner.clock,
            fences: &self.inner.fences,
        }
    }

    /// Adds the counters to Redis. A failure is ignored: counters are not worth one.
    pub(super) async fn flush_counters(&self) {
        let now = self.inner.clock.now();
        let _ = self.inner.counters.flush(&self.inner.redis, now).await;
    }

    /// Records that Redis failed; the circuit breaker may open.
    pub(super) fn record_redis_failure(&self) {
        if self.inner.breaker.record_failure() {
            self.inner.counters.count_circuit_opened();
        }
    }

    /// Returns a random number, uniform in 0..1.
    pub(super) fn uniform(&self) -> f64 {
        uniform(self.sample())
    }

    /// Returns a random number for a sample.
    pub(super) fn sample(&self) -> u64 {
        let Inner { sampler, redis, .. } = &*self.inner;
        sampler.next(|| redis.random())
    }
}
