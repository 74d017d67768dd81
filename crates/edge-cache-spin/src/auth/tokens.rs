//! Tokens and the callers that carry them.
//!
//! A token is never stored: the configuration has its SHA-256. A comparison takes the same time
//! wherever the digests differ.

use edge_cache_admin::Role;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// A caller whose token was recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The token's name, which is in the caller's audit records.
    pub name: String,
    /// The token's role.
    pub role: Role,
}

/// The SHA-256 of a token.
type Digest256 = [u8; 32];

/// The configured tokens.
#[derive(Debug, Default)]
pub struct Tokens(Vec<(Caller, Digest256)>);

/// Longest name of a token, in bytes.
const MAX_NAME_BYTES: usize = 64;

impl Tokens {
    /// Reads `name:role:sha256-hex` entries separated by commas, with optional white space around
    /// each.
    ///
    /// # Errors
    /// The position of the first bad entry, and its fault. The text itself is not repeated, because
    /// it may be a token pasted by mistake.
    pub fn parse(text: &str) -> Result<Self, String> {
        let entries = text
            .split(',')
            .map(str::trim)
            .filter(|entry| !entry.is_empty());

        let tokens: Result<_, _> = entries
            .enumerate()
            .map(|(index, entry)| Self::parse_entry(index + 1, entry))
            .collect();
        tokens.map(Self)
    }

    fn parse_entry(position: usize, entry: &str) -> Result<(Caller, Digest256), String> {
        let mut parts = entry.splitn(3, ':');
        let (Some(name), Some(role), Some(digest)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(format!(
                "entry {position} must be `name:role:sha256-hex-of-token`"
            ));
        };

        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@".contains(&byte);
        if !(1..=MAX_NAME_BYTES).contains(&name.len()) || !name.bytes().all(is_allowed) {
            return Err(format!(
                "entry {position}: the name must be 1 to {MAX_NAME_BYTES} letters, digits or -_.@"
            ));
        }

        let role = Role::parse(role).ok_or_else(|| {
            format!("entry {position} ({name}): the role must be viewer, operator or admin")
        })?;
        let digest = decode_hex(digest).ok_or_else(|| {
            format!(
                "entry {position} ({name}): expected the token's SHA-256, 64 hexadecimal digits"
            )
        })?;

        let caller = Caller {
            name: name.to_owned(),
            role,
        };
        Ok((caller, digest))
    }

    /// True if no token is configured. Then no caller can be recognised.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Finds the caller that a token belongs to. Every entry is compared, each in constant time.
    pub fn recognise(&self, token: &str) -> Option<&Caller> {
        let digest: Digest256 = Sha256::digest(token.as_bytes()).into();
        let mut found = None;
        for (caller, known) in &self.0 {
            if bool::from(known.ct_eq(&digest)) {
                found = Some(caller);
            }
        }
        found
    }
}

/// Least number of random bits in a token.
const MIN_TOKEN_BITS: f64 = 128.0;
/// Least number of characters that can contain them, in base64.
const MIN_TOKEN_CHARACTERS: usize = 22;
/// Least number of different characters. Of a billion random tokens, at most one has fewer.
const MIN_DIFFERENT_CHARACTERS: usize = 8;

/// True if a token that was sent can contain 128 random bits: it has 22 characters, or 32 if they
/// are hexadecimal digits.
///
/// The configuration has a digest, which does not show the token's length. So the length is checked
/// when a token arrives. That happens before the comparison, so that the refusal does not reveal a
/// known token.
pub fn is_long_enough(token: &str) -> bool {
    let characters = token.chars().count();
    let mut different: Vec<char> = token.chars().collect();
    different.sort_unstable();
    different.dedup();

    characters >= MIN_TOKEN_CHARACTERS
        && different.len() >= MIN_DIFFERENT_CHARACTERS
        && characters as f64 * bits_per_character(token) >= MIN_TOKEN_BITS
}

/// Returns the bits of one character, given the smallest alphabet that contains all of the token.
fn bits_per_character(token: &str) -> f64 {
    let all = |class: fn(u8) -> bool| token.bytes().all(class);

    let alphabet: u32 = if all(|byte| byte.is_ascii_digit()) {
        10
    } else if all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        || all(|byte| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte))
    {
        16
    } else if all(|byte| byte.is_ascii_lowercase()) || all(|byte| byte.is_ascii_uppercase()) {
        26
    } else if all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase())
        || all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
    {
        36
    } else {
        64
    };
    f64::from(alphabet).log2()
}

fn decode_hex(text: &str) -> Option<Digest256> {
    let digits = text.as_bytes();
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }

    let mut digest = [0; 32];
    for (byte, pair) in digest.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST_OF_SECRET: &str =
        "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";

    #[test]
    fn a_token_is_recognised_by_its_digest_only() {
        let tokens = Tokens::parse(&format!(" ops:operator:{DIGEST_OF_SECRET} , ")).unwrap();

        let caller = tokens.recognise("secret").unwrap();

        assert_eq!(caller.name, "ops");
        assert_eq!(caller.role, Role::Operator);
        assert_eq!(tokens.recognise(DIGEST_OF_SECRET), None);
        assert_eq!(tokens.recognise(""), None);
    }

    #[test]
    fn a_bad_entry_is_reported_by_position_and_never_repeated() {
        for bad in [
            "my-secret-token",
            "a:admin",
            "a:root:00",
            "a:admin:my-secret-token",
            ":admin:00",
            "a b:admin:00",
        ] {
            let setting = format!("x:viewer:{DIGEST_OF_SECRET},{bad}");

            let problem = Tokens::parse(&setting).unwrap_err();

            assert!(problem.starts_with("entry 2"), "{problem}");
            assert!(!problem.contains("my-secret-token"), "{problem}");
        }
    }

    #[test]
    fn without_entries_no_caller_is_recognised() {
        assert!(Tokens::parse("").unwrap().is_empty());
        assert_eq!(Tokens::parse(" , ").unwrap().recognise("secret"), None);
    }

    #[test]
    fn a_token_must_have_128_bits() {
        for long in [
            "0123456789abcdef0123456789abcdef",
            "Zm9vYmFyYmF6cXV4MTIzNA",
            "the-token-of-deploy-c3f8",
            "abcdefghijklmnopqrstuvwxyzab",
        ] {
            assert!(is_long_enough(long), "{long}");
        }

        for short in [
            "",
            "secret",
            "0123456789abcdef0123456789abcde",
            "Zm9vYmFyYmF6cXV4MTIzN",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "12345678901234567890123456789012",
        ] {
            assert!(!is_long_enough(short), "{short}");
        }
    }
}
