//! Spin variables, validated into a [`Config`] before anything uses them.

mod alerts;
mod cache_settings;
mod defaults;
#[cfg(test)]
mod tests;
mod variables;

use std::time::Duration;

use edge_cache::Near;
use edge_cache_admin::admin::alerts::AlertSettings;
use edge_cache_admin::admin::stats::Thresholds;
use edge_cache_admin::warmup::schedule::ScheduleSettings;

use crate::auth::{Tokens, TrustedProxies};
use crate::config::defaults::{CACHE_DEFAULTS, OTHER_DEFAULTS};
use crate::config::variables::Variables;
use crate::sources::postgres_url::PostgresUrl;

pub(crate) use cache_settings::CacheSettings;
pub use variables::BadVariable;
pub(crate) use variables::RedisTopology;

/// The settings of a component, valid by construction.
#[derive(Debug)]
pub struct Config {
    /// The settings of the cache.
    pub(crate) cache: CacheSettings,
    /// The server without login and database: `host:port`.
    redis_address: String,
    /// URL of the audit trail's logical database. It contains the password: never log it.
    pub(crate) audit_url: String,
    /// How a service uses near copies; `None`: not at all.
    pub near: Option<Near>,
    /// Values from which the statistics raise an alert.
    pub thresholds: Thresholds,
    /// The webhooks that alerts are posted to.
    pub alerts: AlertSettings,
    /// True if admins may edit values.
    pub value_editing: bool,
    /// True if the audit records of edits have parts of the values.
    pub audit_values: bool,
    /// The tokens of callers, with their roles.
    pub(crate) tokens: Tokens,
    /// The proxies whose `x-forwarded-for` is trusted.
    pub(crate) proxies: TrustedProxies,
    /// The channel on which services publish domain events.
    pub events_channel: String,
    /// The web server of a plan's `url` entries: scheme, host and port.
    pub(crate) warmup_origin: String,
    /// The token for that web server; empty for none. Never log it.
    pub(crate) warmup_origin_token: String,
    /// Most keys that a warmup writes in a second; 0 for no limit.
    pub warmup_rate: u64,
    /// The longest time that a client may prefer to wait for the end of a job.
    pub sync_limit: Duration,
    /// When the schedule runs a warmup, and which keys it may clear.
    pub schedule: ScheduleSettings,
    /// The PostgreSQL database that warmups and services read; `None` for Spin's own SQLite.
    pub(crate) postgres: Option<PostgresUrl>,
}

impl Config {
    /// The Redis server's `host:port`.
    pub fn redis_address(&self) -> &str {
        &self.redis_address
    }

    /// Reads and validates the component's variables.
    ///
    /// # Errors
    /// The first variable with a bad value.
    pub(crate) async fn load() -> Result<Self, BadVariable> {
        let all = CACHE_DEFAULTS.iter().chain(&OTHER_DEFAULTS);
        Self::validate(&Variables::load(all).await?)
    }

    fn validate(variables: &Variables) -> Result<Self, BadVariable> {
        let audit_database = variables.database("audit_redis_db")?;
        let thresholds = thresholds(variables)?;

        Ok(Self {
            cache: CacheSettings::validate(variables)?,
            redis_address: variables.redis_address()?,
            audit_url: variables.redis_url(audit_database)?,
            near: near(variables)?,
            alerts: alerts::alerts(variables, thresholds.after)?,
            value_editing: variables.flag("value_editing")?,
            audit_values: variables.flag("audit_values")?,
            thresholds,
            tokens: variables.tokens()?,
            events_channel: variables.events_channel()?,
            warmup_origin: variables.warmup_origin()?,
            warmup_origin_token: variables.warmup_origin_token()?,
            warmup_rate: variables.number("warmup_rate", 0..=1_000_000)?,
            sync_limit: Duration::from_secs(variables.number("sync_limit_seconds", 1..=600)?),
            schedule: schedule(variables, thresholds)?,
            postgres: variables.postgres()?,
            proxies: variables.proxies()?,
        })
    }
}

fn near(variables: &Variables) -> Result<Option<Near>, BadVariable> {
    let max_age = variables.number("near_max_age_ms", 0..=10_000)?;
    Ok((max_age > 0).then(|| Near {
        max_age: Duration::from_millis(max_age),
    }))
}

fn thresholds(variables: &Variables) -> Result<Thresholds, BadVariable> {
    Ok(Thresholds {
        latency_ms: variables.number("latency_alert_ms", 1..=60_000)?,
        memory_percent: variables.number("memory_alert_percent", 1..=100)? as f64,
        hit_rate_percent: variables.number("hit_rate_alert_percent", 1..=100)? as f64,
        evictions_per_minute: variables.number("evictions_alert_per_minute", 1..=1_000_000_000)?,
        window: Duration::from_secs(60 * variables.number("alert_window_minutes", 1..=60)?),
        after: Duration::from_secs(variables.number("alert_after_seconds", 0..=3600)?),
    })
}

fn schedule(
    variables: &Variables,
    thresholds: Thresholds,
) -> Result<ScheduleSettings, BadVariable> {
    let interval = variables.number("warmup_interval_seconds", 60..=604_800)?;
    let analysis_minutes = variables.number("analysis_interval_minutes", 0..=10_080)?;
    Ok(ScheduleSettings {
        interval: Duration::from_secs(interval),
        analysis_interval: Duration::from_secs(60 * analysis_minutes),
        relief: variables.relief_patterns()?,
        thresholds,
    })
}
