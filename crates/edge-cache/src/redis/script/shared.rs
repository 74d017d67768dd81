//! Lua that several scripts share. A script lists the parts it needs; a part may call only those
//! listed before it.

/// Conditions on keys besides their names.
pub const CONDITIONS: &str = crate::lua!("lib/conditions");
/// Existence checks that Redis does not count as misses.
pub const EXISTENCE: &str = crate::lua!("lib/existence");
/// Recorded invalidations, and the stamps of loads.
pub const FENCES: &str = crate::lua!("lib/fences");
/// Gathered removals. Needs [`FENCES`].
pub const GATHERED: &str = crate::lua!("lib/gathered");
/// Slices of a walk for gathered patterns. Needs [`PATTERN`], [`WALK`], [`PROTECTED`], and [`REMOVAL`] or
/// [`REMOVAL_ON_NODE`].
pub const GATHERED_SLICE: &str = crate::lua!("lib/gathered_slice");
/// Changes of how long keys live. Needs [`TRAILERS`].
pub const LIVES: &str = crate::lua!("lib/lives");
/// Load locks. `hold_of` needs [`EXISTENCE`].
pub const LOCKS: &str = crate::lua!("lib/locks");
/// Near caches. Needs [`EXISTENCE`].
pub const NEAR: &str = crate::lua!("lib/near");
/// Counting of administration's own reads.
pub const OWN_READS: &str = crate::lua!("lib/own_reads");
/// Matching of names against a pattern.
pub const PATTERN: &str = crate::lua!("lib/pattern");
/// Keys that removals spare, and keys that they do not count.
pub const PROTECTED: &str = crate::lua!("lib/protected");
/// Removal of keys and their load locks.
pub const REMOVAL: &str = crate::lua!("lib/removal");
/// Removal of keys of one node of a Cluster, whatever their slots. In place of [`REMOVAL`].
pub const REMOVAL_ON_NODE: &str = crate::lua!("lib/removal_on_node");
/// Membership of keys in tags' sets.
pub const TAGS: &str = crate::lua!("lib/tags");
/// Trailers of entries.
pub const TRAILERS: &str = crate::lua!("lib/trailers");
/// Order of loads and waiters, and values for waiters. Needs [`EXISTENCE`].
pub const WAITERS: &str = crate::lua!("lib/waiters");
/// Bounded steps of a walk.
pub const WALK: &str = crate::lua!("lib/walk");
