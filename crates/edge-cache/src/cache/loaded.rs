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
    ///
    /// ```
    /// # use edge_cache::Loaded;
    /// let price: Loaded<u64> = Loaded::new(1999);
    /// assert_eq!(price, 1999.into());
    /// ```
    pub fn new(value: T) -> Self {
        Self {
            value: Some(value),
            options: LoadedOptions::default(),
        }
    }

    /// Sets how long the value is fresh, instead of the TTL of the call.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use edge_cache::{Cache, Loaded, Options, Previous, testing::Memory};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let cache = Cache::new(Memory::new());
    /// // The supplier says how long a price is valid.
    /// let ask = async |_: Option<&Previous<u64>>| {
    ///     let (price, valid_for) = (1999, Duration::from_secs(60));
    ///     Ok::<_, std::io::Error>(Loaded::new(price).ttl(valid_for))
    /// };
    /// cache.get_or_load("prices:17", &Options::default(), ask).await?;
    /// // With 5 % of jitter.
    /// assert!(cache.ttl("prices:17").await? < Some(Some(Duration::from_secs(64))));
    /// # Ok(())
    /// # }
    /// ```
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.options.ttl = Some(ttl);
        self
    }

    /// Adds tags to those of the call.
    ///
    /// ```
    /// # use edge_cache::{Cache, Loaded, Options, Previous, testing::Memory};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let cache = Cache::new(Memory::new());
    /// // The row says which supplier the product depends on.
    /// let query = async |_: Option<&Previous<String>>| {
    ///     let (product, supplier) = ("brake pads".to_owned(), 9);
    ///     Ok::<_, std::io::Error>(Loaded::new(product).tags([format!("suppliers:{supplier}")]))
    /// };
    /// cache.get_or_load("products:17", &Options::default(), query).await?;
    /// assert_eq!(cache.invalidate_tag("suppliers:9").await?, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn tags<S: Into<String>>(mut self, tags: impl IntoIterator<Item = S>) -> Self {
        self.options.tags.extend(tags.into_iter().map(Into::into));
        self
    }

    /// Sets the value's version at its source, such as an `ETag`. The next load is given it
    /// ([`Previous::validator`]). At most 1,024 bytes without control characters; anything else is not
    /// stored.
    ///
    /// ```
    /// # use edge_cache::Loaded;
    /// # struct Answer { body: String, etag: String }
    /// # let answer = Answer { body: "<h1>Home</h1>".into(), etag: "\"v1\"".into() };
    /// let page = Loaded::new(answer.body).validator(answer.etag);
    /// ```
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
///
/// ```
/// # use std::time::Duration;
/// # use edge_cache::{Cache, Loaded, Options, Previous, testing::Memory};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let memory = Memory::new();
/// # let cache = Cache::new(memory.clone());
/// let ttl = Some(Duration::from_secs(60));
/// let options = Options { ttl, grace: Duration::from_secs(3600), ..Options::default() };
/// let ask = async |previous: Option<&Previous<String>>| match previous {
///     // The source still has version 1.
///     Some(previous) if previous.validator.as_deref() == Some("v1") => {
///         Ok::<_, std::io::Error>(previous.not_modified())
///     }
///     _ => Ok(Loaded::new("<h1>Home</h1>".to_owned()).validator("v1")),
/// };
/// cache.get_or_load("pages:home", &options, ask).await?;
///
/// memory.advance(Duration::from_secs(90));
/// let page = cache.get_or_load("pages:home", &options, ask).await?;
/// assert_eq!(page.value, "<h1>Home</h1>");
/// # Ok(())
/// # }
/// ```
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
    ///
    /// ```
    /// # use edge_cache::{Loaded, Previous};
    /// # struct Answer { is_not_modified: bool, body: String, etag: String }
    /// fn loaded(answer: Answer, previous: Option<&Previous<String>>) -> Loaded<String> {
    ///     match previous {
    ///         Some(previous) if answer.is_not_modified => previous.not_modified(),
    ///         _ => Loaded::new(answer.body).validator(answer.etag),
    ///     }
    /// }
    /// ```
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
