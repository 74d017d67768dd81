//! Spin variables, checked into a [`Config`] before anything uses them.

use std::time::Duration;

use edge_cache::Pattern;
use edge_cache::access::Tokens;
use edge_cache::stats::Thresholds;
use edge_cache::warmup::schedule::Settings;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use spin_sdk::variables;

use crate::postgres_url::PostgresUrl;

/// The settings of a component, valid by construction.
#[derive(Debug)]
pub struct Config {
    /// Address of the cache's logical database. Holds the password: never to be logged.
    pub(crate) cache_url: String,
    /// Address of the audit trail's logical database.
    pub(crate) audit_url: String,
    /// Whether cache and audit trail share a logical database.
    pub audit_shares_database: bool,
    /// How long a Redis command may take, its repetitions included.
    pub(crate) command_timeout: Duration,
    /// Where values start to be alarming.
    pub thresholds: Thresholds,
    /// Who may do what.
    pub(crate) tokens: Tokens,
    /// How many proxies in front of us write `x-forwarded-for`.
    pub(crate) trusted_proxies: usize,
    /// The channel on which services tell each other of domain events.
    pub events_channel: String,
    /// The web server of `url` entries of a warmup: scheme, host and port.
    pub(crate) warmup_origin: String,
    /// The token for it; empty: none. Never to be logged.
    pub(crate) warmup_origin_token: String,
    /// Keys a warmup may write a second; 0: as many as it can.
    pub warmup_rate: u64,
    /// When the schedule warms, and what it may clear.
    pub schedule: Settings,
    /// The database warmups and services read; none is Spin's own SQLite.
    pub(crate) postgres: Option<PostgresUrl>,
}

/// A variable with a bad value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadVariable {
    pub(crate) name: &'static str,
    pub(crate) problem: String,
}

