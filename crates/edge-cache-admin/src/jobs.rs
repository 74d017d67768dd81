//! Jobs: operations that outlive the request that began them. Each is durable, resumable, and can be
//! paused and cancelled.
//!
//! A job is a record in Redis. A worker takes the lease, advances the job slice by slice, and stores how
//! far it is about five times a second. The request that began the job works on it after it has answered;
//! the schedule takes over a job whose worker is gone. One job at a time is worked on.
//!
//! ```text
//! POST /clear, async    fence 11; record 018f... queued; 202
//! worker a (request)    claims the lease: running; slices 1 to 400, a record every 200 ms
//! worker a              is killed after slice 412; the lease ends 5 s later
//! worker b (schedule)   claims the lease: a takeover; goes on with slice 413
//! worker b              the walk has ended: finishing; fence 11 ends; audit record; done
//! ```
//!
//! - **Counts.** A slice removes its keys and stores counts and cursor in one script, so no key is counted
//!   twice, or removed without being counted, wherever a worker is killed. On a Cluster they are stored in a
//!   key of their own in a slot of the node. Two exceptions count a key at most once: servers that refuse
//!   scripts without keys, for the slice in which the worker was killed; and keys of a slot that is
//!   moving at that moment.
//! - **Moved slots.** A walk of a Cluster that ends with another map of slots than it began with is followed
//!   by another pass.
//! - **Ends.** The end of a job is a state of its own until it is in the audit trail. A worker that is killed
//!   between the two leaves it to the next.
//!
//! | File | Owns |
//! | --- | --- |
//! | `record`, `counts` | what is stored of a job |
//! | `request` | the jobs that requests begin |
//! | `store` | the scripts that read and change records |
//! | `state` | states and transitions |
//! | `slice` | one slice of a part |
//! | `plan` | the parts of a walk, one for each node |
//! | `worker` | claiming, advancing and settling jobs |
//! | `trail` | audit records of jobs |
//! | `page`, `report`, `follow` | jobs as they are shown |

mod counts;
mod follow;
mod page;
mod plan;
mod record;
mod report;
mod request;
mod slice;
mod state;
mod store;
mod trail;
mod worker;

pub use follow::follow_job;
pub use page::{JobPage, JobPageRequest, read_job};
pub use record::{Effect, Job, JobWork};
pub use report::JobReport;
pub use request::{JobOrigin, NewJob};
pub use state::{JobChange, JobState};
pub use store::{MAX_JOBS, MAX_UNFINISHED_JOBS, read_open_fences};
pub use worker::{WORK_TIME, Waker, Worker};
