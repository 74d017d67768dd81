//! The result of a loader, with options that only the loader knows.

use std::time::Duration;

/// A loaded value, with options that only its loader knows.
///
/// ```
/// use std::time::Duration;
/// use edge_cache::Loaded;
///
/// let loaded = Loaded::new(42)
///     .ttl(Duration::from_secs(60))
///     .tags(["answers"])
///     .validator("W/\"7\"");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Loaded<T> {
    /// `None`: the previous value is still the one of the source.
    pub(super) value: Option<T>,
    pub(super) options: LoadedOptions,
}

/// Options of a loaded value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct LoadedOptions {
    pub(super) ttl: Option<Duration>,
    pub(super) tags: Vec<String>,
    pub(super) validator: Option<String>,
}

impl<T> Loaded<T> {
    /// A value that is stored with the options of the call.
    pub fn new(value: T) -> Self {
        Self {
            value: Some(value),
            options: LoadedOptions::default(),
        }
    }

    /// Sets how long the value is fresh, instead of the TTL of the call.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.options.ttl = Some(ttl);
        self
    }

    /// Adds tags to those of the call.
    pub fn tags<S: Into<String>>(mut self, tags: impl IntoIterator<Item = S>) -> Self {
        self.options.tags.extend(tags.into_iter().map(Into::into));
        self
    }

    /// Sets the value's version at its source, such as an `ETag`. The next load is given it
    /// ([`Previous::validator`]). At most 1,024 bytes without control characters; anything else is not
    /// stored.
    pub fn validator(mut self, validator: impl Into<String>) -> Self {
        self.options.validator = Some(validator.into());
        self
    }
}

impl<T> From<T> for Loaded<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

/// The value that a load is to replace: past its TTL, or refreshed early.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Previous<T> {
    /// The value.
    pub value: T,
    /// How long ago it was stored; `None` for a value that another client wrote.
    pub age: Option<Duration>,
    /// Its version at its source, such as an `ETag`, where its loader gave one.
    pub validator: Option<String>,
}

impl<T> Previous<T> {
    /// The answer of a loader whose source still has this value: it is kept, and fresh again. Its
    /// validator is kept as well.
    pub fn not_modified(&self) -> Loaded<T> {
        let options = LoadedOptions {
            validator: self.validator.clone(),
            ..LoadedOptions::default()
        };
        Loaded {
            value: None,
            options,
        }
    }
}
