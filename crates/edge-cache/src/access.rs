//! Who may do what: roles, and the tokens that carry them.
//!
//! A token is never kept: the configuration holds its SHA-256, and comparison takes the same time whatever differs.

use std::net::Ipv6Addr;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// What a caller may do; a higher role may do all that a lower one may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Reads statistics, keys' names and progress.
    Viewer,
    /// Reads values, clears by pattern, invalidates keys and tags.
    Operator,
    /// Everything.
    Admin,
}

impl Role {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "viewer" => Some(Self::Viewer),
            "operator" => Some(Self::Operator),
            "admin" => Some(Self::Admin),
            _ => None,
        }
    }

    /// The role's name, as the configuration writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

/// Somebody whose token was recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The token's name: the *who* of the audit trail.
    pub name: String,
    /// What the token may do.
    pub role: Role,
}

/// The configured tokens.
#[derive(Debug, Default)]
pub struct Tokens(Vec<(Caller, [u8; 32])>);

impl Tokens {
    /// Reads `name:role:sha256-hex` entries separated by commas; white space around entries is ignored.
    ///
    /// # Errors
    /// Says which entry is wrong and why, by its position: the text itself may hold a token pasted by mistake.
    pub fn parse(text: &str) -> Result<Self, String> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        entries.enumerate().map(|(index, entry)| Self::entry(index + 1, entry)).collect::<Result<_, _>>().map(Self)
    }

    fn entry(position: usize, entry: &str) -> Result<(Caller, [u8; 32]), String> {
        let mut parts = entry.splitn(3, ':');
        let (Some(name), Some(role), Some(hash)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(format!("entry {position} must be `name:role:sha256-hex-of-token`"));
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@".contains(&byte);
        if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) {
            return Err(format!("entry {position}: the name must be 1 to 64 letters, digits or -_.@"));
        }
        let role = Role::parse(role)
            .ok_or_else(|| format!("entry {position} ({name}): the role must be viewer, operator or admin"))?;
        let hash = decode_hex(hash)
            .ok_or_else(|| format!("entry {position} ({name}): expected the token's SHA-256, 64 hexadecimal digits"))?;
        Ok((Caller { name: name.to_owned(), role }, hash))
    }

    /// Whether no token is configured, so that nobody can be recognised.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whose token this is. Every entry is compared, each in constant time.
    pub fn recognise(&self, token: &str) -> Option<&Caller> {
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let mut found = None;
        for (caller, known) in &self.0 {
            if bool::from(known.ct_eq(&hash)) {
                found = Some(caller);
            }
        }
        found
    }
}

fn decode_hex(text: &str) -> Option<[u8; 32]> {
    let digits = text.as_bytes();
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let mut hash = [0; 32];
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(hash)
}

/// The client a request came from: the peer's address, or the hop that the trusted proxies in front of us saw.
///
/// With `trusted` proxies the last `trusted` addresses of the chain (`x-forwarded-for`, then the peer) are ours; the one
/// before them is the client. A chain shorter than that was not written by our proxies: its first address counts.
pub fn client_address(peer: &str, forwarded_for: &str, trusted: usize) -> String {
    let peer = without_port(peer);
    let chain: Vec<&str> =
        forwarded_for.split(',').map(str::trim).filter(|hop| !hop.is_empty()).chain([peer]).collect();
    let index = chain.len().saturating_sub(1 + trusted);
    let client = chain.get(index).copied().unwrap_or(peer);
    // Only what looks like an address may become part of a key and of the trail.
    let plain = |byte: u8| byte.is_ascii_hexdigit() || b".:".contains(&byte);
    let looks_right = !client.is_empty() && client.len() <= 45 && client.bytes().all(plain);
    if looks_right { client.to_owned() } else { "unknown".to_owned() }
}

/// What denied attempts are counted by: the address, of IPv6 the /64 that it is in, because a client has all of that.
pub fn client_network(address: &str) -> String {
    match address.parse::<Ipv6Addr>() {
        Ok(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => v4.to_string(),
            None => format!("{}/64", Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        },
        Err(_) => address.to_owned(),
    }
}

fn without_port(address: &str) -> &str {
    match address.parse::<std::net::SocketAddr>() {
        Ok(_) => address.rsplit_once(':').map_or(address, |(host, _)| host.trim_matches(['[', ']'])),
        Err(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH_OF_SECRET: &str = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";

    #[test]
    fn a_token_is_recognised_by_its_hash_alone() {
        let tokens = Tokens::parse(&format!(" ops:operator:{HASH_OF_SECRET} , ")).unwrap();
        let caller = tokens.recognise("secret").unwrap();
        assert_eq!((caller.name.as_str(), caller.role), ("ops", Role::Operator));
        assert_eq!(tokens.recognise(HASH_OF_SECRET), None);
        assert_eq!(tokens.recognise(""), None);
    }

    #[test]
    fn roles_are_ordered() {
        assert!(Role::Viewer < Role::Operator && Role::Operator < Role::Admin);
    }

    #[test]
    fn a_bad_entry_is_named_by_position_and_never_repeated() {
        for bad in ["my-secret-token", "a:admin", "a:root:00", "a:admin:my-secret-token", ":admin:00", "a b:admin:00"] {
            let problem = Tokens::parse(&format!("x:viewer:{HASH_OF_SECRET},{bad}")).unwrap_err();
            assert!(problem.starts_with("entry 2") && !problem.contains("my-secret-token"), "{problem}");
        }
    }

    #[test]
    fn no_entry_means_nobody() {
        assert!(Tokens::parse("").unwrap().is_empty());
        assert_eq!(Tokens::parse(" , ").unwrap().recognise("secret"), None);
    }

    #[test]
    fn the_client_is_the_last_hop_that_is_not_ours() {
        assert_eq!(client_address("10.0.0.1:5000", "6.6.6.6", 0), "10.0.0.1");
        assert_eq!(client_address("10.0.0.1:5000", "6.6.6.6, 1.2.3.4", 1), "1.2.3.4");
        assert_eq!(client_address("10.0.0.1:5000", "6.6.6.6, 1.2.3.4, 10.0.0.2", 2), "1.2.3.4");
        assert_eq!(client_address("[::1]:5000", "", 0), "::1");
        assert_eq!(client_address("10.0.0.1:5000", "", 3), "10.0.0.1");
        assert_eq!(client_address("10.0.0.1:5000", "evil\nname", 1), "unknown");
    }

    #[test]
    fn the_addresses_of_one_client_are_one_network() {
        assert_eq!(client_network("192.0.2.7"), "192.0.2.7");
        assert_eq!(client_network("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(client_network("2001:db8:1:2:3::4"), "2001:db8:1:2::/64");
        assert_eq!(client_network("unknown"), "unknown");
    }
}
