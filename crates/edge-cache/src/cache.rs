//! The cache that services use: typed values under keys, read through in one call.
//!
//! An entry is one Redis string under the service's own key: plain JSON, and behind it a trailer in
//! JSON's whitespace with its age, grace, stamp and tags ([`crate::keyspace::trailer`]). Other
//! clients read it as the JSON that it is. Large values are compressed ([`crate::keyspace::codec`]);
//! very large ones are stored in chunks, in a list under the same key ([`crate::keyspace::chunks`]).
//!
//! A hit is one `GET`. Whether the entry is fresh is judged by the instance's estimate of Redis'
//! clock ([`crate::redis::ServerClock`]).
//!
//! # Foreign values
//!
//! Other clients write values with a plain `SET`. A value without a valid trailer is foreign: it is
//! fresh as long as it lives, its age is unknown, and it has no tags but those whose sets name it.
//!
//! ```text
//! get_or_set("config:main", ...)         stores 120 bytes and their trailer for 300 s
//! SET config:main '{"v":2}' EX 3600      another client: no trailer
//! get_or_set("config:main", ...)         a hit with {"v":2}; age unknown
//! ```
//!
//! - The checksum of a trailer covers its facts and the length of the value, not the value. A client
//!   that overwrites bytes in place (`SETRANGE`) keeps the entry's facts; one that copies the stored
//!   bytes to another key copies them.
//! - An entry stays fresh as long as its trailer says. A client that extends the expiry with
//!   `EXPIRE` does not extend that; one that shortens it ends the entry earlier.
//! - Lists, hashes and sorted sets of a warmup have no trailer, and `get_or_set` does not read them.
//! - While a pattern that covers a foreign value is being removed, the value is not served
//!   ([`crate::keyspace::fence`]).
//! - A load in flight overwrites a `SET` that arrives during it.
//! - Another client's value under a name of the library (a lock without an expiry, a string where a
//!   stream belongs) is replaced, so that nobody waits for it.
//! - Entries of version 0.1 have no trailer and are foreign values. Their values in chunks are still
//!   read.
//!
//! # The size of futures
//!
//! A hit is awaited through ten functions, and each of them moves the futures of those below it. What
//! a hit seldom does (a load, opening a connection, asking for fences) is therefore boxed: the future
//! of `get_or_set` then has less than 5 KB in place of 12, and a hit a fourth fewer instructions.
//!
//! # Files
//!
//! | File | Owns |
//! | --- | --- |
//! | `handle` | [`Cache`]: the connection, the observer, the counters of one instance |
//! | `entry`, `batch`, `set_item`, `removal` | one key; many keys; removal by key, tag and pattern |
//! | `soft_purge` | marking entries stale by key, tag and pattern |
//! | `stored_entry` | reading what is stored under a key |
//! | `judge`, `lookup` | whether an entry was invalidated; whether it is fresh enough to be served |
//! | `recent_keys` | keys for which Redis was just asked something |
//! | `lacking_tags` | adding tags that an entry lacks |
//! | `near` | copies in the instance's memory |
//! | `get_or_set`, `get_or_set_many` | one key, and many with one loader |
//! | `attempt`, `wait` | lookup, who loads, and waiting for it |
//! | `bypass`, `local_loads` | loads without the cache, and sharing them in an instance |
//! | `extra_load` | loads of waiters who have waited for too long |
//! | `load`, `loaded`, `store` | one load under its lock; its result; storing it unless it was invalidated |
//! | `observer`, `observed_load`, `tracing_observer` | reports of lookups, loads and failed stores |
//! | `refresh` | loads of values that are still fresh, and loads after the answer |

mod attempt;
mod batch;
mod breaker;
mod bypass;
mod entry;
mod extra_load;
mod get_or_set;
mod get_or_set_many;
mod handle;
mod hot_keys;
mod judge;
mod lacking_tags;
mod load;
mod loaded;
mod local_loads;
mod lookup;
mod lookup_counters;
mod near;
mod observed_load;
mod observer;
mod options;
mod outcome;
mod recent_keys;
mod refresh;
mod removal;
mod sampler;
mod set_item;
mod soft_purge;
mod store;
mod store_command;
pub mod store_error;
mod store_on_cluster;
mod stored_entry;
mod touched_tags;
#[cfg(feature = "tracing")]
mod tracing_observer;
mod wait;

pub use handle::Cache;
pub use loaded::{Loaded, Previous};
pub use observer::Observer;
pub use options::{Near, Options};
pub use outcome::{Fetched, LoadError, LoadOutcome, LookupOutcome};
pub use set_item::SetItem;
pub use store_error::{StoreError, StoreErrorReason};
#[cfg(feature = "tracing")]
pub use tracing_observer::TracingObserver;
