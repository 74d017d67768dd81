//! Lua that several scripts share. A script lists the parts it needs; a part may call only those
//! listed before it.

/// Conditions on keys besides their names.
pub const CONDITIONS: &str = crate::lua!("../../scripts/lib/conditions.lua");
/// Existence checks that Redis does not count as misses.
pub const EXISTENCE: &str = crate::lua!("../../scripts/lib/existence.lua");
/// Recorded invalidations, and the stamps of loads.
pub const FENCES: &str = crate::lua!("../../scripts/lib/fences.lua");
/// Gathered removals. Needs [`FENCES`].
pub const GATHERED: &str = crate::lua!("../../scripts/lib/gathered.lua");
/// Slices of a walk for gathered patterns. Needs [`PATTERN`], [`WALK`], [`PROTECTED`], and [`REMOVAL`] or
/// [`REMOVAL_ON_NODE`].
pub const GATHERED_SLICE: &str = crate::lua!("../../scripts/lib/gathered_slice.lua");
/// Changes of how long keys live. Needs [`TRAILERS`].
pub const LIVES: &str = crate::lua!("../../scripts/lib/lives.lua");
/// Load locks. `hold_of` needs [`EXISTENCE`].
pub const LOCKS: &str = crate::lua!("../../scripts/lib/locks.lua");
/// Near caches. Needs [`EXISTENCE`].
pub const NEAR: &str = crate::lua!("../../scripts/lib/near.lua");
/// Counting of administration's own reads.
pub const OWN_READS: &str = crate::lua!("../../scripts/lib/own_reads.lua");
/// Matching of names against a pattern.
pub const PATTERN: &str = crate::lua!("../../scripts/lib/pattern.lua");
/// Keys that removals spare, and keys that they do not count.
pub const PROTECTED: &str = crate::lua!("../../scripts/lib/protected.lua");
/// Removal of keys and their load locks.
pub const REMOVAL: &str = crate::lua!("../../scripts/lib/removal.lua");
/// Removal of keys of one node of a Cluster, whatever their slots. In place of [`REMOVAL`].
pub const REMOVAL_ON_NODE: &str = crate::lua!("../../scripts/lib/removal_on_node.lua");
/// Membership of keys in tags' sets.
pub const TAGS: &str = crate::lua!("../../scripts/lib/tags.lua");
/// Trailers of entries.
pub const TRAILERS: &str = crate::lua!("../../scripts/lib/trailers.lua");
/// Order of loads and waiters, and values for waiters. Needs [`EXISTENCE`].
pub const WAITERS: &str = crate::lua!("../../scripts/lib/waiters.lua");
/// Bounded steps of a walk.
pub const WALK: &str = crate::lua!("../../scripts/lib/walk.lua");
