//! A pattern in the form that walks over the keyspace use.
//!
//! A server serves nobody else while it matches, and the part after a star may cost it the product
//! of the lengths of name and pattern. So `SCAN` gets only the pattern up to its first star, which
//! costs no more than the pattern is long. The script matches the rest (`scripts/lib/pattern.lua`):
//! it knows the length of each name and stops when its step is over.

use rmp::encode;

use super::element::{Element, elements};

/// A pattern translated for scripts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// For `SCAN ... MATCH`: the pattern up to its first star, inclusive.
    pub head: Vec<u8>,
    /// For `lib/pattern.lua`, packed as msgpack: the weight of a byte of a name, then for each part
    /// between stars: 1 for a Lua pattern or 0 for text, the number of bytes it matches, and itself.
    /// The first part is the beginning of names, the last one their end; without a star there is
    /// only the first.
    pub parts: Vec<u8>,
}

impl Search {
    /// Translates the bytes of a pattern.
    pub(super) fn translate(pattern: &[u8]) -> Self {
        // Only a stored pattern can be malformed, because others were checked.
        let elements = elements(pattern).unwrap_or_default();
        let parts: Vec<&[Element]> = elements
            .split(|element| *element == Element::Star)
            .collect();
        let last = parts.len() - 1;
        let kept: Vec<&[Element]> = parts
            .iter()
            .enumerate()
            .filter(|(at, part)| *at == 0 || *at == last || !part.is_empty())
            .map(|(_, part)| *part)
            .collect();

        let mut packed = Vec::new();
        pack_int(&mut packed, weight(&kept));
        for part in kept {
            let is_lua = part.iter().any(Element::is_wildcard);
            let text: Vec<u8> = part
                .iter()
                .flat_map(|element| translate(element, is_lua))
                .collect();
            pack_int(&mut packed, i64::from(is_lua));
            pack_int(&mut packed, part.len() as i64);
            pack_bytes(&mut packed, &text);
        }

        Self {
            head: head(pattern).to_vec(),
            parts: packed,
        }
    }
}

/// Estimates how many nanoseconds a byte of a name costs at worst. Of the parts between two stars,
/// text is searched by the server's C library, a Lua pattern is tried element by element.
fn weight(parts: &[&[Element]]) -> i64 {
    let searched = parts.get(1..parts.len().saturating_sub(1)).unwrap_or(&[]);
    let of_part = |part: &&[Element]| {
        let is_lua = part.iter().any(Element::is_wildcard);
        let width: usize = part.iter().map(Element::width).sum();
        if is_lua {
            5 * width as i64
        } else {
            1 + width as i64 / 16
        }
    };
    searched.iter().map(of_part).max().unwrap_or(0)
}

/// Returns the pattern up to its first star, inclusive.
fn head(pattern: &[u8]) -> &[u8] {
    let mut rest = pattern;
    while let Some(Ok((element, after))) = Element::first(rest) {
        rest = after;
        if element == Element::Star {
            return pattern.get(..pattern.len() - rest.len()).unwrap_or(pattern);
        }
    }
    pattern
}

fn translate(element: &Element, is_lua: bool) -> Vec<u8> {
    match element {
        Element::Literal(byte) if !is_lua => vec![*byte],
        Element::Literal(byte) => escape(*byte),
        Element::Class { negated, members } => translate_class(*negated, members),
        Element::Any | Element::Star => b".".to_vec(),
    }
}

/// Escapes a byte for a Lua pattern, also within a class.
fn escape(byte: u8) -> Vec<u8> {
    match byte {
        0 => b"%z".to_vec(),
        _ if byte.is_ascii_punctuation() => vec![b'%', byte],
        _ => vec![byte],
    }
}

/// Translates a class to a Lua class. The class of every byte, `[^]`, is `.` in Lua.
fn translate_class(negated: bool, members: &[std::ops::RangeInclusive<u8>]) -> Vec<u8> {
    if members.is_empty() && negated {
        return b".".to_vec();
    }
    let mut class = vec![b'['];
    class.extend(negated.then_some(b'^'));
    for member in members {
        class.extend(translate_range(*member.start(), *member.end()));
    }
    class.push(b']');
    class
}

/// Translates a range to one of a Lua class. Its ends must not be special characters of Lua; those
/// stand before and after the range.
fn translate_range(mut from: u8, mut to: u8) -> Vec<u8> {
    let plain = |byte: u8| byte != 0 && !b"%]^-[".contains(&byte);
    let mut before = Vec::new();
    let mut after = Vec::new();

    while from < to && !plain(from) {
        before.extend(escape(from));
        from += 1;
    }
    while from < to && !plain(to) {
        after.extend(escape(to));
        to -= 1;
    }

    if from == to {
        before.extend(escape(from));
    } else {
        before.extend([from, b'-', to]);
    }

    before.extend(after);
    before
}

fn pack_int(packed: &mut Vec<u8>, number: i64) {
    // Writing to memory cannot fail.
    let _ = encode::write_sint(packed, number);
}

fn pack_bytes(packed: &mut Vec<u8>, bytes: &[u8]) {
    let _ = encode::write_str_len(packed, u32::try_from(bytes.len()).unwrap_or_default());
    packed.extend_from_slice(bytes);
}
