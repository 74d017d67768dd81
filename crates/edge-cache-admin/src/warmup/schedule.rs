//! The schedule: each wake-up starts a warmup if one is due, prunes tags, and relieves memory.
//!
//! Whatever wakes it (a cron trigger, a hosted scheduler, a CronJob) calls one route. Nothing
//! depends on an instance's memory or on how often it is woken: the state between two wake-ups is
//! in Redis, with the `run_id` of the server that it belongs to. So several wakers have the effect
//! of one, and the schedule notices when the cache was flushed or the server restarted.
//!
//! ```text
//! 12:00:00  waker A: cache:warmup:schedule is missing -> empty: warms, stores run_id 4f and 12:00:00
//! 12:00:10  waker B: same run_id, 10 s ago            -> nothing is due
//! 12:00:30  waker A: run_id 9c                        -> restarted: warms
//! ```

mod check;
mod pruning;
mod relief;
mod report;
mod settings;
mod state;

pub use check::{ScheduleCheck, check, record_history, record_hot_keys, record_start};
pub use pruning::{TagPruning, complete_invalidation, interrupted_invalidation_record};
pub use relief::{Relief, relieve_memory};
pub use report::{ScheduleOverview, ScheduleReport, read_overview};
pub use settings::ScheduleSettings;
pub use state::WarmupReason;
