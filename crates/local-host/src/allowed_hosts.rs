//! `allowed_outbound_hosts`: the destinations a component may reach, in Spin's syntax and with Spin's answers.
//!
//! An entry is `scheme://host[:port]`; each of the three may be `*`. A host may also be `*.domain`, an address range
//! (`10.0.0.0/8`) or `self`; a port may be a range (`8000..9000`, the end excluded) and is the scheme's own when left out.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard};

use ip_network::IpNetwork;
use thiserror::Error;
use url::{Host, Url};

use crate::log;

const CHAINING_SUFFIX: &str = ".spin.internal";

/// Destinations a component is told to be denied; a component may make them up without end.
const REPORTED: usize = 100;

/// What one component may reach.
#[derive(Debug, Default)]
pub struct AllowedHosts {
    component: String,
    entries: Vec<Entry>,
    /// Destinations already complained about, so that a component that retries does not fill the log.
    reported: Mutex<HashSet<String>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    /// `None` is any.
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

/// A destination a component asks for.
struct Destination {
    scheme: String,
    host: Host,
    port: Option<u16>,
}

/// Why an entry is not one.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("allowed_outbound_hosts entry `{entry}`: {problem}")]
pub struct EntryError {
    entry: String,
    problem: String,
}

impl AllowedHosts {
    /// Reads the entries of `component`, variables already filled in. `components` are the ids of the whole application,
    /// which is what `*.spin.internal` stands for. An entry that variables left empty or malformed allows nothing and is no
    /// error; the latter is told in the log.
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
            let entry = match Entry::parse(text).map_err(|problem| EntryError { entry: text.to_owned(), problem }) {
                Ok(entry) => entry,
                // A variable's value is found out when it is used, as in Spin: the component may say more about it.
                Err(error) if is_template => {
                    log::problem(format_args!("component `{component}`: {error}; it allows nothing"));
                    continue;
                }
                Err(error) => return Err(error),
            };
            match &entry.host {
                HostPattern::Subdomain(suffix) if suffix == CHAINING_SUFFIX => {
                    parsed.extend(components.iter().map(|id| Entry {
                        host: HostPattern::Literal(Host::Domain(format!("{id}{CHAINING_SUFFIX}"))),
                        ..entry.clone()
                    }));
                }
                _ => parsed.push(entry),
            }
        }
        Ok(Self { component: component.to_owned(), entries: parsed, reported: Mutex::default() })
    }

    /// Whether `url` may be reached; one without a scheme is taken to have `scheme`. A URL that cannot be read may not.
    pub fn allow(&self, url: &str, scheme: &str) -> bool {
        let Some(destination) = Destination::parse(url, scheme) else {
            log::problem(format_args!("component `{}` asked for a malformed address", self.component));
            return false;
        };
        let allowed = self.entries.iter().any(|entry| entry.allows(&destination));
        if !allowed {
            self.report(&destination.to_string());
        }
        allowed
    }

    /// Whether the component may send HTTP requests to its own application (`http://self`).
    pub fn allow_self(&self) -> bool {
        let allowed = self.entries.iter().any(|entry| {
            entry.scheme.as_deref().is_none_or(|s| matches!(s, "http" | "https"))
                && matches!(entry.host, HostPattern::Any | HostPattern::Itself)
        });
        if !allowed {
            self.report("http://self");
        }
        allowed
    }

    fn report(&self, destination: &str) {
        let is_new =
            |mut seen: MutexGuard<'_, HashSet<String>>| seen.len() < REPORTED && seen.insert(destination.to_owned());
        if self.reported.lock().is_ok_and(is_new) {
            log::problem(format_args!(
                "component `{}` may not reach {destination}; to allow it, add \"{destination}\" to its allowed_outbound_hosts",
                self.component
            ));
        }
    }
}

impl Entry {
    fn parse(text: &str) -> Result<Self, String> {
        let (scheme, rest) = text
            .trim()
            .split_once("://")
            .ok_or("must be scheme://host[:port]; each part may be `*`, and \"*://*:*\" allows everything")?;
        let (host, port) = split_port(rest)?;
        Ok(Self {
            scheme: parse_scheme(scheme)?,
            host: HostPattern::parse(host)?,
            port: PortPattern::parse(port, scheme)?,
        })
    }

    fn allows(&self, to: &Destination) -> bool {
        self.scheme.as_ref().is_none_or(|scheme| *scheme == to.scheme)
            && self.host.allows(&to.host)
            && self.port.allows(to.port.or_else(|| default_port(&to.scheme)))
    }
}

/// Splits `host:port`; an IPv6 address or network without a port has colons of its own.
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
            return Err("`*` may stand only for the whole host or for its first part".to_owned());
        }
        match Host::parse(domain).map_err(|error| format!("the host `{host}`: {error}"))? {
            Host::Domain(domain) if host.starts_with("*.") => Ok(Self::Subdomain(format!(".{domain}"))),
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
            // `self` is no address: `allow_self` answers for it.
            (Self::Itself | Self::Subdomain(_) | Self::Network(_), _) => false,
        }
    }
}

impl PortPattern {
    fn parse(port: &str, scheme: &str) -> Result<Self, String> {
        let number = |text: &str| text.parse::<u16>().map_err(|_| format!("the port `{port}` is not a number"));
        if port == "*" {
            return Ok(Self::Any);
        }
        if let Some((start, end)) = port.split_once("..") {
            return Ok(Self::Range(number(start)?..number(end)?));
        }
        if port.is_empty() {
            return default_port(scheme)
                .map(Self::One)
                .ok_or_else(|| format!("the scheme `{scheme}` has no port of its own; write one"));
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
    /// Reads `text` as the clients do that connect to it: what stands before the host ends at the last `@` ahead of the first
    /// `/`, `?` or `#`. (Spin takes the first `@` ahead of a `/`, and so `redis://there?@here` for `here`.)
    fn parse(text: &str, scheme: &str) -> Option<Self> {
        let url = match Url::parse(text) {
            Ok(url) if url.has_host() => url,
            _ if text.contains("://") => return None,
            _ => Url::parse(&format!("{scheme}://{text}")).ok()?,
        };
        // Of a scheme the URL standard does not know it leaves the host as text, even when it is an address.
        let host = Host::parse(url.host_str()?).ok()?;
        Some(Self { scheme: url.scheme().to_owned(), host, port: url.port() })
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

/// The component a request to `<id>.spin.internal` is for.
pub fn chained_component(host: &str) -> Option<&str> {
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    let id = host.trim().strip_suffix(CHAINING_SUFFIX)?;
    (!id.contains('.')).then_some(id)
}

#[cfg(test)]
mod tests;
