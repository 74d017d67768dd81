//! The audit trail: who changed or tried to change what.
//!
//! A change is recorded twice: its intent before it begins, then its outcome, which replaces the
//! intent. An intent without an outcome becomes `interrupted` after 15 minutes; the schedule, or
//! the next call that reads or writes the trail, records that.
//!
//! Three streams hold the records: changes made by people, denied attempts, automatic changes.
//! Each has its own bounds of bytes and age, so that none pushes out another. A record is one JSON
//! document of at most 4 KiB in one field. A token has two quotas, records per minute and bytes per
//! day. Its changes past them share a summary record (`alike`), so that nobody can fill a stream
//! with noise.
//!
//! | File | Owns |
//! | --- | --- |
//! | `record` | what a record says |
//! | `outcome` | how a change ended |
//! | `difference` | the changed part of an edited value |
//! | `bound` | the limit of 4 KiB |
//! | `streams` | keys of the trail in Redis, and their bounds |
//! | `operation_id`, `operation` | ids of changes; the record of a change by its id |
//! | `write`, `quota` | intents, outcomes, denied attempts; what a token may cause |
//! | `change_counters` | counters beside the trail, for metrics |
//! | `page`, `entry`, `filter`, `export` | reading the trail |
//! | `place` | the logical database the trail is in |
//! | `network` | the networks that denied attempts are counted by |

mod bound;
mod change_counters;
mod difference;
mod entry;
mod export;
mod filter;
mod network;
mod operation;
mod operation_id;
mod outcome;
mod page;
mod place;
mod quota;
mod record;
mod streams;
mod write;

pub use difference::ValueDifference;
pub use entry::AuditEntry;
pub use network::client_network;
pub use operation::{OperationReport, OperationRequest};
pub use outcome::AuditOutcome;
pub use page::{AuditPage, AuditPageRequest, AuditPageWithPlace, AuditPagination};
pub use place::{AuditTrail, AuditTrailWithin, TrailPlace, WithTrailPlace};
pub use quota::MAX_DENIED_PER_MINUTE;
pub use record::{AuditRecord, ChangeSummary};
pub use streams::AuditStream;
pub(crate) use streams::{change_keys, keys_with_records};
pub use write::{IntentId, record_overdue_changes};
