//! Lua that several scripts of this crate share, beside that of
//! [`edge_cache::redis::script::shared`].

/// Empties the database, or says what that would remove.
pub(crate) const FLUSHING: &str = include_str!("scripts/lib/flushing.lua");
/// Records and states of jobs.
pub(crate) const JOBS: &str = include_str!("scripts/lib/jobs.lua");
/// Streams and bounds of the audit trail.
pub(crate) const TRAIL: &str = include_str!("scripts/lib/trail.lua");
/// Quota of denied attempts and places in the audit trail.
pub(crate) const TRAIL_QUOTA: &str = include_str!("scripts/lib/trail_quota.lua");
