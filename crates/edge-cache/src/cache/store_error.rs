//! Reasons why a loaded value is not in the cache.
//!
//! A failed store is never silent, because each further call then loads again. [`StoreError`] is
//! returned in [`crate::Fetched::store_error`], logged with the key (`cache.unstored`), and counted
//! by module and reason (`edge_cache_store_errors_total`).
//!
//! ```text
//! get_or_set("prices:7", ..., async || Ok(f64::NAN))
//!   value: NaN
//!   store_error: reason Value
//! ```
//!
//! Names are bounded, so that nobody fills Redis by asking for names: a key has at most 1 KiB, and
//! a module stores at most [`crate::Options::max_negative`] negative results within the life of
//! one.

use std::fmt;

use crate::error::{Error, ErrorKind};
use crate::keyspace::key::{MAX_NAME_BYTES, PROTECTED_PREFIXES};

/// Checks that an entry may be stored under this key.
///
/// # Errors
/// [`Error::Invalid`] for `key` when it is longer than [`MAX_NAME_BYTES`], or is one of edge-cache's
/// own.
pub fn check_name(key: &str) -> Result<(), Error> {
    if let Some(prefix) = own_prefix(key) {
        let problem = format!("begins with `{prefix}`, as edge-cache's own keys do");
        return Err(Error::invalid("key", problem));
    }
    if key.len() > MAX_NAME_BYTES {
        let length = key.len();
        let problem = format!("has {length} bytes; an entry's key has at most {MAX_NAME_BYTES}");
        return Err(Error::invalid("key", problem));
    }
    Ok(())
}

/// Returns the prefix of edge-cache's own keys with which a key begins. Under such keys there are no
/// entries of services.
pub(super) fn own_prefix(key: &str) -> Option<&'static str> {
    PROTECTED_PREFIXES
        .into_iter()
        .find(|prefix| key.starts_with(prefix))
}

/// Why a loaded value was not stored. The caller has the value all the same; each further call loads
/// again. An invalidation during the load is not such an error.
///
/// ```
/// # use edge_cache::{Cache, Options, StoreErrorReason, testing::Memory};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let cache = Cache::new(Memory::new());
/// let average = async || Ok::<_, std::io::Error>(f64::NAN);
/// let loaded = cache.get_or_set("prices:average", &Options::default(), average).await?;
/// let error = loaded.store_error.expect("JSON has no NaN");
/// assert_eq!(error.reason, StoreErrorReason::Value);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreError {
    /// The reason, for metrics.
    pub reason: StoreErrorReason,
    /// The problem in words.
    pub message: String,
}

/// The reasons of a [`StoreError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreErrorReason {
    /// The key is longer than [`crate::keyspace::key::MAX_NAME_BYTES`], or is one of edge-cache's own.
    Name,
    /// A tag is invalid.
    Tag,
    /// The value cannot be JSON, or could not be read again: a map with keys that are not strings, a
    /// number that is not finite.
    Value,
    /// The module already has [`crate::Options::max_negative`] negative results.
    Negative,
    /// Redis is out of memory.
    Full,
    /// Redis failed otherwise.
    Redis,
}

impl StoreErrorReason {
    /// All reasons, for metrics.
    pub const ALL: [Self; 6] = [
        Self::Name,
        Self::Tag,
        Self::Value,
        Self::Negative,
        Self::Full,
        Self::Redis,
    ];

    /// The name in lower case, for metrics and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Tag => "tag",
            Self::Value => "value",
            Self::Negative => "negative",
            Self::Full => "full",
            Self::Redis => "redis",
        }
    }

    /// The kind of counter among the lookup counters.
    pub fn counter(self) -> &'static str {
        match self {
            Self::Name => "unstored_name",
            Self::Tag => "unstored_tag",
            Self::Value => "unstored_value",
            Self::Negative => "unstored_negative",
            Self::Full => "unstored_full",
            Self::Redis => "unstored_redis",
        }
    }
}

impl StoreError {
    /// Creates an error with this reason.
    pub fn new(reason: StoreErrorReason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
        }
    }

    /// The problem in words, with `{key}` where it names this key: for logs that hold no keys.
    pub fn message_without(&self, key: &str) -> String {
        if key.is_empty() {
            return self.message.clone();
        }
        self.message.replace(key, "{key}")
    }

    /// The error of a module that already has so many negative results.
    pub(super) fn too_many_negative(max: u32) -> Self {
        let message =
            format!("the module already has {max} negative results (Options::max_negative)");
        Self::new(StoreErrorReason::Negative, message)
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for StoreError {}

impl From<&Error> for StoreError {
    fn from(error: &Error) -> Self {
        let reason = match error {
            Error::Invalid { field, .. } if field == "key" => StoreErrorReason::Name,
            Error::Invalid { field, .. } if field == "tags" => StoreErrorReason::Tag,
            Error::Invalid { .. } => StoreErrorReason::Value,
            Error::Redis(error) if error.kind == ErrorKind::OutOfMemory => StoreErrorReason::Full,
            _ => StoreErrorReason::Redis,
        };
        Self::new(reason, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_can_be_had_without_the_key() {
        let message = "`lock:{users:1}` is a list, and edge-cache keeps a string there";
        let error = StoreError::new(StoreErrorReason::Redis, message);

        assert_eq!(
            error.message_without("users:1"),
            "`lock:{{key}}` is a list, and edge-cache keeps a string there"
        );
        assert_eq!(error.message_without(""), message);
    }
}
