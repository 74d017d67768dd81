//! Variables as they were typed: their defaults, and the rules for each value.

use std::fmt;
use std::ops::RangeInclusive;

use edge_cache::Pattern;
use edge_cache::redis::{ExpectedTopology, NodeAddress};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use spin_sdk::variables::{Error, get};

use super::defaults::Default;
use crate::auth::{Tokens, TrustedProxies};
use crate::log::LogDetail;
use crate::sources::postgres_url::PostgresUrl;

/// Highest number of a logical database.
const MAX_DATABASE: u64 = 65_535;
/// Most proxies in front of the application.
const MAX_PROXIES: u64 = 32;

/// A variable with a bad value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadVariable {
    pub(crate) name: &'static str,
    /// The rule that the value breaks, as the rest of a sentence that begins with the name.
    pub(crate) problem: String,
}

impl BadVariable {
    pub(super) fn new(name: &'static str, problem: impl Into<String>) -> Self {
        Self {
            name,
            problem: problem.into(),
        }
    }
}

impl fmt::Display for BadVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the variable `{}` {}", self.name, self.problem)
    }
}

impl std::error::Error for BadVariable {}

impl From<BadVariable> for String {
    /// The problem as text.
    fn from(bad: BadVariable) -> Self {
        bad.to_string()
    }
}

/// The kind of Redis, as it is configured.
#[derive(Debug)]
pub(crate) enum RedisTopology {
    /// The server at `redis_host`.
    Expected(ExpectedTopology),
    /// The primary that Sentinels name.
    Sentinels(SentinelSettings),
}

/// The Sentinels of a primary.
#[derive(Debug)]
pub(crate) struct SentinelSettings {
    /// Their URLs. They contain the Sentinels' password: never log them.
    pub(crate) urls: Vec<String>,
    /// The name under which they know the primary.
    pub(crate) primary: String,
}

