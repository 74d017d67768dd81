//! Heartbeats of a warmup: they store its progress, renew its hold on the lock, and learn of cancellation and
//! memory.

use std::pin::{Pin, pin};
use std::time::{Duration, Instant};

use edge_cache::RedisError;
use edge_cache::keyspace::key::{WARMUP_CANCEL, WARMUP_MODULES};
use edge_cache::redis::{Command, HostRuntime, Redis, Replies};
use futures_util::future::{Either, join, select};
use futures_util::{Stream, StreamExt};

use super::outcome::StopReason;
use super::progress::store_status;
use super::run::Run;
use super::source::Source;
use super::status::WarmupStatus;
use super::warmup_lock::WarmupHold;

/// The most time between two heartbeats while a source takes long.
const MAX_HEARTBEAT_INTERVAL: Duration = Duration::from_secs(3);
/// The least time between two heartbeats.
const MIN_HEARTBEAT_INTERVAL: Duration = Duration::from_millis(200);

impl<R: Redis + HostRuntime, S: Source, H: WarmupHold> Run<'_, R, S, H> {
    /// Waits for the next item; the heartbeat goes on meanwhile.
    pub(super) async fn next_with_heartbeat<T>(
        &self,
        mut items: Pin<&mut impl Stream<Item = T>>,
    ) -> Result<Option<T>, StopReason> {
        self.heartbeat().await?;
        let mut next = pin!(items.next());
        loop {
            let interval = pin!(self.warmup.redis.sleep(MAX_HEARTBEAT_INTERVAL));
            match select(next.as_mut(), interval).await {
                Either::Left((item, _)) => return Ok(item),
                Either::Right(_) => self.heartbeat().await?,
            }
        }
    }

    /// Stores the progress, renews the lock, and reads cancellation and memory. One round trip, at
    /// most five times a second.
    async fn heartbeat(&self) -> Result<(), StopReason> {
        let last = self.last_heartbeat.get();
        if last.is_some_and(|last| last.elapsed() < MIN_HEARTBEAT_INTERVAL) {
            return Ok(());
        }

        self.change_status(|status| status.update_times(self.elapsed()));
        let now = self.status.borrow().clone();
        let finished = self.finished();
        let shared = self.share_progress(&now);
        let (held, shared) = join(self.hold.renew(&now, &finished), shared).await;
        self.last_heartbeat.set(Some(Instant::now()));
        match held? {
            Some(reason) => Err(reason),
            None => shared,
        }
    }

    /// Stores the progress, and reads cancellation and memory. A dry run does neither.
    async fn share_progress(&self, status: &WarmupStatus) -> Result<(), StopReason> {
        if self.request.dry_run {
            return Ok(());
        }
        let redis = self.warmup.redis;
        let cancelled_id = redis.execute(Command::read("GET").arg(WARMUP_CANCEL));
        let (stored, (cancelled_id, refreshed)) = join(
            store_status(redis, status),
            join(cancelled_id, self.memory.refresh(redis)),
        )
        .await;
        stored?;
        refreshed?;
        match Replies::new(cancelled_id?).optional_bytes()? {
            Some(id) if id == self.warmup.id.as_bytes() => Err(StopReason::Cancelled),
            _ => Ok(()),
        }
    }

    /// Stores the result. One round trip.
    ///
    /// A warmup that stopped early tries this too, so that nobody reads `running`; its own failure is
    /// the one to report.
    pub(super) async fn store_result(
        &self,
        status: &WarmupStatus,
        stop: Option<&StopReason>,
    ) -> Result<(), RedisError> {
        // After a lost lock, the stored status is that of the warmup that took over.
        let goes_on = matches!(stop, Some(StopReason::LockLost | StopReason::Returned));
        if goes_on || self.request.dry_run {
            return Ok(());
        }

        let redis = self.warmup.redis;
        let (stored, last_runs) =
            join(store_status(redis, status), store_last_runs(redis, status)).await;
        stored.and(last_runs)
    }
}

/// Stores the result of each module that began.
async fn store_last_runs<R: Redis>(redis: &R, status: &WarmupStatus) -> Result<(), RedisError> {
    let mut fields = Vec::new();
    for (name, last_run) in status.last_runs() {
        fields.push(name.to_owned());
        fields.push(serde_json::to_string(&last_run).unwrap_or_default());
    }
    if fields.is_empty() {
        return Ok(());
    }

    let set = Command::read("HSET").arg(WARMUP_MODULES).args(fields);
    redis.execute(set).await?;
    Ok(())
}
