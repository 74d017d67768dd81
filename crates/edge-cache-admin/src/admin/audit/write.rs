//! Writing the trail: intents, outcomes, denied attempts, and overdue records.

use std::time::Duration;

use edge_cache::redis::script::Script;
use edge_cache::redis::{Arg, Command, Redis};
use edge_cache::script;
use edge_cache::{ErrorKind, RedisError};

use super::change_counters::change_counters;
use super::operation_id::complete_id;
use super::outcome::AuditOutcome;
use super::quota::{MAX_DENIED_PER_MINUTE, Quota};
use super::record::AuditRecord;
use super::streams::{AuditStream, STREAM_BOUNDS, TRAIL_KEYS};
use crate::lua;

/// Records the intent of a change before it begins.
static WRITE_INTENT: Script = script!(once "audit/write_intent", [lua::TRAIL, lua::TRAIL_QUOTA]);

/// Records the outcome of a change.
static WRITE_OUTCOME: Script = script!(once "audit/write_outcome", [lua::TRAIL, lua::TRAIL_QUOTA]);

/// Records and counts a denied attempt.
static WRITE_DENIED: Script = script!(once "audit/write_denied", [lua::TRAIL, lua::TRAIL_QUOTA]);

/// Records what is overdue.
static RECORD_OVERDUE: Script = script!(repeatable "audit/record_overdue", [lua::TRAIL]);

/// The sum that attempts of clients that were turned away are added to.
const TURNED_AWAY_SUM: &str = "2|-|turned-away";
/// The approximate number of records in a stream that is written without scripts.
const MAX_RECORDS_WITHOUT_SCRIPTS: u64 = 10_000;
/// Overdue records after which one call stops.
const MAX_OVERDUE_PER_CALL: u64 = 1000;

/// The id of a recorded intent. The outcome replaces the intent by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntentId(String);

impl IntentId {
    /// Stands for an intent that could not be recorded.
    pub fn none() -> Self {
        Self(String::new())
    }

    /// The complete id of the operation whose intent this is.
    pub fn operation_id(&self, record: &AuditRecord) -> Option<String> {
        let pending = record.operation_id.as_deref()?;
        Some(complete_id(pending, &self.0))
    }
}

impl AuditRecord {
    /// Records the intent of a change that has not begun. One round trip.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn write_intent<R: Redis>(&self, redis: &R) -> Result<IntentId, RedisError> {
        let intent = Self {
            outcome: AuditOutcome::Running,
            ..self.clone()
        };
        let json = intent.to_json();

        let (keys, args) = Quota::of_change(self, &json).script_call(self, json);
        let id = WRITE_INTENT.run(redis, keys, args).await?.text()?;
        Ok(IntentId(id))
    }

    /// Records the outcome in place of the intent, and counts the change. One round trip.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn write_outcome<R: Redis>(
        &self,
        intent: &IntentId,
        redis: &R,
    ) -> Result<(), RedisError> {
        let json = self.to_json();
        let request_id = serde_json::to_string(&self.request_id).unwrap_or_default();

        let (keys, mut args) = Quota::of_change(self, &json).script_call(self, json);
        args.extend([
            intent.0.as_str().into(),
            format!("\"requestId\":{request_id}").into(),
            u64::from(self.outcome.is_failure()).into(),
            self.keys_deleted.into(),
        ]);
        args.extend(self.counter_args(1));

        match WRITE_OUTCOME.run(redis, keys, args).await {
            Err(error) if error.kind == ErrorKind::Permission => {
                self.append_without_script(redis).await
            }
            written => written.map(drop),
        }
    }

    /// Records a change that has ended and whose intent was not recorded, and counts it. One round
    /// trip.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn write_finished<R: Redis>(&self, redis: &R) -> Result<(), RedisError> {
        self.write_outcome(&IntentId::none(), redis).await
    }

    /// Appends the record with a plain command. A Redis user that may not run scripts cannot remove
    /// anything, but its attempts are still recorded.
    async fn append_without_script<R: Redis>(&self, redis: &R) -> Result<(), RedisError> {
        let append = Command::new("XADD")
            .arg(self.stream.key())
            .arg("MAXLEN")
            .arg("~")
            .arg(MAX_RECORDS_WITHOUT_SCRIPTS)
            .arg("*")
            .arg("record")
            .arg(self.to_json());
        redis.execute(append).await.map(drop)
    }

    /// Records a denied attempt and counts it, together with `turned_away` earlier attempts that
    /// were rejected without asking Redis. Those are summed up without an address, and do not count
    /// against this client. One round trip.
    ///
    /// Attempts are summed up past 20 per minute of one token, or of one client address without a
    /// token, and past 300 per minute of all such. Past the 20, the result is the time until that
    /// token's or address's count starts again.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn write_denied<R: Redis>(
        &self,
        turned_away: u64,
        redis: &R,
    ) -> Result<Option<Duration>, RedisError> {
        let record = Self {
            stream: AuditStream::Denied,
            ..self.clone()
        };
        let turned_away_summary = Self {
            ip: "-".into(),
            ..record.clone()
        }
        .summary();

        let (keys, mut args) = Quota::of_denied(&record).script_call(&record, record.to_json());
        args.extend([
            turned_away.into(),
            TURNED_AWAY_SUM.into(),
            turned_away_summary.into(),
        ]);
        args.extend(record.counter_args(1 + turned_away));

        let mut replies = WRITE_DENIED.run(redis, keys, args).await?;
        let attempts = replies.count()?;
        let left_ms = u64::try_from(replies.int()?).unwrap_or(0);
        let left = Duration::from_millis(left_ms);
        Ok((attempts > MAX_DENIED_PER_MINUTE).then_some(left))
    }

    /// Names of counters, each followed by what to add to it for so many such changes.
    fn counter_args(&self, changes: u64) -> impl Iterator<Item = Arg> {
        change_counters(self)
            .into_iter()
            .flat_map(move |(name, count)| [name.into(), (count * changes).into()])
    }
}

/// Records changes that began more than 15 minutes ago and have no outcome, and sums that are a
/// minute old. One round trip, and one more per 8 of them. Readers and writers of the trail do
/// the same; the schedule calls this when there are none.
///
/// # Errors
/// Those of the connection.
pub async fn record_overdue_changes<R: Redis>(redis: &R) -> Result<u64, RedisError> {
    let mut total = 0;
    loop {
        let recorded = RECORD_OVERDUE
            .run(redis, TRAIL_KEYS.map(Arg::from), [STREAM_BOUNDS.into()])
            .await?
            .count()?;
        total += recorded;

        if recorded == 0 || total > MAX_OVERDUE_PER_CALL {
            return Ok(total);
        }
    }
}
