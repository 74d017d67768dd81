//! Addresses of nodes within URLs: `redis[s]://[user:password@]host[:port][/database]`.

use super::slot_map::NodeAddress;

const DEFAULT_PORT: u16 = 6379;

/// Returns the URL of another node: with the same login, database and TLS.
pub fn at_node(url: &str, node: &NodeAddress) -> String {
    let Parts { login, behind, .. } = Parts::of(url);
    format!("{login}{node}{behind}")
}

/// Returns the address in a URL; `None` where it has none.
pub fn node_of(url: &str) -> Option<NodeAddress> {
    let Parts { address, .. } = Parts::of(url);
    let has_port = address
        .rsplit_once(':')
        .is_some_and(|(_, port)| !port.ends_with(']'));
    let node = if has_port {
        NodeAddress::parse(address, None)?
    } else {
        NodeAddress::parse(&format!("{address}:{DEFAULT_PORT}"), None)?
    };
    (!node.host.is_empty()).then_some(node)
}

/// Returns the number of the logical database in a URL; `None` where it is not a number.
pub fn database_of(url: &str) -> Option<u16> {
    let Parts { behind, .. } = Parts::of(url);
    let path = behind.split(['?', '#']).next().unwrap_or_default();
    match path.trim_start_matches('/') {
        "" => Some(0),
        number => number.parse().ok(),
    }
}

/// The parts of a URL.
struct Parts<'a> {
    /// The scheme and the login.
    login: &'a str,
    address: &'a str,
    /// The database, and what follows it.
    behind: &'a str,
}

impl<'a> Parts<'a> {
    fn of(url: &'a str) -> Self {
        let scheme = url.find("://").map_or(0, |at| at + 3);
        let authority_end = url
            .get(scheme..)
            .and_then(|rest| rest.find(['/', '?', '#']))
            .map_or(url.len(), |at| scheme + at);
        let authority = url.get(scheme..authority_end).unwrap_or_default();
        let address = scheme + authority.rfind('@').map_or(0, |at| at + 1);
        Self {
            login: url.get(..address).unwrap_or_default(),
            address: url.get(address..authority_end).unwrap_or_default(),
            behind: url.get(authority_end..).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_node_has_the_same_login_database_and_tls() {
        let node = NodeAddress::parse("10.0.0.2:7001", None).unwrap();
        let at = |url: &str| at_node(url, &node);

        assert_eq!(at("redis://127.0.0.1:6379/0"), "redis://10.0.0.2:7001/0");
        assert_eq!(
            at("rediss://ada:p%40ss@a.example:6380/2"),
            "rediss://ada:p%40ss@10.0.0.2:7001/2"
        );
        assert_eq!(at("redis://h"), "redis://10.0.0.2:7001");
    }

    #[test]
    fn the_address_of_a_url_is_read() {
        let of = |url: &str| node_of(url).map(|node| node.to_string());

        assert_eq!(
            of("redis://127.0.0.1:7000/0").as_deref(),
            Some("127.0.0.1:7000")
        );
        assert_eq!(
            of("rediss://:pw@h.example").as_deref(),
            Some("h.example:6379")
        );
        assert_eq!(of("redis://[fe80::1]/1").as_deref(), Some("[fe80::1]:6379"));
        assert_eq!(of("redis://[fe80::1]:1/1").as_deref(), Some("[fe80::1]:1"));
        assert_eq!(of("redis:///0"), None);
    }

    #[test]
    fn the_database_of_a_url_is_read() {
        for (url, database) in [
            ("redis://127.0.0.1:7000/3", Some(3)),
            ("redis://h.example", Some(0)),
            ("redis://h.example/", Some(0)),
            ("redis://h.example/7?protocol=resp3", Some(7)),
            ("redis://h.example/cache", None),
        ] {
            assert_eq!(database_of(url), database, "{url}");
        }
    }
}
