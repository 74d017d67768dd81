//! Keys and values as they are stored in Redis.

pub mod bulk_expiry;
pub mod bulk_write;
pub mod chunks;
pub mod codec;
pub mod conditions;
pub mod edit;
pub mod entry_facts;
pub mod existence;
pub mod expiry;
pub mod fence;
pub mod gathered;
pub mod inspect;
pub mod key;
pub mod lock;
pub mod namespace;
pub mod own_slot;
pub mod pattern;
pub mod purge;
pub mod removal;
pub mod scan;
pub mod slot;
pub mod soft_purge;
pub mod tag;
pub mod trailer;
pub mod ttl;
pub mod whole_value;

/// Most keys or members that one script call visits, reads, writes or removes. It then takes a few
/// milliseconds, so other clients do not wait longer.
pub const MAX_KEYS_PER_CALL: usize = 1000;
