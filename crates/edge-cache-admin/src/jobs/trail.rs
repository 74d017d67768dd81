//! Audit records of jobs: their beginning and end, and takeovers.

use std::time::Duration;

use edge_cache::RedisError;
use edge_cache::redis::Redis;

use super::record::{Job, now_ms};
use super::state::JobState;
use crate::admin::audit::{AuditOutcome, AuditRecord};

/// A failure to write an audit record, with the record.
pub type UnwrittenRecord = dyn Fn(&AuditRecord, &RedisError);

impl Job {
    /// A record about the job, with its work and its counts.
    pub fn audit_record(&self, action: &str) -> AuditRecord {
        let counts = self.counts();
        let mut record = AuditRecord::new(action);
        match self.work.patterns.as_slice() {
            [one] => record.pattern = Some(one.clone()),
            more => record.patterns = more.to_vec(),
        }
        record.detail = Some(format!(
            "job {}: {}; {} keys matched, {} removed, {} failed",
            self.id,
            self.work.describe(),
            counts.matched,
            counts.removed,
            counts.failed
        ));
        record.who.clone_from(&self.by);
        record.role.clone_from(&self.role);
        record.ip.clone_from(&self.ip);
        record.request_id.clone_from(&self.request_id);
        record
    }

    /// The record of the job's end.
    pub(super) fn end_record(&self) -> AuditRecord {
        let counts = self.counts();
        let elapsed = now_ms().saturating_sub(self.created_ms);
        let mut record = self.audit_record("job-end");

        record.finish(Duration::from_millis(elapsed), Ok(counts.removed));
        record.outcome = match self.state.settled() {
            JobState::Cancelled => AuditOutcome::Cancelled,
            JobState::Failed if counts.removed > 0 => AuditOutcome::Partial,
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
