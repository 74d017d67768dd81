//! Lua that several scripts of this crate share, beside that of
//! [`edge_cache::redis::script::shared`].

/// Empties the database, or says what that would remove.
pub(crate) const FLUSHING: &str = edge_cache::lua!("lib/flushing");
/// Records and states of jobs.
pub(crate) const JOBS: &str = edge_cache::lua!("lib/jobs");
/// Position and counts of a part of a job's walk.
pub(crate) const JOB_PART: &str = edge_cache::lua!("lib/job_part");
/// The keys that a job's walk looks for.
pub(crate) const JOB_SEARCH: &str = edge_cache::lua!("lib/job_search");
/// Streams and bounds of the audit trail.
pub(crate) const TRAIL: &str = edge_cache::lua!("lib/trail");
/// Quota of denied attempts and places in the audit trail.
pub(crate) const TRAIL_QUOTA: &str = edge_cache::lua!("lib/trail_quota");
/// Classes of keys by how long they live.
pub(crate) const TTL_CLASSES: &str = edge_cache::lua!("lib/ttl_classes");
/// Groups of keys by the segments of their names.
pub(crate) const SEGMENTS: &str = edge_cache::lua!("lib/segments");
