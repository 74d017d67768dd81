//! The settings of a cache and of the log, which every component needs that uses a cache.

use std::time::Duration;

use edge_cache::Namespace;

use super::defaults::CACHE_DEFAULTS;
use super::variables::{BadVariable, RedisTopology, Variables};
use crate::log::LogDetail;

/// Where the cache is, the times of its connection, and what is logged of it.
#[derive(Debug)]
pub(crate) struct CacheSettings {
    /// URL of the cache's logical database. It contains the password: never log it.
    pub(crate) url: String,
    /// The kind of Redis.
    pub(crate) topology: RedisTopology,
    /// Time limit of a Redis command, including its retries.
    pub(crate) command_timeout: Duration,
    /// How old an instance's knowledge of invalidations may be when a lookup begins.
    pub(crate) fence_interval: Duration,
    /// The namespace of the cache's internal keys.
    pub(crate) namespace: Namespace,
    /// True if lookups are counted by key.
    pub(crate) hot_keys: bool,
    /// The detail of the log: `errors`, `requests` or `full`.
    pub(crate) log_detail: LogDetail,
}

impl CacheSettings {
    /// Reads and validates the variables of the cache.
    ///
    /// # Errors
    /// The first variable with a bad value.
    pub(crate) async fn load() -> Result<Self, BadVariable> {
        Self::validate(&Variables::load(&CACHE_DEFAULTS).await?)
    }

    pub(super) fn validate(variables: &Variables) -> Result<Self, BadVariable> {
        let database = variables.database("redis_db")?;
        let command_timeout = variables.number("command_timeout_ms", 50..=60_000)?;
        let fence_interval = variables.number("fence_interval_ms", 10..=1000)?;

        Ok(Self {
            url: variables.redis_url(database)?,
            topology: variables.topology()?,
            command_timeout: Duration::from_millis(command_timeout),
            fence_interval: Duration::from_millis(fence_interval),
            namespace: namespace(variables)?,
            hot_keys: variables.flag("hot_keys")?,
            log_detail: variables.log_detail()?,
        })
    }
}

fn namespace(variables: &Variables) -> Result<Namespace, BadVariable> {
    let name = variables.text("cache_namespace");
    if name.is_empty() {
        return Ok(Namespace::default());
    }
    Namespace::parse(name).map_err(|_| {
        let problem = "must be empty, or 1 to 32 lower-case letters, digits, `-` and `_`";
        BadVariable::new("cache_namespace", problem)
    })
}
