//! The scripts of old instances, each with the parts that it includes.

pub(super) const ACQUIRE: &str = concat!(
    include_str!("lib/there.lua"),
    include_str!("lib/holding.lua"),
    include_str!("lib/first_fence.lua"),
    include_str!("lib/stamping.lua"),
    include_str!("lib/turns.lua"),
    include_str!("acquire.lua"),
);
pub(super) const DELETE_KEYS: &str = concat!(
    include_str!("lib/there.lua"),
    include_str!("lib/belongings.lua"),
    include_str!("lib/fencing.lua"),
    include_str!("delete_keys.lua"),
);
pub(super) const DELETE_SLICE: &str = concat!(
    include_str!("lib/there.lua"),
    include_str!("lib/belongings.lua"),
    include_str!("lib/sparing.lua"),
    include_str!("lib/fencing.lua"),
    include_str!("delete_slice.lua"),
);
pub(super) const EXPIRE: &str = concat!(
    include_str!("lib/tagging.lua"),
    include_str!("lib/marking.lua"),
    include_str!("expire.lua"),
);
pub(super) const FENCE: &str = concat!(include_str!("lib/fencing.lua"), include_str!("fence.lua"),);
pub(super) const FLUSH: &str = concat!(
    include_str!("lib/first_fence.lua"),
    include_str!("flush.lua"),
);
pub(super) const HAND: &str = concat!(
    include_str!("lib/there.lua"),
    include_str!("lib/holding.lua"),
    include_str!("lib/turns.lua"),
    include_str!("lib/handing.lua"),
    include_str!("hand.lua"),
);
pub(super) const LOCK: &str = concat!(include_str!("lib/holding.lua"), include_str!("lock.lua"),);
pub(super) const MARK: &str = concat!(include_str!("lib/marking.lua"), include_str!("mark.lua"),);
pub(super) const READ: &str = concat!(
    include_str!("lib/there.lua"),
    include_str!("lib/tagging.lua"),
    include_str!("lib/turns.lua"),
    include_str!("read.lua"),
);
pub(super) const STORE: &str = concat!(
    include_str!("lib/fences_since.lua"),
    include_str!("lib/there.lua"),
    include_str!("lib/belongings.lua"),
    include_str!("lib/holding.lua"),
    include_str!("lib/tagging.lua"),
    include_str!("lib/turns.lua"),
    include_str!("lib/handing.lua"),
    include_str!("store.lua"),
);
pub(super) const TAG_ADD: &str =
    concat!(include_str!("lib/tagging.lua"), include_str!("tag_add.lua"),);
pub(super) const TAG_DELETE: &str = concat!(
    include_str!("lib/there.lua"),
    include_str!("lib/belongings.lua"),
    include_str!("tag_delete.lua"),
);
pub(super) const WRITE_SLICE: &str = concat!(
    include_str!("lib/fences_since.lua"),
    include_str!("lib/there.lua"),
    include_str!("lib/belongings.lua"),
    include_str!("lib/tagging.lua"),
    include_str!("write_slice.lua"),
);
