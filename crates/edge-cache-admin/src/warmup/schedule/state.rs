//! The state of the schedule between two wake-ups, and the decision whether a warmup is due.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::settings::ScheduleSettings;
use crate::warmup::status::WarmupState;
use edge_cache::keyspace::key::{NONE, WARMUP_SCHEDULE};
use edge_cache::keyspace::tag::prune::PruneWalk;
use edge_cache::redis::script::Script;
use edge_cache::redis::{Arg, Command, Redis, Replies};
use edge_cache::{RedisError, script};

/// Records facts, on a full server too.
static RECORD: Script = script!(repeatable "schedule/record", []);

/// The time after which a warmup that failed or was interrupted is retried.
const RETRY_INTERVAL: Duration = Duration::from_secs(120);

/// The reason for which a warmup is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WarmupReason {
    /// No earlier one is known: the first start, or the cache was flushed.
    Empty,
    /// The server process is not that of the last one.
    Restarted,
    /// The last one failed or was interrupted.
    Retry,
    /// The interval has passed.
    Due,
}

impl fmt::Display for WarmupReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "empty",
            Self::Restarted => "restarted",
            Self::Retry => "retry",
            Self::Due => "due",
        })
    }
}

/// The state between two wake-ups.
#[derive(Debug, Default)]
pub(super) struct ScheduleState {
    /// The server's `run_id` at the last start of a warmup.
    pub(super) run_id: Option<String>,
    pub(super) last_start: Option<SystemTime>,
    pub(super) last_reason: Option<WarmupReason>,
    pub(super) last_check: Option<SystemTime>,
    pub(super) last_relief: Option<SystemTime>,
    pub(super) pruning: PruneWalk,
}

impl ScheduleState {
    /// Reads the state. One round trip.
    pub(super) async fn read<R: Redis>(redis: &R) -> Result<Self, RedisError> {
        let fields = [
            "run_id",
            "last_at",
            "last_reason",
            "checked_at",
            "relieved_at",
            "sweep",
        ];
        let read = Command::read("HMGET").arg(WARMUP_SCHEDULE).args(fields);
        let mut replies = Replies::new(redis.execute(read).await?);

        Ok(Self {
            run_id: next_text(&mut replies)?,
            last_start: next_time(&mut replies)?,
            last_reason: next_text(&mut replies)?
                .and_then(|name| serde_json::from_value(name.into()).ok()),
            last_check: next_time(&mut replies)?,
            last_relief: next_time(&mut replies)?,
            pruning: next_text(&mut replies)?
                .and_then(|json| serde_json::from_str(&json).ok())
                .unwrap_or_default(),
        })
    }

    /// The reason for which a warmup is due; `None`: it is not.
    pub(super) fn warmup_reason(
        &self,
        run_id: &str,
        last_warmup: Option<WarmupState>,
        now: SystemTime,
        settings: &ScheduleSettings,
    ) -> Option<WarmupReason> {
        let (Some(known_run_id), Some(last_warmup), Some(last_start)) =
            (&self.run_id, last_warmup, self.last_start)
        else {
            return Some(WarmupReason::Empty);
        };
        let elapsed = elapsed_since(last_start, now, settings.interval);
        let has_failed = matches!(last_warmup, WarmupState::Failed | WarmupState::Interrupted);

        if last_warmup == WarmupState::Running {
            None
        } else if known_run_id != run_id {
            Some(WarmupReason::Restarted)
        } else if elapsed >= settings.interval {
            Some(WarmupReason::Due)
        } else if has_failed && elapsed >= RETRY_INTERVAL {
            Some(WarmupReason::Retry)
        } else {
            None
        }
    }
}

/// Records fields of the state and their values. One round trip.
pub(super) async fn record<R: Redis, const N: usize>(
    redis: &R,
    fields: [(&str, Arg); N],
) -> Result<(), RedisError> {
    let keys = [WARMUP_SCHEDULE.into(), NONE.into()];
    let args = fields.into_iter();
    let args = args.flat_map(|(name, value)| [name.into(), value]);
    RECORD.run(redis, keys, args).await.map(drop)
}

fn next_text(replies: &mut Replies) -> Result<Option<String>, RedisError> {
    let bytes = replies.optional_bytes()?;
    Ok(bytes.and_then(|bytes| String::from_utf8(bytes).ok()))
}

fn next_time(replies: &mut Replies) -> Result<Option<SystemTime>, RedisError> {
    let ms: Option<u64> = next_text(replies)?.and_then(|text| text.parse().ok());
    Ok(ms.map(|ms| UNIX_EPOCH + Duration::from_millis(ms)))
}

/// The time since `then`. Clocks of machines differ, and one that is far ahead must not delay what
/// is due: a time that is more than `period` in the future counts as `period` ago.
pub(super) fn elapsed_since(then: SystemTime, now: SystemTime, period: Duration) -> Duration {
    match now.duration_since(then) {
        Ok(elapsed) => elapsed,
        Err(ahead) if ahead.duration() > period => period,
        Err(_) => Duration::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::stats::Thresholds;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_warmup_is_due_for_each_reason() {
        use WarmupReason::{Due, Empty, Restarted, Retry};
        use WarmupState::{Cancelled, Done, Failed, Interrupted, Running};

        let settings = ScheduleSettings {
            analysis_interval: Duration::ZERO,
            interval: seconds(900),
            relief: Vec::new(),
            thresholds: Thresholds::default(),
        };
        let now = SystemTime::now();
        let cases = [
            (now - seconds(10), "a", None, Some(Empty)),
            (now - seconds(10), "a", Some(Done), None),
            (now - seconds(10), "b", Some(Done), Some(Restarted)),
            (now - seconds(10), "b", Some(Running), None),
            (now - seconds(900), "a", Some(Done), Some(Due)),
            (now - seconds(10), "a", Some(Failed), None),
            (now - seconds(120), "a", Some(Failed), Some(Retry)),
            (now - seconds(120), "a", Some(Interrupted), Some(Retry)),
            (now - seconds(120), "a", Some(Cancelled), None),
            (now + seconds(10), "a", Some(Done), None),
            (now + seconds(901), "a", Some(Done), Some(Due)),
        ];
        for (last_start, run_id, last_warmup, expected) in cases {
            let state = ScheduleState {
                run_id: Some("a".into()),
                last_start: Some(last_start),
                ..ScheduleState::default()
            };

            let reason = state.warmup_reason(run_id, last_warmup, now, &settings);

            assert_eq!(reason, expected, "{state:?} {run_id} {last_warmup:?}");
        }
    }

    #[test]
    fn a_warmup_is_due_when_no_state_is_stored() {
        let settings = ScheduleSettings {
            analysis_interval: Duration::ZERO,
            interval: seconds(900),
            relief: Vec::new(),
            thresholds: Thresholds::default(),
        };
        let state = ScheduleState::default();

        let reason = state.warmup_reason("a", None, SystemTime::now(), &settings);

        assert_eq!(reason, Some(WarmupReason::Empty));
    }
}
