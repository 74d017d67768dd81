//! The groups of a key, by the segments of its name. `scripts/lib/segments.lua` has the same rules.

use edge_cache::KeyName;
use serde::{Deserialize, Serialize};

/// The longest segment that is shown; longer ones count as ids.
const MAX_SEGMENT_BYTES: usize = 128;
/// Stands for a segment that is an id.
const ID: &[u8] = b"{id}";

/// A group: its name, and the number of its segments.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct GroupName {
    pub(crate) prefix: Vec<u8>,
    pub(crate) depth: u8,
}

/// Returns the groups of a key, from its module down to `depth`.
pub(super) fn groups_of(name: &KeyName, depth: u8) -> Vec<GroupName> {
    let bytes = name.as_bytes();
    if name.is_protected() {
        let length = bytes.iter().position(|byte| *byte == b':').unwrap_or(0) + 1;
        let prefix = bytes.get(..length).unwrap_or(bytes).to_vec();
        return vec![GroupName { prefix, depth: 1 }];
    }

    let segments: Vec<&[u8]> = bytes.split(|byte| *byte == b':').collect();
    let mut groups = Vec::new();
    let (mut prefix, mut has_id) = (Vec::new(), false);
    for (index, segment) in segments.iter().enumerate().take(depth.into()) {
        let goes_on = index + 1 < segments.len();
        let is_id = segment.len() > MAX_SEGMENT_BYTES || is_id(segment);
        has_id |= is_id;
        let depth = u8::try_from(index + 1).unwrap_or(u8::MAX);
        if !goes_on && !has_id {
            if index == 0 {
                groups.push(GroupName { prefix, depth });
            }
            break;
        }

        prefix.extend_from_slice(if is_id { ID } else { segment });
        if goes_on {
            prefix.push(b':');
        }
        groups.push(GroupName {
            prefix: prefix.clone(),
            depth,
        });
    }
    groups
}

/// Returns whether a segment is a number, date, address, UUID or random text.
fn is_id(segment: &[u8]) -> bool {
    let segment = segment.strip_prefix(b"{").unwrap_or(segment);
    let segment = segment.strip_suffix(b"}").unwrap_or(segment);
    let has = |test: fn(&u8) -> bool| segment.iter().any(test);
    let all = |test: fn(&u8) -> bool| segment.iter().all(test);

    if segment.first().is_some_and(u8::is_ascii_digit)
        && all(|byte| byte.is_ascii_digit() || b"._-".contains(byte))
    {
        return true;
    }
    if segment.len() < 8 || !has(u8::is_ascii_digit) {
        return false;
    }
    if all(u8::is_ascii_hexdigit) || is_uuid(segment) {
        return true;
    }
    if segment.len() >= 16 && all(u8::is_ascii_alphanumeric) {
        return segment.iter().filter(|byte| byte.is_ascii_digit()).count() >= 2;
    }
    segment.len() >= 20
        && all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(byte))
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase)
}

fn is_uuid(segment: &[u8]) -> bool {
    let parts: Vec<&[u8]> = segment.split(|byte| *byte == b'-').collect();
    let is_hex = |part: &&[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_hexdigit);
    segment.len() == 36 && parts.len() == 5 && parts.iter().all(is_hex)
}

impl GroupName {
    /// Returns whether its keys are edge-cache's own.
    pub(super) fn is_internal(&self) -> bool {
        self.depth == 1 && matches!(self.prefix.as_slice(), b"cache:" | b"lock:")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(name: &str, depth: u8) -> Vec<String> {
        let groups = groups_of(&KeyName::new(name), depth).into_iter();
        groups
            .map(|group| String::from_utf8(group.prefix).unwrap())
            .collect()
    }

    #[test]
    fn ids_are_one_group() {
        for (name, expected) in [
            (
                "products:17:details",
                vec!["products:", "products:{id}:", "products:{id}:details"],
            ),
            ("users:42", vec!["users:", "users:{id}"]),
            ("seo:page:about-us", vec!["seo:", "seo:page:"]),
            ("{u1:7}:cart", vec!["{u1:", "{u1:{id}:", "{u1:{id}:cart"]),
            ("counter", vec![""]),
            ("5f0c2a9e", vec!["{id}"]),
            ("a:b:c:d:e", vec!["a:", "a:b:", "a:b:c:"]),
            ("a::b", vec!["a:", "a::"]),
            ("cache:tags:7", vec!["cache:"]),
            ("lock:{users:1}", vec!["lock:"]),
        ] {
            assert_eq!(groups(name, 3), expected, "{name}");
        }
        assert_eq!(groups("a:b:c", 1), ["a:"]);
    }

    #[test]
    fn words_are_no_ids() {
        let is = |text: &str| is_id(text.as_bytes());
        for id in [
            "1",
            "{17}",
            "2026-01-31",
            "10.0.0.1",
            "deadbee7",
            "018f2a9e-1111-2222-3333-444455556666",
            "01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "V1StGXR8_Z5jdHi6B-myT",
        ] {
            assert!(is(id), "{id}");
        }

        for word in [
            "details",
            "v2",
            "h1-2",
            "deadbeef",
            "face-b00k",
            "galaxy-s24-ultra-256gb",
            "page2",
            "",
            "internationalisation",
        ] {
            assert!(!is(word), "{word}");
        }
    }
}