/// The text of every variable.
pub(super) struct Variables(Vec<(&'static str, String)>);

impl Variables {
    #[cfg(test)]
    pub(super) fn new(values: Vec<(&'static str, String)>) -> Self {
        Self(values)
    }

    /// Reads these variables.
    ///
    /// # Errors
    /// The first one that the host cannot read.
    pub(super) async fn load(
        defaults: impl IntoIterator<Item = &Default>,
    ) -> Result<Self, BadVariable> {
        let mut values = Vec::new();
        for (name, default) in defaults {
            let value = match get(name).await {
                Ok(value) => value,
                Err(Error::Undefined(_)) => (*default).to_owned(),
                Err(error) => {
                    return Err(BadVariable::new(name, format!("cannot be read: {error}")));
                }
            };
            values.push((*name, value));
        }
        Ok(Self(values))
    }

    /// A value without the white space around it.
    pub(super) fn text(&self, name: &'static str) -> &str {
        self.typed(name).trim()
    }

    /// A value with the white space around it.
    fn typed(&self, name: &'static str) -> &str {
        self.0
            .iter()
            .find(|(known, _)| *known == name)
            .map_or("", |(_, value)| value)
    }

    pub(super) fn number(
        &self,
        name: &'static str,
        range: RangeInclusive<u64>,
    ) -> Result<u64, BadVariable> {
        let number: Option<u64> = self.text(name).parse().ok();
        number
            .filter(|number| range.contains(number))
            .ok_or_else(|| {
                let (min, max) = (range.start(), range.end());
                BadVariable::new(name, format!("must be a whole number from {min} to {max}"))
            })
    }

    pub(super) fn flag(&self, name: &'static str) -> Result<bool, BadVariable> {
        match self.text(name) {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(BadVariable::new(name, "must be true or false")),
        }
    }

    /// The number of a logical database.
    pub(super) fn database(&self, name: &'static str) -> Result<u64, BadVariable> {
        self.number(name, 0..=MAX_DATABASE)
    }

    /// The Redis server's host; an IPv6 address is in brackets.
    fn redis_host(&self) -> Result<String, BadVariable> {
        let host = self.text("redis_host");
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
        if host.is_empty() || !host.bytes().all(is_allowed) {
            return Err(BadVariable::new(
                "redis_host",
                "must be a host name or an address, without scheme, port or path",
            ));
        }

        let is_bare_ipv6 = host.contains(':') && !host.starts_with('[');
        Ok(if is_bare_ipv6 {
            format!("[{host}]")
        } else {
            host.to_owned()
        })
    }

    /// The Redis server's `host:port`.
    pub(super) fn redis_address(&self) -> Result<String, BadVariable> {
        let port = self.number("redis_port", 1..=65_535)?;
        Ok(format!("{}:{port}", self.redis_host()?))
    }

    /// The URL of a logical database, with the login.
    pub(super) fn redis_url(&self, database: u64) -> Result<String, BadVariable> {
        let login = self.login("redis_username", "redis_password");
        let address = self.redis_address()?;
        Ok(format!("{}{login}{address}/{database}", self.scheme()?))
    }

    /// The beginning of a URL.
    fn scheme(&self) -> Result<&'static str, BadVariable> {
        Ok(if self.flag("redis_tls")? {
            "rediss://"
        } else {
            "redis://"
        })
    }

    /// The login in a URL: empty, or up to the `@`.
    fn login(&self, user: &'static str, password: &'static str) -> String {
        let encode = |name| utf8_percent_encode(self.text(name), NON_ALPHANUMERIC).to_string();
        let (user, password) = (encode(user), encode(password));
        if user.is_empty() && password.is_empty() {
            return String::new();
        }
        format!("{user}:{password}@")
    }

    /// The kind of Redis.
    pub(super) fn topology(&self) -> Result<RedisTopology, BadVariable> {
        let sentinels = self.text("redis_sentinels");
        match self.text("redis_topology") {
            "auto" if sentinels.is_empty() => Ok(RedisTopology::Expected(ExpectedTopology::Auto)),
            "auto" | "sentinel" => self.sentinels(sentinels).map(RedisTopology::Sentinels),
            "single" => Ok(RedisTopology::Expected(ExpectedTopology::Single)),
            "cluster" => Ok(RedisTopology::Expected(ExpectedTopology::Cluster)),
            _ => Err(BadVariable::new(
                "redis_topology",
                "must be auto, single, cluster or sentinel",
            )),
        }
    }

    fn sentinels(&self, addresses: &str) -> Result<SentinelSettings, BadVariable> {
        let bad = "must be one or more `host:port`, separated by commas";
        let login = self.login("redis_sentinel_username", "redis_sentinel_password");
        let scheme = self.scheme()?;
        let mut urls = Vec::new();
        for address in addresses.split(',').map(str::trim) {
            let address = NodeAddress::parse(address, None)
                .filter(|node| !node.host.contains(['/', '@', ' ', '?', '#']))
                .ok_or_else(|| BadVariable::new("redis_sentinels", bad))?;
            urls.push(format!("{scheme}{login}{address}"));
        }

        let primary = self.text("redis_master_name");
        if primary.is_empty() {
            return Err(BadVariable::new(
                "redis_master_name",
                "must be the name under which the Sentinels know the primary",
            ));
        }
        Ok(SentinelSettings {
            urls,
            primary: primary.to_owned(),
        })
    }

    pub(super) fn tokens(&self) -> Result<Tokens, BadVariable> {
        Tokens::parse(self.text("tokens")).map_err(|problem| BadVariable::new("tokens", problem))
    }

    pub(super) fn log_detail(&self) -> Result<LogDetail, BadVariable> {
        LogDetail::named(self.text("log_detail"))
            .ok_or_else(|| BadVariable::new("log_detail", "must be errors, requests or full"))
    }

    pub(super) fn proxies(&self) -> Result<TrustedProxies, BadVariable> {
        let count = self.number("trusted_proxies", 0..=MAX_PROXIES)?;
        TrustedProxies::parse(count as usize, self.text("trusted_proxy_addresses"))
            .map_err(|problem| BadVariable::new("trusted_proxy_addresses", problem))
    }

    pub(super) fn events_channel(&self) -> Result<String, BadVariable> {
        let channel = self.text("events_channel");
        if channel.is_empty() || channel.chars().any(char::is_control) {
            return Err(BadVariable::new(
                "events_channel",
                "must be the name of a Redis channel",
            ));
        }
        Ok(channel.to_owned())
    }

    pub(super) fn warmup_origin(&self) -> Result<String, BadVariable> {
        let origin = self.text("warmup_origin").trim_end_matches('/');
        if origin.parse().is_ok_and(|uri| is_origin(&uri)) {
            return Ok(origin.to_owned());
        }
        Err(BadVariable::new(
            "warmup_origin",
            "must be http:// or https:// with host and port, without login, path and query",
        ))
    }

    pub(super) fn warmup_origin_token(&self) -> Result<String, BadVariable> {
        let token = self.text("warmup_origin_token");
        if token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(token.to_owned());
        }
        Err(BadVariable::new(
            "warmup_origin_token",
            "must be printable ASCII without spaces",
        ))
    }

    /// Patterns exactly as they were typed: separated by commas, or a JSON list if one contains a
    /// comma or begins or ends with white space.
    pub(super) fn relief_patterns(&self) -> Result<Vec<Pattern>, BadVariable> {
        let typed = self.typed("relief_patterns");
        if let Ok(listed) = serde_json::from_str::<Vec<String>>(typed) {
            return listed.iter().map(|text| relief_pattern(text)).collect();
        }
        if typed.trim().is_empty() {
            return Ok(Vec::new());
        }

        let separated = typed.split(',').map(|text| {
            if text.trim() == text {
                return relief_pattern(text);
            }
            Err(BadVariable::new(
                "relief_patterns",
                format!(
                    "must have no white space around {text:?}; where it is part of the pattern, give all patterns as \
                     a JSON list"
                ),
            ))
        });
        separated.collect()
    }

    /// The PostgreSQL server. Its address is a variable of its own, because hosts restrict outbound
    /// connections to the addresses in the manifest, where a URL with a password must not be.
    pub(super) fn postgres(&self) -> Result<Option<PostgresUrl>, BadVariable> {
        let text = self.text("postgres_url");
        if text.is_empty() {
            return Ok(None);
        }

        let url = PostgresUrl::parse(text)
            .map_err(|problem| BadVariable::new("postgres_url", problem))?;
        if self.text("postgres_address") == url.address() {
            return Ok(Some(url));
        }
        Err(BadVariable::new(
            "postgres_address",
            format!("must be {}, the server of `postgres_url`", url.address()),
        ))
    }
}

/// True if a URL has a scheme, a host and a port, and nothing else.
fn is_origin(uri: &http::Uri) -> bool {
    let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
    let has_login = uri
        .authority()
        .is_some_and(|authority| authority.as_str().contains('@'));
    let has_path = uri.path_and_query().is_some_and(|path| path != "/");

    is_http && uri.host().is_some() && !has_login && !has_path
}

fn relief_pattern(text: &str) -> Result<Pattern, BadVariable> {
    let bad = |problem: String| BadVariable::new("relief_patterns", problem);
    let pattern =
        Pattern::parse("relief_patterns", text).map_err(|error| bad(error.to_string()))?;

    if pattern.matches_everything() || pattern.names_protected() {
        return Err(bad(format!(
            "must not hold {text}, which matches everything or what this system keeps"
        )));
    }
    Ok(pattern)
}
