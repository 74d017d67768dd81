//! Warmup: loads entries by a plan before they are requested, one warmup at a time.
//!
//! The lock, the progress and the schedule live in Redis, so it does not matter which instance runs
//! a warmup and which one is asked for its progress.
//!
//! | File | Owns |
//! | --- | --- |
//! | `request` | a checked request |
//! | `plan/` | the plan: modules, entries, shapes, and the checks on them |
//! | `source/` | where rows come from, and how JSON becomes rows |
//! | `render/` | rows to keys and values |
//! | `write/` | slices of keys on their way to Redis |
//! | `outcome` | how a slice ended, and why a warmup stops early |
//! | `memory`, `warmup_lock` | the memory limit; the lock |
//! | `ttls` | the TTLs of keys whose plan entry has none |
//! | `run`, `heartbeat` | one warmup, from its lock to its result; its heartbeats |
//! | `status`, `progress` | progress and result; storing, reading, following and cancelling |
//! | `overview` | the plan with the last results |
//! | `schedule/` | what each wake-up of the schedule does |

mod heartbeat;
mod memory;
mod outcome;
mod overview;
mod plan;
mod progress;
mod render;
mod request;
mod run;
pub mod schedule;
mod source;
mod status;
mod ttls;
mod warmup_lock;
mod write;

pub(crate) use outcome::StopReason;
pub use overview::{PlanOverview, read_overview};
pub use plan::{EntryShape, EntrySource, Plan, PlanEntry, PlanModule};
pub use progress::{FOLLOW_INTERVAL, cancel, follow, follow_with, read_progress};
pub use request::WarmupRequest;
pub use run::{Warmup, WarmupLimits};
pub use source::{Rows, Source};
pub(crate) use warmup_lock::WarmupHold;

pub use status::{LastRun, ModuleState, ModuleStatus, WarmupState, WarmupStatus};
