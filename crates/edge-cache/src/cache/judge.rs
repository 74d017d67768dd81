//! Judging entries by what the instance knows of Redis' clock and of the fences.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join3;

use super::store_error::own_prefix;
use super::stored_entry::StoredEntry;
use crate::error::{ErrorKind, RedisError};
use crate::keyspace::fence::{FenceView, Judgement, Position};
use crate::redis::{Redis, ServerClock};

/// How long after a lookup began its replies are used. An instance may be suspended meanwhile, and
/// fences leave a view 20 s after their removals.
const REPLY_USE: Duration = Duration::from_secs(10);

/// Redis' clock and the fences, by which an instance judges entries.
pub(super) struct Judge<'a, R> {
    pub(super) redis: &'a R,
    pub(super) clock: &'a ServerClock,
    pub(super) fences: &'a FenceView,
}

/// A lookup that has begun.
pub(super) struct BegunLookup<'a, R> {
    judge: &'a Judge<'a, R>,
    began: Instant,
    position: Position,
    /// The view is younger than what was read.
    has_newest_view: AtomicBool,
}

impl<R: Redis> Judge<'_, R> {
    /// Returns a lookup that began at this instant. Views of the fences from long before it do not count.
    pub(super) fn begin(&self, began: Instant) -> BegunLookup<'_, R> {
        BegunLookup {
            judge: self,
            began,
            position: self.fences.position(),
            has_newest_view: AtomicBool::new(false),
        }
    }
}

impl<R: Redis> BegunLookup<'_, R> {
    /// Reads, and asks beside that for what is due of clock and fences. Returns Redis' clock, too, as
    /// it was when all replies were there.
    pub(super) async fn with<T>(
        &self,
        reading: impl Future<Output = Result<T, RedisError>>,
    ) -> Result<(T, u64), RedisError> {
        let Judge {
            redis,
            clock,
            fences,
        } = self.judge;

        // For most lookups nothing is due, before or after.
        let connection = redis.connection_number();
        let is_known = !clock.is_due(*redis, self.began) && !fences.is_due(*redis, self.began);
        let read = if is_known {
            reading.await?
        } else {
            // A failure of these is met again below, unless the connection was replaced meanwhile.
            let (read, _, _) = join3(
                reading,
                clock.refresh_if_due(*redis),
                fences.refresh_if_due(*redis, self.began),
            )
            .await;
            read?
        };

        if !is_known || redis.connection_number() != connection {
            clock.refresh_if_due(*redis).await?;
            fences.refresh_if_due(*redis, self.began).await?;
        }
        let ended = Instant::now();
        if ended.saturating_duration_since(self.began) > REPLY_USE {
            let problem = "the instance was suspended for so long that its knowledge is too old";
            return Err(RedisError::new(ErrorKind::Timeout, problem));
        }
        Ok((read, clock.at(ended)))
    }

    /// Takes the value of an entry away that was invalidated: it is served to nobody. So is none of
    /// edge-cache's own keys. An entry that a soft purge covers becomes stale, although its trailer
    /// has not been rewritten yet. One round trip for the first entry of another epoch than the view,
    /// otherwise none.
    pub(super) async fn judge(&self, key: &str, entry: &mut StoredEntry) -> Result<(), RedisError> {
        if entry.value.is_none() {
            return Ok(());
        }
        if own_prefix(key).is_some() {
            entry.bury();
            return Ok(());
        }

        let fences = self.judge.fences;
        let Some(facts) = &entry.facts else {
            if fences.is_being_removed(key.as_bytes(), self.position) {
                entry.bury();
            }
            return Ok(());
        };

        let judge_now = || fences.judge(&facts.stamp, key.as_bytes(), facts.tags());
        let mut judgement = judge_now();
        if judgement == Judgement::OtherEpoch && !self.has_newest_view.swap(true, Ordering::AcqRel)
        {
            // Another client may have cut the beginning of the stream off.
            Box::pin(fences.read_all(self.judge.redis)).await?;
            judgement = judge_now();
        }
        match (judgement, &mut entry.facts) {
            (Judgement::Alive, _) => {}
            (Judgement::Stale(purge), Some(facts)) => facts.mark_stale(purge),
            _ => entry.bury(),
        }
        Ok(())
    }
}
