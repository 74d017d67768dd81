//! Address of the client behind trusted proxies.

use std::net::IpAddr;

use ip_network::IpNetwork;

/// Longest text of an IPv6 address, in bytes.
const MAX_ADDRESS_BYTES: usize = 45;

/// The proxies in front of the application, whose `x-forwarded-for` is trusted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies {
    /// Number of proxies that a request passes.
    count: usize,
    networks: Vec<IpNetwork>,
}

impl TrustedProxies {
    /// Reads addresses and networks separated by commas: `10.0.0.0/8, 192.0.2.7, fd00::/8`.
    ///
    /// # Errors
    /// The first text that is neither.
    pub fn parse(count: usize, addresses: &str) -> Result<Self, String> {
        let texts = addresses
            .split(',')
            .map(str::trim)
            .filter(|text| !text.is_empty());
        let networks: Result<_, _> = texts.map(parse_network).collect();

        Ok(Self {
            count,
            networks: networks?,
        })
    }

    /// True if no proxy header is trusted.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// True if a hop is one of the proxies.
    fn contains(&self, hop: &str) -> bool {
        let Ok(address) = hop.parse::<IpAddr>() else {
            return false;
        };

        let address = address.to_canonical();
        self.networks
            .iter()
            .any(|network| network.contains(address))
    }

    /// Returns the address of the client that sent a request: the peer's, or the one that the
    /// trusted proxies recorded. Text that is not like an address becomes `unknown`.
    ///
    /// The chain is `x-forwarded-for`, then the peer. From its end, up to `count` hops are skipped
    /// while each is a listed proxy; the hop before them is the client. A hop that is not listed
    /// may have written anything before it, so it is the client itself. If the host does not report
    /// the peer, the peer cannot be checked and is skipped like a listed one.
    pub fn client_address(&self, peer: &str, forwarded_for: &str) -> String {
        let peer = without_port(peer);
        let hops = forwarded_for
            .split(',')
            .map(str::trim)
            .filter(|hop| !hop.is_empty());
        let chain: Vec<&str> = hops.chain([peer]).collect();

        let last = chain.len() - 1;
        let skipped = chain
            .iter()
            .rev()
            .take(self.count.min(last))
            .take_while(|hop| hop.is_empty() || self.contains(without_port(hop)))
            .count();
        let client = chain
            .get(last - skipped)
            .map_or(peer, |hop| without_port(hop));

        // The address becomes part of Redis keys and audit records.
        if is_like_an_address(client) {
            client.to_owned()
        } else {
            "unknown".to_owned()
        }
    }
}

fn parse_network(text: &str) -> Result<IpNetwork, String> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(address.into());
    }
    text.parse().map_err(|_| {
        format!(
            "must be addresses or networks separated by commas, such as 10.0.0.0/8: {text} is neither"
        )
    })
}

fn is_like_an_address(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_hexdigit() || b".:".contains(&byte);
    (1..=MAX_ADDRESS_BYTES).contains(&text.len()) && text.bytes().all(is_allowed)
}

fn without_port(address: &str) -> &str {
    match address.parse::<std::net::SocketAddr>() {
        Ok(_) => address
            .rsplit_once(':')
            .map_or(address, |(host, _)| host.trim_matches(['[', ']'])),
        Err(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded_for: &str, count: usize) -> String {
        TrustedProxies::parse(count, "10.0.0.0/8, ::1, 192.0.2.7")
            .unwrap()
            .client_address(peer, forwarded_for)
    }

    #[test]
    fn the_client_is_the_last_hop_that_is_not_a_trusted_proxy() {
        assert_eq!(client("10.0.0.1:5000", "6.6.6.6", 0), "10.0.0.1");
        assert_eq!(client("10.0.0.1:5000", "6.6.6.6, 1.2.3.4", 1), "1.2.3.4");
        assert_eq!(
            client("10.0.0.1:5000", "6.6.6.6, 1.2.3.4, 10.0.0.2", 2),
            "1.2.3.4"
        );
        assert_eq!(client("10.0.0.1:5000", "1.2.3.4:6000", 1), "1.2.3.4");
        assert_eq!(client("[::1]:5000", "", 0), "::1");
        assert_eq!(client("10.0.0.1:5000", "", 3), "10.0.0.1");
        assert_eq!(client("[::ffff:10.0.0.1]:5000", "1.2.3.4", 1), "1.2.3.4");
        assert_eq!(client("10.0.0.1:5000", "evil\nname", 1), "unknown");
        assert_eq!(
            client("", "1.2.3.4", 1),
            "1.2.3.4",
            "the host does not report the peer"
        );
    }

    #[test]
    fn a_header_is_trusted_only_from_listed_proxies() {
        assert_eq!(client("203.0.113.9:5000", "1.2.3.4", 1), "203.0.113.9");
        assert_eq!(
            client("10.0.0.1:5000", "1.2.3.4, 203.0.113.9", 2),
            "203.0.113.9"
        );
        assert_eq!(client("192.0.2.7:1", "1.2.3.4", 1), "1.2.3.4");
    }

    #[test]
    fn a_text_that_is_not_a_network_is_reported() {
        for bad in ["10.0.0.0/33", "proxy.internal", "10.0.0.1/8", "*"] {
            assert!(
                TrustedProxies::parse(1, bad).unwrap_err().contains(bad),
                "{bad}"
            );
        }
    }
}
