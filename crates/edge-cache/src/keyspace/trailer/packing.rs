//! The bytes of a trailer: numbers of any size, and whitespace that stands for bytes.

/// The characters that stand for two bits.
const ALPHABET: [u8; 4] = *b" \t\n\r";
/// In place of bits, for a character that is none of these.
const OTHER: u8 = 4;
/// The two bits of each character.
const BITS: [u8; 256] = {
    let mut bits = [OTHER; 256];
    let mut index = 0;
    while index < ALPHABET.len() {
        bits[ALPHABET[index] as usize] = index as u8;
        index += 1;
    }
    bits
};

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
    let mut bytes = Vec::with_capacity(quads.len());
    for quad in quads {
        bytes.push(byte_of(quad)?);
    }
    Some(bytes)
}

/// Reads a number of two bytes.
pub(super) fn number_of_whitespace(text: &[u8; 8]) -> Option<u16> {
    let (quads, _) = text.as_chunks::<4>();
    let bytes = [byte_of(quads.first()?)?, byte_of(quads.last()?)?];
    Some(u16::from_be_bytes(bytes))
}

fn byte_of(quad: &[u8; 4]) -> Option<u8> {
    let bits = quad.map(|character| BITS[usize::from(character)]);
    // `OTHER` is the only one above 3.
    let is_whitespace = bits[0] | bits[1] | bits[2] | bits[3] < OTHER;
    is_whitespace.then_some(bits[0] << 6 | bits[1] << 4 | bits[2] << 2 | bits[3])
}
