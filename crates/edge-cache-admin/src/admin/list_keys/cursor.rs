//! Cursors of the key list, which make it lossless: Redis' own cursor, and what earlier pages
//! returned of its unfinished step.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use edge_cache::KeyName;
use edge_cache::keyspace::pattern::Pattern;

/// Bytes of a name's hash in a cursor.
const HASH_BYTES: usize = 8;
/// Characters of the check in a cursor.
const CHECK_CHARS: usize = 8;

/// Begins a cursor of Redis that is not a number.
const NO_NUMBER: char = '~';

/// The hash by which a cursor remembers a name: the first 64 bits of its SHA-1, as the script
/// computes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NameHash([u8; HASH_BYTES]);

impl NameHash {
    pub(super) fn of(key: &KeyName) -> Self {
        let digest = sha1_smol::Sha1::from(key.as_bytes()).digest().bytes();
        let mut hash = [0; HASH_BYTES];
        hash.copy_from_slice(&digest[..HASH_BYTES]);
        Self(hash)
    }

    /// The hash in hexadecimal, as the script takes it.
    pub(super) fn hex(self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The position where a page starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cursor {
    /// Redis' cursor: a number, of some services above 2^63, or any other text.
    pub(super) scan: Vec<u8>,
    /// Names that earlier pages returned of that cursor's step.
    pub(super) returned: Vec<NameHash>,
    /// The node of a Cluster whose cursor it is.
    pub(super) node: Option<NodePlace>,
}

/// A node of a Cluster, whose nodes are listed one after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NodePlace {
    /// Digest of the map of slots: where slots have moved since, the list starts again.
    pub(super) map: u32,
    pub(super) address: String,
}

impl NodePlace {
    fn render(&self) -> String {
        BASE64.encode(format!("{:08x}{}", self.map, self.address))
    }

    fn parse(text: &str) -> Option<Self> {
        let text = String::from_utf8(BASE64.decode(text).ok()?).ok()?;
        let (map, address) = text.split_at_checked(8)?;
        Some(Self {
            map: u32::from_str_radix(map, 16).ok()?,
            address: address.to_owned(),
        })
    }
}

impl Default for Cursor {
    fn default() -> Self {
        Self {
            scan: b"0".to_vec(),
            returned: Vec::new(),
            node: None,
        }
    }
}

impl Cursor {
    /// `<scan>.<check>`, `<scan>.<check>.<hashes>`, or `<scan>.<check>.<hashes>.<node>`. The check binds it to its pattern and type: a
    /// cursor of another walk would silently skip keys.
    pub(super) fn render(&self, pattern: &Pattern, kind: &str) -> String {
        let bytes: Vec<u8> = self.returned.iter().flat_map(|hash| hash.0).collect();
        let hashes = BASE64.encode(bytes);
        let node = self.node.as_ref().map(NodePlace::render);
        let scan = render_scan(&self.scan);
        let check = check(&scan, &hashes, node.as_deref(), pattern, kind);

        match node {
            Some(node) => format!("{scan}.{check}.{hashes}.{node}"),
            None if hashes.is_empty() => format!("{scan}.{check}"),
            None => format!("{scan}.{check}.{hashes}"),
        }
    }

