//! Key names in paths.
//!
//! Clients and proxies alter paths: they resolve `.` and `..`, merge slashes and decode once. So
//! `/keys/entry` accepts any key in its query or body, and `/keys/{key}` only plain names.

use edge_cache::KeyName;
use edge_cache_admin::Error;

/// Longest name that `/keys/{key}` accepts, in bytes.
const MAX_NAME_BYTES: usize = 1024;
/// The last segment of `/keys/entry`, and therefore never a name in `/keys/{key}`.
const ENTRY_SEGMENT: &str = "entry";

/// Reads the name after `/keys/`, still percent-encoded.
///
/// # Errors
/// [`Error::Invalid`], with the alternative, for a name that clients and proxies may alter: an
/// empty one, one with an empty, `.` or `..` segment, a backslash or control characters, one that
/// is not UTF-8 or is longer than 1 KiB, and `entry`.
pub fn key_from_path(segment: &str) -> Result<KeyName, Error> {
    let bytes: Vec<u8> = percent_encoding::percent_decode_str(segment).collect();
    let name = std::str::from_utf8(&bytes)
        .ok()
        .filter(|name| is_plain(name));

    name.map(KeyName::new).ok_or_else(|| {
        Error::invalid(
            "key",
            "is not a name that a path carries unaltered; use /api/cache/keys/entry?key=<percent-encoded name> or \
             ?keyBase64=<base64 of the name>; PATCH, DELETE and POST take either in the body",
        )
    })
}

/// True if browsers, HTTP libraries and proxies pass on the name unaltered in a path. They resolve
/// `.` and `..`, merge slashes, turn backslashes into slashes and decode once.
fn is_plain(name: &str) -> bool {
    let is_altered = |segment: &str| segment.is_empty() || segment == "." || segment == "..";
    let is_special = |letter: char| letter.is_control() || letter == '\\';

    name.len() <= MAX_NAME_BYTES
        && name != ENTRY_SEGMENT
        && !name.contains(is_special)
        && !name.split('/').any(is_altered)
}

/// Decodes one segment of a path. Bytes that are not UTF-8 are replaced.
pub fn decode_segment(segment: &str) -> String {
    percent_encoding::percent_decode_str(segment)
        .decode_utf8_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names that clients or proxies alter, or that `/keys/{key}` cannot tell apart.
    const ALTERED: [&str; 20] = [
        "",
        "/",
        "a/",
        "/a",
        "a//b",
        "%2F",
        "a%2F%2Fb",
        ".",
        "..",
        "%2E",
        "a/%2e%2e/b",
        "./a",
        "a%0Ab",
        "a%09",
        "a%5Cb",
        "%FF",
        "entry",
        "%65ntry",
        "%00",
        "a%C2%85",
    ];

    fn refusal(segment: &str) -> String {
        key_from_path(segment).unwrap_err().to_string()
    }

    #[test]
    fn a_name_that_a_path_may_alter_is_refused_with_the_alternative() {
        for segment in ALTERED {
            let detail = refusal(segment);
            assert!(detail.starts_with("`key`"), "{segment}: {detail}");
            assert!(detail.contains("/keys/entry?key="), "{segment}: {detail}");
        }
    }

    #[test]
    fn a_long_name_is_refused() {
        assert!(key_from_path(&"x".repeat(MAX_NAME_BYTES)).is_ok());
        assert!(refusal(&"x".repeat(MAX_NAME_BYTES + 1)).contains("/keys/entry?key="));
    }

    #[test]
    fn a_plain_name_is_decoded() {
        for (segment, name) in [
            ("users:1", "users:1"),
            ("a%20b", "a b"),
            ("a/b", "a/b"),
            ("a%2Fb", "a/b"),
            ("...", "..."),
            ("%C3%A9+", "é+"),
        ] {
            assert_eq!(key_from_path(segment).unwrap(), KeyName::new(name));
        }
    }
}
