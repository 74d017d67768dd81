//! Audit records of jobs: their beginning and end, and takeovers.

use edge_cache::units;
use std::time::Duration;

use edge_cache::RedisError;
use edge_cache::redis::Redis;

use super::record::{Job, shown_time};
use super::state::JobState;
use crate::admin::audit::{AuditOutcome, AuditRecord};
use crate::warmup::WarmupStatus;

/// A failure to write an audit record, with the record.
pub type UnwrittenRecord = dyn Fn(&AuditRecord, &RedisError);

impl Job {
    /// A record about the job, with its work and its counts.
    pub fn audit_record(&self, action: &str) -> AuditRecord {
        let mut record = AuditRecord::new(action);
        match self.work.patterns.as_slice() {
            [one] => record.pattern = Some(one.clone()),
            more => record.patterns = more.to_vec(),
        }

        record.detail = Some(format!(
            "job {}: {}; {}",
            self.id,
            self.work.describe(),
            self.describe_counts()
        ));

        record.who.clone_from(&self.by);
        record.role.clone_from(&self.role);
        record.ip.clone_from(&self.ip);
        record.request_id.clone_from(&self.request_id);
        self.complete_record(&mut record);
        record
    }

    fn describe_counts(&self) -> String {
        if self.work.warmup.is_some() {
            let warmed = self.warmed.as_ref().map(|warmed| &warmed.now);
            return warmed.map_or_else(
                || "nothing written".to_owned(),
                WarmupStatus::describe_counts,
            );
        }

        let counts = self.counts();
        let selected = self.selected_counts();
        let changes = match self.work.expiry {
            Some(_) => format!("{} changed", selected.changed),
            None if self.work.purge.mode().is_soft() => format!("{} marked stale", counts.removed),
            None => format!("{} removed", counts.removed),
        };
        format!(
            "{} keys matched, {changes}, {} failed",
            counts.matched, counts.failed
        )
    }

    /// Adds the job's id, and the time from which its invalidation is in force.
    pub fn complete_record(&self, record: &mut AuditRecord) {
        record.job_id = Some(self.id.clone());
        record.in_force_at = shown_time(self.in_force_ms);
    }

    /// The record of the job's end.
    pub(super) fn end_record(&self) -> AuditRecord {
        let counts = self.counts();
        let elapsed = units::now_ms().saturating_sub(self.created_ms);
        let mut record = self.audit_record("job-end");

        record.finish(Duration::from_millis(elapsed), Ok(0));
        record.count(self.keys_removed(), self.keys_marked_stale());
        let changed = self.selected_counts().changed;
        record.keys_changed = self.work.expiry.map(|_| changed);
        let warmed = self.warmed.as_ref().map(|warmed| &warmed.now);
        let warmed = warmed.filter(|warmed| !warmed.dry_run);
        record.keys_written = warmed.map(|warmed| warmed.keys_created);
        let written = record.keys_written.unwrap_or(0);
        record.outcome = match self.state.settled() {
            JobState::Cancelled => AuditOutcome::Cancelled,
            JobState::Failed if counts.removed + changed + written > 0 => AuditOutcome::Partial,
            JobState::Failed => AuditOutcome::Failed,
            _ => AuditOutcome::Ok,
        };
        record.error.clone_from(&self.error);
        record
    }

    /// The record of a takeover.
    pub(super) fn takeover_record(&self, waker: &str) -> AuditRecord {
        let mut record = self.audit_record("job-takeover").automatic();
        record.who = waker.to_owned();
        record.role = "-".to_owned();
        record
    }
}

/// Writes a record. A record that the trail refuses goes to the log.
///
/// # Errors
/// The trail cannot be reached: the record has to be written later.
pub(super) async fn write<A: Redis>(
    audit: &A,
    record: &AuditRecord,
    on_unwritten: &UnwrittenRecord,
) -> Result<(), RedisError> {
    match record.write_finished(audit).await {
        Err(error) if error.is_unavailable() => Err(error),
        Err(error) => {
            on_unwritten(record, &error);
            Ok(())
        }
        Ok(()) => Ok(()),
    }
}
