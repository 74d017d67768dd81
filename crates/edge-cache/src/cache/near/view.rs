//! The near fences that an instance knows: keys that were written or removed by name.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use futures_util::future::join;

use crate::error::RedisError;
use crate::guarded::Guarded;
use crate::keyspace::fence::{StreamId, take_known};
use crate::keyspace::key::{NEAR, NEAR_FENCES};
use crate::redis::{Command, Redis, Replies};

/// Most keys that are remembered as changed. Beyond that all copies go.
const MAX_CHANGED: usize = 10_000;

/// A view of the near fences.
#[derive(Debug, Default)]
pub(super) struct NearView {
    known: Guarded<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// When it was asked for; `None` before the first time.
    asked: Option<Instant>,
    /// The registration of near caches was there when it was asked for.
    is_registered: bool,
    connection: u64,
    last: Option<StreamId>,
    /// The newest near fence of each key.
    changed: HashMap<Vec<u8>, StreamId>,
    /// How often near fences may have been missed.
    gaps: u64,
}

/// The state of a view at a moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct NearPosition {
    last: Option<StreamId>,
    gaps: u64,
}

impl NearView {
    pub(super) fn asked(&self) -> Option<Instant> {
        self.known.lock().asked
    }

    pub(super) fn position(&self) -> NearPosition {
        let known = self.known.lock();
        NearPosition {
            last: known.last,
            gaps: known.gaps,
        }
    }

    /// Returns whether the key may have changed since then.
    pub(super) fn is_changed_since(&self, key: &str, position: NearPosition) -> bool {
        let known = self.known.lock();
        let changed = known.changed.get(key.as_bytes());
        known.gaps != position.gaps || changed.is_some_and(|id| Some(*id) > position.last)
    }

    /// Asks for the near fences that came since, if the view is too old for a lookup that began
    /// then.
    pub(super) async fn refresh_if_due<R: Redis>(
        &self,
        redis: &R,
        began: Instant,
        interval: Duration,
    ) -> Result<(), RedisError> {
        let oldest = began.checked_sub(interval).unwrap_or(began);
        let is_due = {
            let known = self.known.lock();
            let is_of_connection = known.connection == redis.connection_number();
            !is_of_connection || known.asked.is_none_or(|asked| asked < oldest)
        };
        if is_due {
            Box::pin(self.refresh(redis)).await
        } else {
            Ok(())
        }
    }

    /// Returns whether writers appended near fences when the view was asked for.
    pub(super) fn is_registered(&self) -> bool {
        self.known.lock().is_registered
    }

    async fn refresh<R: Redis>(&self, redis: &R) -> Result<(), RedisError> {
        let (is_registered, refreshed) =
            join(read_registration(redis), self.refresh_fences(redis)).await;
        refreshed?;

        let is_registered = is_registered?;
        let mut known = self.known.lock();
        known.gaps += u64::from(!is_registered);
        known.is_registered = is_registered;
        Ok(())
    }

    async fn refresh_fences<R: Redis>(&self, redis: &R) -> Result<(), RedisError> {
        let asked = Instant::now();
        let last = self.known.lock().last;
        if let Some(last) = last {
            let range = Command::read("XRANGE").arg(NEAR_FENCES);
            let range = range.arg(last.to_string()).arg("+");
            let replies = Replies::new(redis.execute(range).await?);
            if self.learn(last, replies)? {
                self.end_refresh(redis, asked);
                return Ok(());
            }
        }

        // Near fences may have been missed: what is known begins anew.
        let newest = Command::read("XREVRANGE").arg(NEAR_FENCES);
        let newest = newest.args(["+", "-", "COUNT", "1"]);
        let mut replies = Replies::new(redis.execute(newest).await?);
        let last = if replies.remaining() == 0 {
            None
        } else {
            Some(StreamId::read(&mut replies)?)
        };
        {
            let mut known = self.known.lock();
            known.last = last;
            known.changed.clear();
            known.gaps += 1;
        }
        self.end_refresh(redis, asked);
        Ok(())
    }

    /// Adds what came since the last near fence; false where that has left.
    fn learn(&self, last: StreamId, mut replies: Replies) -> Result<bool, RedisError> {
        if !take_known(&mut replies, last)? {
            return Ok(false);
        }

        let mut known = self.known.lock();
        while replies.remaining() > 0 {
            let id = StreamId::read(&mut replies)?;
            replies.bytes()?;
            let key = replies.bytes()?;
            known.last = known.last.max(Some(id));
            let newest = known.changed.entry(key).or_insert(id);
            *newest = id.max(*newest);
        }
        if known.changed.len() > MAX_CHANGED {
            known.changed.clear();
            known.gaps += 1;
        }
        Ok(true)
    }

    fn end_refresh<R: Redis>(&self, redis: &R, asked: Instant) {
        let mut known = self.known.lock();
        known.connection = redis.connection_number();
        known.asked = known.asked.max(Some(asked));
    }
}

/// Returns whether instances are registered that keep near copies.
async fn read_registration<R: Redis>(redis: &R) -> Result<bool, RedisError> {
    let exists = redis.execute(Command::read("EXISTS").arg(NEAR)).await?;
    Ok(Replies::new(exists).count()? == 1)
}
