//! `allowed_outbound_hosts`: the destinations a component may reach, in Spin's syntax and with
//! Spin's decisions.
//!
//! An entry is `scheme://host[:port]`. Each of the three can be `*`. A host can also be `*.domain`,
//! an address range (`10.0.0.0/8`) or `self`. A port can be a range (`8000..9000`, the end
//! excluded); without a port the default of the scheme applies.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard};

use ip_network::IpNetwork;
use thiserror::Error;
use url::{Host, Url};

use crate::log;

/// Suffix of the hosts that stand for components of the same application.
const CHAINING_SUFFIX: &str = ".spin.internal";

/// Forbidden destinations that are logged per component. A component can invent any number of them.
const MAX_LOGGED_DESTINATIONS: usize = 100;

/// The destinations one component may reach.
#[derive(Debug, Default)]
pub struct AllowedHosts {
    component: String,
    entries: Vec<Entry>,
    /// Destinations already logged, so that a component that retries does not fill the log.
    logged: Mutex<HashSet<String>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    /// `None` allows any scheme.
    scheme: Option<String>,
    host: HostPattern,
    port: PortPattern,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum HostPattern {
    Any,
    Subdomain(String),
    Itself,
    Literal(Host),
    Network(IpNetwork),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum PortPattern {
    Any,
    One(u16),
    Range(Range<u16>),
}

/// A destination that a component wants to reach.
struct Destination {
    scheme: String,
    host: Host,
    port: Option<u16>,
}

/// Reason why an entry is invalid.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("allowed_outbound_hosts entry `{entry}`: {problem}")]
pub struct EntryError {
    entry: String,
    problem: String,
}

impl AllowedHosts {
    /// Parses the entries of `component` after their variables are filled in; the flag of each
    /// entry marks a template. `components` are the ids of the whole application, for
    /// `*.spin.internal`. A template that became empty or invalid allows nothing; an invalid one is
    /// logged.
    ///
    /// # Errors
    /// An entry without variables that is not in the syntax above.
    pub fn parse<'e>(
        component: &str,
        entries: impl IntoIterator<Item = (&'e str, bool)>,
        components: &[&str],
    ) -> Result<Self, EntryError> {
        let mut parsed = Vec::new();
        for (text, is_template) in entries {
            if is_template && matches!(text, "" | "http://" | "https://") {
                continue;
            }

            let entry = Entry::parse(text).map_err(|problem| EntryError {
                entry: text.to_owned(),
                problem,
            });
            match entry {
                Ok(entry) => parsed.extend(entry.expand(components)),
                // As in Spin, a variable can have any value until the component uses it. The
                // component may know more about the mistake.
                Err(error) if is_template => log::error(format_args!(
                    "component `{component}`: {error}; it allows nothing"
                )),
                Err(error) => return Err(error),
            }
        }
        Ok(Self {
            component: component.to_owned(),
            entries: parsed,
            logged: Mutex::default(),
        })
    }

    /// Returns true if the component may reach `url`. A `url` without a scheme has `scheme`. An
    /// invalid one is forbidden.
    pub fn allow(&self, url: &str, scheme: &str) -> bool {
        let Some(destination) = Destination::parse(url, scheme) else {
            log::error(format_args!(
                "component `{}` used a malformed address",
                self.component
            ));
            return false;
        };

        let is_allowed = self.entries.iter().any(|entry| entry.allows(&destination));
        if !is_allowed {
            self.log_forbidden(&destination.to_string());
        }
        is_allowed
    }

    /// Returns true if the component may send HTTP requests to its own application (`http://self`).
    pub fn allow_self(&self) -> bool {
        let is_allowed = self.entries.iter().any(Entry::allows_self);
        if !is_allowed {
            self.log_forbidden("http://self");
        }
        is_allowed
    }

    fn log_forbidden(&self, destination: &str) {
        let is_new = |mut seen: MutexGuard<'_, HashSet<String>>| {
            seen.len() < MAX_LOGGED_DESTINATIONS && seen.insert(destination.to_owned())
        };

        if self.logged.lock().is_ok_and(is_new) {
            log::error(format_args!(
                "component `{}` may not reach {destination}; to allow it, add \"{destination}\" to its allowed_outbound_hosts",
                self.component
            ));
        }
    }
}

impl Entry {
    fn parse(text: &str) -> Result<Self, String> {
        let (scheme, rest) = text.trim().split_once("://").ok_or(
            "must be scheme://host[:port]; each part can be `*`, and \"*://*:*\" allows everything",
        )?;
        let (host, port) = split_port(rest)?;
        Ok(Self {
            scheme: parse_scheme(scheme)?,
            host: HostPattern::parse(host)?,
            port: PortPattern::parse(port, scheme)?,
        })
    }

    /// Replaces `*.spin.internal` by an entry for each component.
    fn expand(self, components: &[&str]) -> Vec<Self> {
        match &self.host {
            HostPattern::Subdomain(suffix) if suffix == CHAINING_SUFFIX => components
                .iter()
                .map(|id| Self {
                    host: HostPattern::Literal(Host::Domain(format!("{id}{CHAINING_SUFFIX}"))),
                    ..self.clone()
                })
                .collect(),
            _ => vec![self],
        }
    }

    fn allows(&self, destination: &Destination) -> bool {
        let port = destination.port;
        let port = port.or_else(|| default_port(&destination.scheme));
        self.allows_scheme(&destination.scheme)
            && self.host.allows(&destination.host)
            && self.port.allows(port)
    }

