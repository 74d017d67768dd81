//! Operations: the audit records of changes, by the ids that their responses have.

use edge_cache::RedisError;
use edge_cache::redis::script::Script;
use edge_cache::redis::{Arg, Redis};
use edge_cache::script;
use serde::Serialize;

use super::entry::{AuditEntry, read_entry};
use super::operation_id::{MAX_ID_BYTES, Place};
use super::outcome::AuditOutcome;
use super::streams::{STREAM_BOUNDS, TRAIL_KEYS};
use crate::admin::role::Role;
use crate::error::Error;
use crate::lua;

/// Finds the record of an operation.
static FIND_OPERATION: Script = script!(repeatable "audit/find_operation", [lua::TRAIL]);

/// Records that one call of the script searches, and calls before the search gives up.
const RECORDS_PER_CALL: u64 = 1024;
const MAX_CALLS: usize = 16;
/// The longest time between an intent and its record: an interrupted change is recorded when somebody
/// uses the trail again.
const MAX_DELAY_MS: u64 = 30 * 86_400_000;
/// The client address of records for callers who may not see it.
const HIDDEN_ADDRESS: &str = "-";

/// A checked `GET /operations/{id}`.
#[derive(Debug)]
pub struct OperationRequest {
    id: String,
    place: Place,
}

/// An operation with its audit record.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OperationReport {
    operation_id: String,
    /// The time from which an invalidation is in force; null for other changes.
    in_force_at: Option<String>,
    /// The job that it began, changed or ended.
    job_id: Option<String>,
    record: AuditEntry,
}

impl OperationRequest {
    /// Checks an id.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a text that is not the id of any operation.
    pub fn parse(id: &str) -> Result<Self, Error> {
        let place = Place::parse(id).ok_or_else(|| not_found(id, "no operation has this id"))?;
        Ok(Self {
            id: id.to_owned(),
            place,
        })
    }

    /// Finds the operation's record. Only an admin sees the client address, and parts of values. One round trip, and one
    /// more per 1,024 records that were written while the change ran.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such record (any more), and those of the connection.
    pub async fn run<R: Redis>(&self, redis: &R, role: Role) -> Result<OperationReport, Error> {
        let reason = match &self.place {
            Place::Recorded { .. } => {
                if let Some(record) = self.place.find(redis).await? {
                    return Ok(self.report(record, role));
                }
                "the audit trail has no record of it: it is unknown, or so old that its record was removed"
            }
            Place::Summed => {
                "its token had exceeded its quota of audit records, so it is part of a record with the outcome `summed`"
            }
            Place::Unrecorded => "the audit trail could not be written; its record is in the log",
        };
        Err(not_found(&self.id, reason))
    }

    fn report(&self, mut record: AuditEntry, role: Role) -> OperationReport {
        if role < Role::Admin {
            HIDDEN_ADDRESS.clone_into(&mut record.record.ip);
            record.record.difference = None;
        }
        OperationReport {
            operation_id: self.id.clone(),
            in_force_at: record.record.in_force_at.clone(),
            job_id: record.record.job_id.clone(),
            record,
        }
    }
}

impl OperationReport {
    /// Returns whether it is one of these actions, and succeeded.
    pub(crate) fn has_changed(&self, actions: &[&str]) -> bool {
        let record = &self.record.record;
        record.outcome == AuditOutcome::Ok && actions.contains(&record.action.as_str())
    }
}

impl Place {
    /// Finds the record. One round trip per 1,024 records that are searched.
    async fn find<R: Redis>(&self, redis: &R) -> Result<Option<AuditEntry>, RedisError> {
        let Self::Recorded {
            began_ms,
            intent,
            stream,
            rest,
        } = self
        else {
            return Ok(None);
        };

        let mut from = intent.clone();
        for _ in 0..MAX_CALLS {
            let args: [Arg; 7] = [
                STREAM_BOUNDS.into(),
                (*stream as u64).into(),
                intent.as_str().into(),
                rest.as_str().into(),
                from.into(),
                began_ms.saturating_add(MAX_DELAY_MS).into(),
                RECORDS_PER_CALL.into(),
            ];
            let keys = TRAIL_KEYS.map(Arg::from);
            let mut replies = FIND_OPERATION.run(redis, keys, args).await?;

            if replies.remaining() == 3 {
                return Ok(Some(read_entry(&mut replies)?.1));
            }
            from = replies.text()?;
            if from.is_empty() {
                break;
            }
        }
        Ok(None)
    }
}

fn not_found(id: &str, reason: &str) -> Error {
    let shown: String = id.chars().take(MAX_ID_BYTES).collect();
    Error::NotFound(format!("the operation {shown} was not found: {reason}"))
}
