//! Jobs: operations that outlive the request that began them. Each is durable, resumable, and can
//! be paused and cancelled.
//!
//! A job is a record in Redis. A worker takes the lease, advances the job slice by slice, and
//! stores its progress about five times a second. The request that began the job is a worker after
//! its response; the schedule takes over a job whose worker is gone. One job runs at a time.
//!
//! ```text
//! POST /clear, async    fence 11; record 018f... queued; 202
//! worker a (request)    claims the lease: running; slices 1 to 400, a record every 200 ms
//! worker a              is killed after slice 412; the lease ends 5 s later
//! worker b (schedule)   claims the lease: a takeover; continues with slice 413
//! worker b              the walk has ended: finishing; fence 11 ends; audit record; done
//! ```
//!
//! - **Counts.** A slice removes its keys and stores counts and cursor in one script, so no key is
//!   counted twice, or removed without being counted, even if workers are killed at any moment. On
//!   a Cluster, counts and cursor of a node are in a key in a slot of that node. In two cases a
//!   killed worker may leave removed keys uncounted: those of its last slice on servers that refuse
//!   scripts without keys, and those of a slot that is just moving.
//! - **Soft purges.** A slice that marks keys stale is not one script (`marking`). If its worker is
//!   killed, it is repeated, and counts the same.
//! - **Joint walks.** Jobs that wait for the same kind of walk share one (`joint`).
//! - **Moved slots.** If the map of slots has changed during a pass over a Cluster, another pass
//!   follows.
//! - **Ends.** A job that has ended keeps a state such as `finishing` until its end is in the audit
//!   trail. If a worker is killed in between, the next one writes the record.
//!
//! | File | Owns |
//! | --- | --- |
//! | `record`, `counts` | the stored document of a job |
//! | `request` | the jobs that requests begin |
//! | `store` | the scripts that read and change records |
//! | `state` | states and transitions |
//! | `slice`, `marking` | one slice of a part; one that marks keys stale |
//! | `selection`, `selected`, `change_names` | one slice whose names the worker sees |
//! | `names` | the names that dry runs have matched |
//! | `execute` | executing a dry run |
//! | `tallying`, `tallied` | full analyses, which tally keys |
//! | `scheduled` | beginning jobs whose time has come |
//! | `pace` | the rest between slices |
//! | `plan`, `passes` | the parts of a walk, one for each node; its passes |
//! | `worker`, `advance` | claiming and settling jobs; advancing them |
//! | `joint` | jobs that walk together |
//! | `warming` | warmups as jobs |
//! | `trail` | audit records of jobs |
//! | `page`, `report`, `follow` | jobs in responses |

mod advance;
mod change_names;
mod counts;
mod execute;
mod follow;
mod joint;
mod marking;
mod names;
mod pace;
mod page;
mod passes;
mod plan;
mod record;
mod report;
mod request;
mod scheduled;
mod selected;
mod selection;
mod slice;
mod state;
mod store;
mod tallied;
mod tallying;
mod trail;
mod warming;
mod worker;

pub use execute::{ExecuteRequest, Execution};
pub use follow::follow_job;
pub use names::RememberedNames;
pub use page::{JobPage, JobPageRequest, read_job};
pub use record::{Effect, Job, JobWork};
pub use report::JobReport;
pub use request::{JobOrigin, NewJob};
pub use state::{JobChange, JobState};
pub use store::{MAX_JOBS, MAX_UNFINISHED_JOBS, read_open_fences};
pub use warming::WarmupTools;
pub use worker::{WORK_TIME, Waker, Worker};
