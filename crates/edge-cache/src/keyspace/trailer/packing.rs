//! The bytes of a trailer: numbers of any size, and whitespace that stands for bytes.

/// The characters that stand for two bits.
const ALPHABET: [u8; 4] = *b" \t\n\r";

/// Appends a number of 1 to 10 bytes.
pub(super) fn push_number(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Takes such a number from the beginning.
pub(super) fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

pub(super) fn to_whitespace(byte: u8) -> [u8; 4] {
    [6, 4, 2, 0].map(|shift| match byte >> shift & 3 {
        0 => ALPHABET[0],
        1 => ALPHABET[1],
        2 => ALPHABET[2],
        _ => ALPHABET[3],
    })
}

/// Reads what `to_whitespace` has written; `None` for any other text.
pub(super) fn from_whitespace(text: &[u8]) -> Option<Vec<u8>> {
    let (quads, []) = text.as_chunks::<4>() else {
        return None;
    };
    quads.iter().map(byte_of).collect()
}

fn byte_of(quad: &[u8; 4]) -> Option<u8> {
    quad.iter().try_fold(0, |byte, character| {
        let bits = match character {
            b' ' => 0,
            b'\t' => 1,
            b'\n' => 2,
            b'\r' => 3,
            _ => return None,
        };
        Some(byte << 2 | bits)
    })
}