    /// Reads a cursor of the same pattern and type; `0` is the start.
    pub(super) fn parse(text: &str, pattern: &Pattern, kind: &str) -> Option<Self> {
        if text == "0" {
            return Some(Self::default());
        }

        let mut parts = text.splitn(4, '.');
        let scan = parts.next()?;
        let given_check = parts.next()?;
        let hashes = parts.next().unwrap_or("");
        let node = parts.next();
        if given_check != check(scan, hashes, node, pattern, kind) {
            return None;
        }

        let bytes = BASE64.decode(hashes).ok()?;
        let (hashes, rest) = bytes.as_chunks();
        let scan = parse_scan(scan)?;
        rest.is_empty().then(|| Self {
            scan,
            returned: hashes.iter().copied().map(NameHash).collect(),
            node: node.and_then(NodePlace::parse),
        })
    }
}

/// Redis' cursor as a part of the page's cursor: a number as it is, other text in base64.
fn render_scan(scan: &[u8]) -> String {
    match std::str::from_utf8(scan) {
        Ok(number) if is_number(number) => number.to_owned(),
        _ => format!("{NO_NUMBER}{}", BASE64.encode(scan)),
    }
}

fn parse_scan(text: &str) -> Option<Vec<u8>> {
    match text.strip_prefix(NO_NUMBER) {
        Some(encoded) => BASE64.decode(encoded).ok(),
        None => is_number(text).then(|| text.as_bytes().to_vec()),
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn check(scan: &str, hashes: &str, node: Option<&str>, pattern: &Pattern, kind: &str) -> String {
    let node = node.unwrap_or_default();
    let mut sha = sha1_smol::Sha1::from(format!("{scan}.{hashes}.{kind}.{node}"));
    sha.update(pattern.as_bytes());
    let digest = sha.digest().to_string();
    digest.chars().take(CHECK_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::Index;

    use super::*;

    fn users() -> Pattern {
        Pattern::parse("pattern", "users:*").unwrap()
    }

    fn cursor<'a>(scan: u64, names: impl IntoIterator<Item = &'a str>) -> Cursor {
        let hash = |name: &str| NameHash::of(&KeyName::new(name));
        Cursor {
            scan: scan.to_string().into_bytes(),
            returned: names.into_iter().map(hash).collect(),
            node: None,
        }
    }

    #[test]
    fn a_cursor_is_read_back_by_its_own_walk() {
        let cursor = cursor(u64::MAX, ["a", "b"]);

        let text = cursor.render(&users(), "hash");

        assert_eq!(Cursor::parse(&text, &users(), "hash"), Some(cursor));
    }

    #[test]
    fn a_cursor_of_redis_may_be_any_text() {
        for scan in ["9286422431637966426", "0-{06S}-0", "a.b", "~x", ""] {
            let cursor = Cursor {
                scan: scan.as_bytes().to_vec(),
                ..Cursor::default()
            };

            let text = cursor.render(&users(), "");

            assert_eq!(Cursor::parse(&text, &users(), ""), Some(cursor), "{text}");
        }
    }

    #[test]
    fn a_cursor_of_a_node_is_read_back_and_cannot_be_changed() {
        let node = NodePlace {
            map: 0x0a0b_0c0d,
            address: "[fe80::1]:7000".to_owned(),
        };
        let cursor = Cursor {
            node: Some(node),
            ..cursor(0, [])
        };

        let text = cursor.render(&users(), "");
        let (rest, _) = text.rsplit_once('.').unwrap();
        let elsewhere = NodePlace {
            map: 1,
            address: "other:1".to_owned(),
        };

        assert_eq!(Cursor::parse(&text, &users(), ""), Some(cursor));
        assert_eq!(Cursor::parse(rest, &users(), ""), None);
        let forged = format!("{rest}.{}", elsewhere.render());
        assert_eq!(Cursor::parse(&forged, &users(), ""), None);
    }

    #[test]
    fn a_cursor_of_another_walk_is_rejected() {
        let text = cursor(u64::MAX, ["a", "b"]).render(&users(), "hash");

        assert_eq!(Cursor::parse(&text, &Pattern::everything(), "hash"), None);
        assert_eq!(Cursor::parse(&text, &users(), ""), None);
    }

    proptest! {
        #[test]
        fn a_cursor_with_a_changed_position_or_check_is_rejected(
            scan: u64,
            names in vec("[a-z]{1,9}", 0..4),
            at: Index,
            other in "[0-9a-f]",
        ) {
            let cursor = cursor(scan, names.iter().map(String::as_str));
            let text = cursor.render(&users(), "");
            prop_assert_eq!(Cursor::parse(&text, &users(), ""), Some(cursor));

            let checked = text.match_indices('.').nth(1).map_or(text.len(), |(at, _)| at);
            let at = at.index(checked);
            let forged = [&text[..at], &other, &text[at + 1..]].concat();

            if forged != text {
                prop_assert_eq!(Cursor::parse(&forged, &users(), ""), None);
            }
        }
    }
}
