//! Networks of clients, by which denied attempts are counted.

use std::net::Ipv6Addr;

/// The bits of an IPv6 address below its /64 prefix.
const BELOW_PREFIX: u128 = u64::MAX as u128;

/// The network of a client address: the address itself, or for IPv6 its /64, because a client
/// usually controls a whole /64.
pub fn client_network(address: &str) -> String {
    let Ok(v6) = address.parse::<Ipv6Addr>() else {
        return address.to_owned();
    };
    match v6.to_ipv4_mapped() {
        Some(v4) => v4.to_string(),
        None => format!("{}/64", Ipv6Addr::from_bits(v6.to_bits() & !BELOW_PREFIX)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_addresses_of_one_client_are_one_network() {
        assert_eq!(client_network("192.0.2.7"), "192.0.2.7");
        assert_eq!(client_network("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(client_network("2001:db8:1:2:3::4"), "2001:db8:1:2::/64");
        assert_eq!(client_network("unknown"), "unknown");
    }
}
