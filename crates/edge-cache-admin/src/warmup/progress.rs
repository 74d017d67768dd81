//! The progress of the running or last warmup: stored, read, followed and cancelled.

use std::time::Duration;

use futures_util::future::join;
use futures_util::{Stream, stream};
use serde_json::Value;

use super::status::{WarmupState, WarmupStatus};
use crate::error::Error;
use edge_cache::HostRuntime;
use edge_cache::RedisError;
use edge_cache::keyspace::key::{WARMUP_CANCEL, WARMUP_LOCK, WARMUP_STATUS};
use edge_cache::redis::{Command, Redis, Replies};

/// The lifetime of a request to cancel, in seconds: much longer than the time between two
/// heartbeats of a warmup.
const CANCEL_SECONDS: u64 = 60;

/// The time between two reads of the progress for those who follow it.
pub const FOLLOW_INTERVAL: Duration = Duration::from_millis(250);

/// Stores the status. One round trip.
pub(super) async fn store_status<R: Redis>(
    redis: &R,
    status: &WarmupStatus,
) -> Result<(), RedisError> {
    let json = serde_json::to_string(status).unwrap_or_default();
    let set = Command::read("SET").arg(WARMUP_STATUS).arg(json);
    redis.execute(set).await?;
    Ok(())
}

/// Reads the status as stored; a warmup whose instance ended is still `running`. One round trip.
pub(super) async fn read_stored_status<R: Redis>(
    redis: &R,
) -> Result<Option<WarmupStatus>, RedisError> {
    let get = Command::read("GET").arg(WARMUP_STATUS);
    let json = Replies::new(redis.execute(get).await?).optional_bytes()?;
    Ok(json.and_then(|json| serde_json::from_slice(&json).ok()))
}

/// Reads the progress of the running warmup, or the result of the last; `None` before the first.
/// Two commands, overlapping.
///
/// A warmup whose instance ended without a result is `interrupted`.
///
/// # Errors
/// Those of the connection.
pub async fn read_progress<R: Redis>(redis: &R) -> Result<Option<WarmupStatus>, Error> {
    let lock = redis.execute(Command::read("EXISTS").arg(WARMUP_LOCK));
    let (status, lock) = join(read_stored_status(redis), lock).await;
    let mut status = status?;
    let is_locked = Replies::new(lock?).count()? > 0;

    if let Some(status) = &mut status
        && status.state == WarmupState::Running
        && !is_locked
    {
        status.interrupt();
    }
    Ok(status)
}

/// An event of those who follow: its name and its data.
type ProgressEvent = (&'static str, Value);

/// Follows the progress: an event `progress` with the [`WarmupStatus`] (null before the first
/// warmup) now and at each change, until the warmup ends; an event `problem` with a message where
/// Redis cannot be read, which is the last. Two commands, four times a second.
pub fn follow<R: Redis + HostRuntime + Clone>(redis: R) -> impl Stream<Item = ProgressEvent> {
    let reader = redis.clone();
    follow_with(redis, async move || {
        read_progress(&reader)
            .await
            .map_err(|error| error.to_string())
    })
}

/// As [`follow`], with the caller's function to read the progress, called once each
/// [`FOLLOW_INTERVAL`].
pub fn follow_with<R: HostRuntime>(
    runtime: R,
    read: impl AsyncFn() -> Result<Option<WarmupStatus>, String>,
) -> impl Stream<Item = ProgressEvent> {
    let follower = Follower {
        runtime,
        read,
        shown_at: String::new(),
    };
    stream::unfold(Some(follower), async |follower| {
        Some(follower?.next_event().await)
    })
}

struct Follower<R, F> {
    runtime: R,
    read: F,
    /// `updatedAt` of the status that was shown last.
    shown_at: String,
}

impl<R: HostRuntime, F: AsyncFn() -> Result<Option<WarmupStatus>, String>> Follower<R, F> {
    /// Waits for the next event; returns no follower after the last.
    async fn next_event(mut self) -> (ProgressEvent, Option<Self>) {
        loop {
            let status = match (self.read)().await {
                Ok(Some(status)) => status,
                Ok(None) => return (("progress", Value::Null), None),
                Err(problem) => return (("problem", problem.into()), None),
            };

            if status.state != WarmupState::Running {
                return (progress_event(&status), None);
            }
            if status.updated_at != self.shown_at {
                self.shown_at.clone_from(&status.updated_at);
                return (progress_event(&status), Some(self));
            }
            self.runtime.sleep(FOLLOW_INTERVAL).await;
        }
    }
}

fn progress_event(status: &WarmupStatus) -> ProgressEvent {
    let json = serde_json::to_value(status).unwrap_or_default();
    ("progress", json)
}

/// Asks the running warmup to stop, which it does before its next slice. Three round trips at most.
///
/// # Errors
/// [`Error::NotFound`] when none runs; those of the connection.
pub async fn cancel<R: Redis>(redis: &R) -> Result<WarmupStatus, Error> {
    let running = read_progress(redis)
        .await?
        .filter(|status| status.state == WarmupState::Running)
        .ok_or_else(|| Error::NotFound("no warmup is running".into()))?;

    let request = Command::read("SET")
        .arg(WARMUP_CANCEL)
        .arg(running.id.as_str())
        .arg("EX")
        .arg(CANCEL_SECONDS);
    redis.execute(request).await?;
    Ok(running)
}