/// Variables as they were typed; one that the component is not given has its default.
struct Raw(Vec<(&'static str, String)>);

const DEFAULTS: [(&str, &str); 22] = [
    ("redis_host", "127.0.0.1"),
    ("redis_port", "6379"),
    ("redis_username", ""),
    ("redis_password", ""),
    ("redis_db", "0"),
    ("redis_tls", "false"),
    ("audit_redis_db", "1"),
    ("tokens", ""),
    ("command_timeout_ms", "1500"),
    ("latency_alert_ms", "100"),
    ("memory_alert_percent", "90"),
    ("hit_rate_alert_percent", "70"),
    ("evictions_alert_per_minute", "1000"),
    ("trusted_proxies", "0"),
    ("events_channel", "cache:events"),
    ("warmup_origin", "http://127.0.0.1:8080"),
    ("warmup_origin_token", ""),
    ("warmup_rate", "0"),
    ("warmup_interval_seconds", "900"),
    ("relief_patterns", ""),
    ("postgres_url", ""),
    ("postgres_address", ""),
];

impl Config {
    /// Reads the component's variables.
    ///
    /// # Errors
    /// The first variable with a bad value.
    pub(crate) async fn load() -> Result<Self, BadVariable> {
        let mut values = Vec::with_capacity(DEFAULTS.len());
        for (name, default) in DEFAULTS {
            let value = match variables::get(name).await {
                Ok(value) => value,
                Err(variables::Error::Undefined(_)) => default.to_owned(),
                Err(error) => return Err(BadVariable { name, problem: format!("cannot be read: {error}") }),
            };
            values.push((name, value));
        }
        Raw(values).check()
    }
}

impl Raw {
    fn text(&self, name: &'static str) -> &str {
        self.0.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value.trim())
    }

    fn number(&self, name: &'static str, least: u64, most: u64) -> Result<u64, BadVariable> {
        let parsed = self.text(name).parse().ok().filter(|number| (least..=most).contains(number));
        parsed.ok_or_else(|| BadVariable { name, problem: format!("must be a whole number from {least} to {most}") })
    }

    fn flag(&self, name: &'static str) -> Result<bool, BadVariable> {
        match self.text(name) {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(BadVariable { name, problem: "must be true or false".into() }),
        }
    }

    fn host(&self) -> Result<String, BadVariable> {
        let host = self.text("redis_host");
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
        if host.is_empty() || !host.bytes().all(plain) {
            let problem = "must be a host name or an address, without scheme, port or path".into();
            return Err(BadVariable { name: "redis_host", problem });
        }
        let bare_ipv6 = host.contains(':') && !host.starts_with('[');
        Ok(if bare_ipv6 { format!("[{host}]") } else { host.to_owned() })
    }

    fn channel(&self) -> Result<String, BadVariable> {
        let channel = self.text("events_channel");
        if channel.is_empty() || channel.chars().any(char::is_control) {
            return Err(BadVariable { name: "events_channel", problem: "must be the name of a Redis channel".into() });
        }
        Ok(channel.to_owned())
    }

    fn origin(&self) -> Result<String, BadVariable> {
        let origin = self.text("warmup_origin").trim_end_matches('/');
        let uri: Option<http::Uri> = origin.parse().ok();
        let fits = |uri: &http::Uri| {
            let scheme = uri.scheme_str();
            let bare = uri.path_and_query().is_none_or(|path| path == "/");
            let login = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
            (scheme == Some("http") || scheme == Some("https")) && uri.host().is_some() && bare && !login
        };
        if uri.as_ref().is_some_and(fits) {
            return Ok(origin.to_owned());
        }
        let problem = "must be http:// or https:// with host and port, without login, path and query".into();
        Err(BadVariable { name: "warmup_origin", problem })
    }

    fn relief(&self) -> Result<Vec<Pattern>, BadVariable> {
        let bad = |problem: String| BadVariable { name: "relief_patterns", problem };
        let given = self.text("relief_patterns").split(',').map(str::trim).filter(|pattern| !pattern.is_empty());
        let checked = given.map(|text| {
            let pattern = Pattern::parse("relief_patterns", text).map_err(|error| bad(error.to_string()))?;
            if pattern.matches_everything() || pattern.names_protected() {
                return Err(bad(format!("must not hold {text}, which matches everything or what this system keeps")));
            }
            Ok(pattern)
        });
        checked.collect()
    }

    fn origin_token(&self) -> Result<String, BadVariable> {
        let token = self.text("warmup_origin_token");
        if token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(token.to_owned());
        }
        let problem = "must be printable ASCII without spaces".into();
        Err(BadVariable { name: "warmup_origin_token", problem })
    }

    /// The address must be given apart: hosts let components reach what the manifest lists, and a list holds no secrets.
    fn postgres(&self) -> Result<Option<PostgresUrl>, BadVariable> {
        let text = self.text("postgres_url");
        if text.is_empty() {
            return Ok(None);
        }
        let url = PostgresUrl::parse(text).map_err(|problem| BadVariable { name: "postgres_url", problem })?;
        if self.text("postgres_address") != url.address() {
            let problem = format!("must be {}, the server of `postgres_url`", url.address());
            return Err(BadVariable { name: "postgres_address", problem });
        }
        Ok(Some(url))
    }

    fn url(&self, db: u64) -> Result<String, BadVariable> {
        let scheme = if self.flag("redis_tls")? { "rediss" } else { "redis" };
        let encode = |name| utf8_percent_encode(self.text(name), NON_ALPHANUMERIC).to_string();
        let (user, password) = (encode("redis_username"), encode("redis_password"));
        let login = if user.is_empty() && password.is_empty() { String::new() } else { format!("{user}:{password}@") };
        let port = self.number("redis_port", 1, 65_535)?;
        Ok(format!("{scheme}://{login}{}:{port}/{db}", self.host()?))
    }

    fn check(&self) -> Result<Config, BadVariable> {
        let (db, audit_db) = (self.number("redis_db", 0, 65_535)?, self.number("audit_redis_db", 0, 65_535)?);
        let tokens = Tokens::parse(self.text("tokens"));
        let memory_percent = self.number("memory_alert_percent", 1, 100)? as f64;
        Ok(Config {
            cache_url: self.url(db)?,
            audit_url: self.url(audit_db)?,
            audit_shares_database: db == audit_db,
            command_timeout: Duration::from_millis(self.number("command_timeout_ms", 50, 60_000)?),
            thresholds: Thresholds {
                latency_ms: self.number("latency_alert_ms", 1, 60_000)?,
                memory_percent,
                hit_rate_percent: self.number("hit_rate_alert_percent", 1, 100)? as f64,
                evictions_per_minute: self.number("evictions_alert_per_minute", 1, 1_000_000_000)?,
            },
            tokens: tokens.map_err(|problem| BadVariable { name: "tokens", problem })?,
            events_channel: self.channel()?,
            warmup_origin: self.origin()?,
            warmup_origin_token: self.origin_token()?,
            warmup_rate: self.number("warmup_rate", 0, 1_000_000)?,
            schedule: Settings {
                interval: Duration::from_secs(self.number("warmup_interval_seconds", 60, 604_800)?),
                relief: self.relief()?,
                memory_percent,
            },
            postgres: self.postgres()?,
            trusted_proxies: self.number("trusted_proxies", 0, 32)? as usize,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(changes: &[(&'static str, &str)]) -> Result<Config, BadVariable> {
        let values = DEFAULTS.map(|(name, default)| {
            let changed = changes.iter().rfind(|(changed, _)| *changed == name);
            (name, changed.map_or(default, |(_, value)| value).to_owned())
        });
        Raw(values.to_vec()).check()
    }

    #[test]
    fn the_defaults_are_valid() {
        let config = with(&[]).unwrap();
        assert_eq!(config.cache_url, "redis://127.0.0.1:6379/0");
        assert_eq!(config.audit_url, "redis://127.0.0.1:6379/1");
        assert_eq!(config.thresholds, Thresholds::default());
        assert!(config.tokens.is_empty() && !config.audit_shares_database);
    }

    #[test]
    fn a_password_with_any_characters_makes_a_valid_address() {
        let config = with(&[("redis_username", "u"), ("redis_password", "p@s/s:w#d"), ("redis_tls", "true")]).unwrap();
        assert_eq!(config.cache_url, "rediss://u:p%40s%2Fs%3Aw%23d@127.0.0.1:6379/0");
        assert_eq!(with(&[("redis_host", "::1")]).unwrap().cache_url, "redis://[::1]:6379/0");
    }

    #[test]
    fn every_bad_value_is_reported_by_its_variable() {
        let bad = [
            ("redis_host", ""),
            ("redis_host", "redis://x"),
            ("redis_port", "0"),
            ("redis_port", "65536"),
            ("redis_db", "-1"),
            ("redis_tls", "yes"),
            ("audit_redis_db", "x"),
            ("tokens", "just-a-token"),
            ("command_timeout_ms", "0"),
            ("latency_alert_ms", "1.5"),
            ("memory_alert_percent", "101"),
            ("hit_rate_alert_percent", "0"),
            ("evictions_alert_per_minute", ""),
            ("trusted_proxies", "many"),
            ("events_channel", ""),
            ("warmup_origin", ""),
            ("warmup_origin", "ftp://x"),
            ("warmup_origin", "http://x/path"),
            ("warmup_origin", "http://user:word@x"),
            ("warmup_origin_token", "two words"),
            ("warmup_rate", "-1"),
            ("warmup_interval_seconds", "59"),
            ("relief_patterns", "old:*,*"),
            ("relief_patterns", "cache:*"),
            ("postgres_url", "host=db user=shop"),
            ("postgres_url", "mysql://db/shop"),
            ("postgres_address", "db:5432"),
        ];
        for (name, value) in bad {
            // An address counts where there is a server that it could be the address of.
            let url = if name == "postgres_address" { "postgres://db/shop" } else { "" };
            assert_eq!(with(&[("postgres_url", url), (name, value)]).unwrap_err().name, name, "{value}");
        }
    }

    #[test]
    fn postgresql_is_used_when_it_has_a_url_and_its_address_is_allowed() {
        assert!(with(&[]).unwrap().postgres.is_none());
        assert!(with(&[("postgres_address", "postgres://db:5432")]).unwrap().postgres.is_none());
        let both = [("postgres_url", "postgresql://u:p%40@db/shop"), ("postgres_address", "postgres://db:5432")];
        assert_eq!(with(&both).unwrap().postgres.unwrap().text(), "postgresql://u:p%40@db/shop");
        let error = with(&both[..1]).unwrap_err();
        assert_eq!(error.problem, "must be postgres://db:5432, the server of `postgres_url`");
    }
}