    fn allows_self(&self) -> bool {
        let is_http = self.allows_scheme("http") || self.allows_scheme("https");
        is_http && matches!(self.host, HostPattern::Any | HostPattern::Itself)
    }

    fn allows_scheme(&self, scheme: &str) -> bool {
        match &self.scheme {
            Some(allowed) => allowed == scheme,
            None => true,
        }
    }
}

/// Splits `host:port`. An IPv6 address or network without a port contains colons itself.
fn split_port(rest: &str) -> Result<(&str, &str), String> {
    match rest.rsplit_once(':') {
        None => Ok((rest, "")),
        Some((host, "")) => Ok((host, "")),
        Some(_) if HostPattern::parse(rest).is_ok() => Ok((rest, "")),
        Some((host, port)) => match port.split_once('/') {
            Some((_, path)) if !path.is_empty() => Err("must not have a path".to_owned()),
            Some((port, _)) => Ok((host, port)),
            None => Ok((host, port)),
        },
    }
}

fn parse_scheme(scheme: &str) -> Result<Option<String>, String> {
    if scheme == "*" {
        return Ok(None);
    }
    if scheme.is_empty() || scheme.chars().any(|c| !c.is_alphabetic()) {
        return Err(format!("the scheme `{scheme}` must be letters or `*`"));
    }
    Ok(Some(scheme.to_owned()))
}

impl HostPattern {
    fn parse(host: &str) -> Result<Self, String> {
        let host = host.trim();
        match host {
            "*" => return Ok(Self::Any),
            "self" | "self.alt" => return Ok(Self::Itself),
            _ => {}
        }
        if let Ok(network) = IpNetwork::from_str_truncate(host) {
            return Ok(Self::Network(network));
        }
        let host = host.strip_suffix('/').unwrap_or(host);
        if host.contains('/') {
            return Err("must not have a path".to_owned());
        }
        let domain = host.strip_prefix("*.").unwrap_or(host);
        if domain.contains('*') {
            return Err("`*` can stand only for the whole host or for its first part".to_owned());
        }

        match Host::parse(domain).map_err(|error| format!("the host `{host}`: {error}"))? {
            Host::Domain(domain) if host.starts_with("*.") => {
                Ok(Self::Subdomain(format!(".{domain}")))
            }
            _ if host.starts_with("*.") => Err("`*.` must be followed by a domain".to_owned()),
            literal => Ok(Self::Literal(literal)),
        }
    }

    fn allows(&self, host: &Host) -> bool {
        match (self, host) {
            (Self::Any, _) => true,
            (Self::Literal(literal), host) => literal == host,
            (Self::Subdomain(suffix), Host::Domain(domain)) => domain.ends_with(suffix.as_str()),
            (Self::Network(network), Host::Ipv4(ip)) => network.contains(*ip),
            (Self::Network(network), Host::Ipv6(ip)) => network.contains(*ip),
            // `self` is not an address; `allow_self` decides about it.
            (Self::Itself | Self::Subdomain(_) | Self::Network(_), _) => false,
        }
    }
}

impl PortPattern {
    fn parse(port: &str, scheme: &str) -> Result<Self, String> {
        let number = |text: &str| {
            text.parse::<u16>()
                .map_err(|_| format!("the port `{port}` is not a number"))
        };

        if port == "*" {
            return Ok(Self::Any);
        }
        if let Some((start, end)) = port.split_once("..") {
            return Ok(Self::Range(number(start)?..number(end)?));
        }
        if port.is_empty() {
            return default_port(scheme)
                .map(Self::One)
                .ok_or_else(|| format!("the scheme `{scheme}` has no default port; write one"));
        }
        number(port).map(Self::One)
    }

    fn allows(&self, port: Option<u16>) -> bool {
        match (self, port) {
            (Self::Any, _) => true,
            (_, None) => false,
            (Self::One(one), Some(port)) => *one == port,
            (Self::Range(range), Some(port)) => range.contains(&port),
        }
    }
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "postgres" => Some(5432),
        "mysql" => Some(3306),
        "redis" => Some(6379),
        "mqtt" => Some(1883),
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

impl Destination {
    /// Parses `text` as the clients do that connect to it: the part before the host ends at the last
    /// `@` ahead of the first `/`, `?` or `#`. (Spin ends it at the first `@` ahead of a `/`, and so
    /// reads the host `here` in `redis://there?@here`.)
    fn parse(text: &str, scheme: &str) -> Option<Self> {
        let url = match Url::parse(text) {
            Ok(url) if url.has_host() => url,
            _ if text.contains("://") => return None,
            _ => Url::parse(&format!("{scheme}://{text}")).ok()?,
        };

        // For a scheme that the URL standard does not know, the host is text even if it is an
        // address.
        let host = Host::parse(url.host_str()?).ok()?;
        Some(Self {
            scheme: url.scheme().to_owned(),
            host,
            port: url.port(),
        })
    }
}

impl std::fmt::Display for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

/// Returns the component that `<id>.spin.internal` stands for.
pub fn chained_component(host: &str) -> Option<&str> {
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    let id = host.trim().strip_suffix(CHAINING_SUFFIX)?;
    (!id.contains('.')).then_some(id)
}

#[cfg(test)]
mod tests;
