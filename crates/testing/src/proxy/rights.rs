//! The rights of a connection's own user, which are narrowed to the declared keys while a script runs.
//! Redis checks them for each command of a script.

use std::io::Result;

use super::upstream::Upstream;

/// A user of the server, for one connection.
#[derive(Debug)]
pub(super) struct Rights {
    admin: Upstream,
    user: String,
}

impl Rights {
    /// Creates a user for the connection, and logs it in.
    pub(super) fn create(port: u16, connection: &mut Upstream) -> Result<Self> {
        let user = format!("proxy-{}", connection.local_port()?);
        let mut rights = Self {
            admin: Upstream::connect(port)?,
            user,
        };

        let all = ["reset", "on", "nopass", "~*", "&*", "+@all"];
        rights.set(&all.map(|rule| rule.as_bytes().to_vec()))?;
        rights.log_in(connection)?;
        Ok(rights)
    }

    /// Logs the user in, again after the client itself logged in.
    pub(super) fn log_in(&mut self, connection: &mut Upstream) -> Result<()> {
        connection.run(&[b"AUTH", self.user.as_bytes(), b"any"])
    }

    /// Permits these keys alone.
    pub(super) fn narrow(&mut self, keys: &[&[u8]]) -> Result<()> {
        let patterns = keys.iter().map(|key| pattern(key));
        let rules: Vec<Vec<u8>> = [b"resetkeys".to_vec()]
            .into_iter()
            .chain(patterns)
            .collect();
        self.set(&rules)
    }

    /// Permits all keys again.
    pub(super) fn widen(&mut self) -> Result<()> {
        self.set(&[b"~*".to_vec()])
    }

    fn set(&mut self, rules: &[Vec<u8>]) -> Result<()> {
        let words: [&[u8]; 3] = [b"ACL", b"SETUSER", self.user.as_bytes()];
        let rules = rules.iter().map(Vec::as_slice);
        let words: Vec<&[u8]> = words.into_iter().chain(rules).collect();
        self.admin.run(&words)
    }
}

impl Drop for Rights {
    fn drop(&mut self) {
        // The server may have ended, and the user with it.
        let _ = self.admin.run(&[b"ACL", b"DELUSER", self.user.as_bytes()]);
    }
}

/// The pattern of one key. Patterns cannot have white space, so any character stands for it.
fn pattern(key: &[u8]) -> Vec<u8> {
    let mut pattern = vec![b'~'];
    for byte in key {
        match byte {
            b'*' | b'?' | b'[' | b']' | b'\\' | b'^' => pattern.extend([b'\\', *byte]),
            0 | 0x0b => pattern.push(b'?'),
            byte if byte.is_ascii_whitespace() => pattern.push(b'?'),
            byte => pattern.push(*byte),
        }
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_one_key() {
        assert_eq!(pattern(b"a:{b}"), b"~a:{b}");
        assert_eq!(pattern(b"a*[b]?\\"), b"~a\\*\\[b\\]\\?\\\\");
        assert_eq!(pattern(b"a b\0"), b"~a?b?");
    }
}
