//! Lua that several scripts share. A script lists the parts it needs; a part may call only those
//! listed before it.

/// Conditions on keys besides their names.
pub const CONDITIONS: &str = include_str!("../../scripts/lib/conditions.lua");
/// Existence checks that Redis does not count as misses.
pub const EXISTENCE: &str = include_str!("../../scripts/lib/existence.lua");
/// Recorded invalidations, and the stamps of loads.
pub const FENCES: &str = include_str!("../../scripts/lib/fences.lua");
/// Gathered removals. Needs [`FENCES`].
pub const GATHERED: &str = include_str!("../../scripts/lib/gathered.lua");
/// Slices of a walk for gathered patterns. Needs [`PATTERN`], [`WALK`], [`PROTECTED`], and [`REMOVAL`] or
/// [`REMOVAL_ON_NODE`].
pub const GATHERED_SLICE: &str = include_str!("../../scripts/lib/gathered_slice.lua");
/// Load locks. `hold_of` needs [`EXISTENCE`].
pub const LOCKS: &str = include_str!("../../scripts/lib/locks.lua");
/// Near caches. Needs [`EXISTENCE`].
pub const NEAR: &str = include_str!("../../scripts/lib/near.lua");
/// Counting of administration's own reads.
pub const OWN_READS: &str = include_str!("../../scripts/lib/own_reads.lua");
/// Matching of names against a pattern.
pub const PATTERN: &str = include_str!("../../scripts/lib/pattern.lua");
/// Keys that removals spare, and keys that they do not count.
pub const PROTECTED: &str = include_str!("../../scripts/lib/protected.lua");
/// Removal of keys and their load locks.
pub const REMOVAL: &str = include_str!("../../scripts/lib/removal.lua");
/// Removal of keys of one node of a Cluster, whatever their slots. In place of [`REMOVAL`].
pub const REMOVAL_ON_NODE: &str = include_str!("../../scripts/lib/removal_on_node.lua");
/// Membership of keys in tags' sets.
pub const TAGS: &str = include_str!("../../scripts/lib/tags.lua");
/// Trailers of entries.
pub const TRAILERS: &str = include_str!("../../scripts/lib/trailers.lua");
/// Order of loads and waiters, and values for waiters. Needs [`EXISTENCE`].
pub const WAITERS: &str = include_str!("../../scripts/lib/waiters.lua");
/// Bounded steps of a walk.
pub const WALK: &str = include_str!("../../scripts/lib/walk.lua");
