//! The cache behind `edge-cache:cache` and `edge-cache:cache-async` (`wit/`): lookups whose load is
//! run by another component, in any language.
//!
//! A component cannot pass a function to another one, so a lookup ends where the library calls its
//! loader, and the caller gets a turn. The turn holds the future of
//! [`edge_cache::Cache::get_or_set`], whose loader waits for the caller's result:
//!
//! ```text
//! lookup            begins get_or_set, and polls it until it ends, or its loader is called
//!   -> load(turn)   the caller runs its own loader
//! turn.store        gives the result to the loader, and polls until get_or_set ends
//! ```
//!
//! So the rules are those of the library. Nothing here depends on a host; the providers
//! (`providers/`) supply the connection, and the types of their WIT package.
//!
//! | File | Owns |
//! | --- | --- |
//! | `provider` | the calls of the WIT |
//! | `lookup` | one lookup, from its beginning to the end of its turn |
//! | `gauge`, `paced` | pauses, replies in flight and refusals of a connection |
//! | `blocking`, `concurrent` | running futures in a component that cannot await, and in one that can |
//! | `settings`, `log` | the provider's variables; its log lines |

pub mod blocking;
pub mod concurrent;
mod gauge;
mod log;
mod lookup;
mod paced;
mod provider;
mod settings;

pub use gauge::{Gauge, Pause};
pub use log::log_connection;
pub use lookup::{Found, Lookup, LookupOptions};
pub use paced::Paced;
pub use provider::{Provider, Selection};
pub use settings::{Settings, VARIABLES};
