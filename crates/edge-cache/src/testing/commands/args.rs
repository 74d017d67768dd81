//! Arguments of a command.

use crate::testing::response::Refusal;
use crate::testing::value::parse_integer;

/// The arguments, without the command's name.
pub(super) struct Args<'a>(pub(super) &'a [Vec<u8>]);

impl<'a> Args<'a> {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The argument at this place; empty where there is none, which the table of commands prevents
    /// for required ones.
    pub(super) fn at(&self, place: usize) -> &'a [u8] {
        self.0.get(place).map_or(b"", Vec::as_slice)
    }

    /// The arguments from this place on.
    pub(super) fn from(&self, place: usize) -> &'a [Vec<u8>] {
        self.0.get(place..).unwrap_or_default()
    }

    /// Returns whether the argument at this place is this word.
    pub(super) fn is(&self, place: usize, word: &str) -> bool {
        self.at(place).eq_ignore_ascii_case(word.as_bytes())
    }

    /// The argument at this place as an upper-case word.
    pub(super) fn word(&self, place: usize) -> String {
        String::from_utf8_lossy(self.at(place)).to_ascii_uppercase()
    }

    /// The integer at this place.
    ///
    /// # Errors
    /// Redis' error for anything else.
    pub(super) fn integer(&self, place: usize) -> Result<i64, Refusal> {
        parse_integer(self.at(place)).ok_or_else(Refusal::not_an_integer)
    }

    /// The count at this place.
    ///
    /// # Errors
    /// Redis' error for anything else.
    pub(super) fn count(&self, place: usize) -> Result<usize, Refusal> {
        usize::try_from(self.integer(place)?).map_err(|_| Refusal::not_an_integer())
    }
}

/// Turns two positions, which count from the end where they are negative, into the range of elements
/// that they include.
pub(super) fn range(start: i64, end: i64, length: usize) -> std::ops::Range<usize> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let from_front = |position: i64| {
        if position < 0 {
            length + position
        } else {
            position
        }
    };
    let first = from_front(start).max(0);
    let behind = from_front(end).min(length - 1) + 1;

    if first >= behind {
        return 0..0;
    }
    let place = |position| usize::try_from(position).unwrap_or(0);
    place(first)..place(behind)
}

#[cfg(test)]
mod tests {
    use super::range;

    #[test]
    fn ranges_count_from_either_end() {
        assert_eq!(range(0, -1, 5), 0..5);
        assert_eq!(range(-8, -1, 5), 0..5);
        assert_eq!(range(-2, -1, 5), 3..5);
        assert_eq!(range(1, 100, 5), 1..5);
        assert_eq!(range(3, 2, 5), 0..0);
        assert_eq!(range(0, -1, 0), 0..0);
        assert_eq!(range(0, -2, 1), 0..0);
    }
}
