//! Pruning: removes dead members from tags' sets, and completes interrupted invalidations.

use edge_cache::units;
use std::time::{Duration, Instant, SystemTime};

use super::check::ScheduleCheck;
use super::state;
use crate::admin::audit::AuditRecord;
use crate::admin::invalidate::{InvalidateReport, InvalidateRequest};
use crate::error::Error;
use edge_cache::keyspace::purge::PurgeMode;
use edge_cache::keyspace::tag::Tag;
use edge_cache::keyspace::tag::prune::{PruneReport, PruneWalk};
use edge_cache::redis::{HostRuntime, Redis};

/// The most members that one wake-up examines.
const MAX_MEMBERS: u64 = 50_000;
/// The time limit of one wake-up: finding tags' sets takes a walk over the keyspace.
const TIME_LIMIT: Duration = Duration::from_secs(5);
/// Members between two looks at the clock.
const STEP_MEMBERS: u64 = 1000;

/// The pruning of one wake-up. It continues where the last one stopped, and lasts a few seconds at
/// most.
#[derive(Debug)]
pub struct TagPruning {
    position: PruneWalk,
    pruned: PruneReport,
    started: Instant,
    checked_at: SystemTime,
}

impl TagPruning {
    /// Continues where the last wake-up stopped.
    pub fn begin(check: &ScheduleCheck) -> Self {
        Self {
            position: check.pruning.clone(),
            pruned: PruneReport::default(),
            started: Instant::now(),
            checked_at: check.checked_at,
        }
    }

    /// Removes dead members until it finds an interrupted invalidation, and returns its tag. Once
    /// the audit trail has an intent, [`TagPruning::complete_invalidation`] removes the tag's keys.
    /// `None` at the end of the wake-up.
    ///
    /// # Errors
    /// Those of the connection; [`Error::Partial`] has the number of keys removed before.
    pub async fn prune<R: Redis>(&mut self, redis: &R) -> Result<Option<Tag>, Error> {
        while !self.is_over() {
            if let Some(tag) = self.position.interrupted() {
                return Ok(Some(tag));
            }
            let step = self
                .position
                .step_to_interrupted(redis, STEP_MEMBERS)
                .await
                .map_err(|error| Error::from(error).after(self.pruned.keys_deleted))?;
            self.pruned.add(&step);
        }
        Ok(None)
    }

    /// Removes the keys that the interrupted invalidation of a tag left over, and returns their
    /// number. One round trip per 1,000 keys. The next wake-up continues where the time limit ends
    /// this one.
    ///
    /// # Errors
    /// Those of the connection; [`Error::Partial`] has the number of these keys removed before.
    pub async fn complete_invalidation<R: Redis>(
        &mut self,
        redis: &R,
        tag: &Tag,
    ) -> Result<u64, Error> {
        let before = self.pruned.keys_deleted;
        loop {
            let step = self
                .position
                .complete_interrupted(redis, tag, &mut self.pruned)
                .await;
            let deleted = self.pruned.keys_deleted - before;
            step.map_err(|error| Error::from(error).after(deleted))?;

            let is_complete = self.position.interrupted().as_ref() != Some(tag);
            if is_complete || self.is_over() {
                return Ok(deleted);
            }
        }
    }

    /// Keys of interrupted invalidations removed so far.
    pub fn keys_deleted(&self) -> u64 {
        self.pruned.keys_deleted
    }

    /// Stores the position and the time of the wake-up. One round trip.
    ///
    /// # Errors
    /// Those of the connection; [`Error::Partial`] has the number of keys removed.
    pub async fn finish<R: Redis>(self, redis: &R) -> Result<PruneReport, Error> {
        let position = serde_json::to_string(&self.position).unwrap_or_default();
        let checked_at = units::since_1970_ms(self.checked_at);
        let fields = [
            ("sweep", position.into()),
            ("checked_at", checked_at.into()),
        ];
        state::record(redis, fields)
            .await
            .map_err(|error| Error::from(error).after(self.pruned.keys_deleted))?;
        Ok(self.pruned)
    }

    fn is_over(&self) -> bool {
        self.pruned.finished
            || self.pruned.members >= MAX_MEMBERS
            || self.started.elapsed() >= TIME_LIMIT
    }
}

/// Repeats an invalidation by tag that was interrupted. As many round trips as the invalidation.
///
/// # Errors
/// Those of the invalidation.
pub async fn complete_invalidation<R: Redis + HostRuntime>(
    redis: &R,
    tag: &Tag,
    mode: PurgeMode,
) -> Result<InvalidateReport, Error> {
    let tags = vec![tag.clone()];
    let invalidation = InvalidateRequest::configured(Vec::new(), Vec::new(), tags);
    invalidation.in_mode(mode).run(redis).await
}

/// The audit record of an interrupted invalidation that the schedule completes.
pub fn interrupted_invalidation_record(tag: &Tag) -> AuditRecord {
    let mut record = AuditRecord::new("invalidate");
    record.detail = Some("by the schedule: completes an interrupted invalidation".into());
    record.tags = vec![tag.as_str().to_owned()];
    record.automatic()
}
