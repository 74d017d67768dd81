//! Cluster slots, and names of what belongs to a key in the key's own slot.
//!
//! A lock, the value for waiters and the chunks that are being written belong to a key. A script
//! that touches them with the key may run on a cluster only if all have one slot, which Redis
//! computes from the first `{...}` of a name that is not empty, else from the whole name.
//!
//! ```text
//! users:1      lock:{users:1}        braces around the whole key
//! {u1}:cart    lock::{u1}:cart       the key's own braces decide
//! a}b          lock:{3qz}:a}b        braces around the key would enclose `a` only: a short text of
//!                                    the same slot stands in them
//! ```
//!
//! No two keys have the same name here: only the second form begins with `::`, and only the third
//! has anything behind its first `}`.

use crc::{CRC_16_XMODEM, Crc};

/// Number of slots of a Cluster.
pub const SLOTS: u16 = 16_384;
const HASH: Crc<u16> = Crc::<u16>::new(&CRC_16_XMODEM);

/// Returns the cluster slot of a key.
pub fn of(key: &[u8]) -> u16 {
    HASH.checksum(hash_tag(key).unwrap_or(key)) % SLOTS
}

/// Returns the name of what belongs to a key, in the key's slot.
pub(crate) fn belonging(prefix: &str, key: &[u8]) -> Vec<u8> {
    let prefix = prefix.as_bytes();
    if hash_tag(key).is_some() {
        [prefix, b"::", key].concat()
    } else if key.is_empty() || key.contains(&b'}') {
        let same_slot = text_of_slot(of(key));
        [prefix, b":{", same_slot.as_bytes(), b"}:", key].concat()
    } else {
        [prefix, b":{", key, b"}"].concat()
    }
}

/// Returns whether the name of what belongs to a key has the key's own braces, or others, instead of braces
/// around the key.
pub(crate) fn belonging_has_own_braces(key: &[u8]) -> bool {
    hash_tag(key).is_some() || key.is_empty() || key.contains(&b'}')
}

/// Returns what is between the first `{` and the next `}`, unless that is nothing.
fn hash_tag(key: &[u8]) -> Option<&[u8]> {
    let (_, behind) = split_at_byte(key, b'{')?;
    let (tag, _) = split_at_byte(behind, b'}')?;
    (!tag.is_empty()).then_some(tag)
}

fn split_at_byte(bytes: &[u8], byte: u8) -> Option<(&[u8], &[u8])> {
    let at = bytes.iter().position(|found| *found == byte)?;
    Some((bytes.get(..at)?, bytes.get(at + 1..)?))
}

/// Returns a short text of this slot. Names whose braces need it are rare, so it is searched: about
/// 16,000 tries.
fn text_of_slot(slot: u16) -> String {
    let mut number = 0_u32;
    loop {
        let text = format!("{number:x}");
        if HASH.checksum(text.as_bytes()) % SLOTS == slot {
            return text;
        }
        number += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const ODD_KEYS: [&[u8]; 13] = [
        b"users:1",
        b"{u1}:cart",
        b"a{u1}",
        b"a}b",
        b"a{b",
        b"{}x",
        b"{}{u1}",
        b"{{}}",
        b"}{",
        b"{",
        b"}",
        b"{}",
        b"",
    ];

    #[test]
    fn slots_are_those_that_redis_computes() {
        // CLUSTER KEYSLOT of Redis 7.
        let known: [(&[u8], u16); 6] = [
            (b"foo", 12_182),
            (b"{foo}:x", 12_182),
            (b"a{foo}b{bar}", 12_182),
            (b"", 0),
            (b"{}foo", 9_500),
            (b"foo{", 7_673),
        ];
        for (key, slot) in known {
            assert_eq!(of(key), slot, "{}", String::from_utf8_lossy(key));
        }
    }

    #[test]
    fn what_belongs_to_a_key_is_in_its_slot() {
        for key in ODD_KEYS {
            let lock = belonging("lock", key);

            assert_eq!(of(&lock), of(key), "{}", String::from_utf8_lossy(&lock));
        }
    }

    #[test]
    fn no_two_keys_share_a_name() {
        let texts = ["", "{", "}", "u1", "{u1}", ":", "::", "0}:", "{u1}:", "u1}"];
        let keys: HashSet<String> = texts
            .iter()
            .flat_map(|one| texts.iter().map(move |other| format!("{one}{other}")))
            .collect();

        let names: HashSet<Vec<u8>> = keys
            .iter()
            .map(|key| belonging("lock", key.as_bytes()))
            .collect();

        assert_eq!(names.len(), keys.len());
    }

    proptest::proptest! {
        #[test]
        fn what_belongs_to_any_key_is_in_its_slot(
            key in proptest::collection::vec(proptest::sample::select(&b"{}:a\xff"[..]), 0..8),
        ) {
            proptest::prop_assert_eq!(of(&belonging("lock", &key)), of(&key));
        }
    }
}
