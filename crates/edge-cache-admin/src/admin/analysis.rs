//! Analyses: what fills the cache, by module and by the segments below it.
//!
//! A group is the keys whose names share their first segments. Segments that are ids become `{id}`, so
//! that 30,000 ids are one group:
//!
//! ```text
//! products:17:details     products:   products:{id}:   products:{id}:details
//! products:popular        products:
//! users:42                users:      users:{id}
//! ```
//!
//! - A **sample** looks at runs of about 16 keys each, from places that are spread over all nodes and over
//!   the hash table of each node. A node's hash function decides where a key is, so a run is a random
//!   choice of its keys. `estimate` turns the sums over runs into figures with 95 % intervals.
//! - A **full** analysis is a job that visits every key (`jobs/tallied.rs`).
//! - Keys are tallied inside Redis (`analysis/tally_slice.lua`): names leave it only for the largest keys.
//! - Memory is bounded for any number of groups (`sketch`): beyond 2,048 the lightest are discarded, and
//!   the error that this causes is reported.
//!
//! The last 30 results are kept beside the audit trail (`cache:audit:analyses`), where no clear reaches
//! them.
//!
//! | File | Owns |
//! | --- | --- |
//! | `request`, `mode` | what is asked for |
//! | `sample`, `starts` | a sample: reading the nodes, the places where runs begin |
//! | `slice` | one call of the script; `plain` does the same with plain commands |
//! | `key_sizes` | the sizes that the server itself counts |
//! | `segments` | the groups of a key's name |
//! | `tally`, `sketch`, `large_keys` | sums of groups, the heaviest groups, the largest keys |
//! | `estimate`, `interval` | figures of a sample |
//! | `result`, `growth` | an analysis as it is stored, and its growth since an earlier one |
//! | `store` | keeping results |
//! | `report` | responses |
//! | `scheduled` | the analysis that the schedule makes |

mod estimate;
mod growth;
mod interval;
mod key_sizes;
mod large_keys;
mod memory;
mod mode;
mod plain;
mod report;
mod request;
mod result;
mod sample;
mod scheduled;
mod segments;
mod sketch;
mod slice;
mod starts;
mod store;
mod tally;

pub(crate) use key_sizes::KeySizes;
pub use key_sizes::{SizeClass, SizeUnit, TypeSizes};
pub(crate) use memory::NodeMemory;
pub use mode::AnalysisMode;
pub(crate) use plain::Choice;
pub use report::AnalysisReport;
pub use request::{AnalysisPageRequest, AnalysisRequest};
pub(crate) use result::Origin;
pub use scheduled::run_due_analysis;
pub(crate) use slice::NodeTally;
pub(crate) use store::keep_full;

/// The most groups of a result.
const MAX_GROUPS: usize = 1000;
/// The most segments of a group.
const MAX_DEPTH: u64 = 6;
