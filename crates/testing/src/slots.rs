//! The slots of Redis Cluster.

use std::ops::Range;

/// The number of slots.
pub(crate) const SLOTS: u16 = 16_384;

/// The slot of a key: of its hash tag (the text within the first braces) when it has one that is not
/// empty, else of the whole key.
pub fn slot_of_key(key: &[u8]) -> u16 {
    crc16(&key[hash_tag(key)]) % SLOTS
}

fn hash_tag(key: &[u8]) -> Range<usize> {
    let tag = || {
        let start = key.iter().position(|byte| *byte == b'{')? + 1;
        let length = key[start..].iter().position(|byte| *byte == b'}')?;
        (length > 0).then_some(start..start + length)
    };
    tag().unwrap_or(0..key.len())
}

/// CRC-16/XMODEM, as Redis Cluster's specification has it.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc: u16, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            let shifted = crc << 1;
            if crc & 0x8000 == 0 {
                shifted
            } else {
                shifted ^ 0x1021
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_specification() {
        for (key, slot) in [
            ("123456789", 12_739),
            ("user:{1}:x", 9842),
            ("a}b", 7866),
            ("", 0),
        ] {
            assert_eq!(slot_of_key(key.as_bytes()), slot, "{key}");
        }
    }

    #[test]
    fn an_empty_hash_tag_does_not_count() {
        assert_eq!(hash_tag(b"a{}{b}"), 0..6);
        assert_eq!(hash_tag(b"a{{b}}c"), 2..4);
        assert_eq!(hash_tag(b"a{b"), 0..3);
    }
}
