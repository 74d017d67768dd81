//! The difference between two values, for the audit trail: what both have before and after the change is left
//! out, but for a few characters.

use serde::{Deserialize, Serialize};

/// Bytes that are shown before and behind a change.
const CONTEXT_BYTES: usize = 24;
/// The longest part of a value, in bytes. An audit record has at most 4 KiB, in which a character may take
/// several.
const MAX_PART_BYTES: usize = 1400;

/// The changed part of a value, before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ValueDifference {
    /// The byte at which the parts begin.
    pub at: u64,
    /// The part before the change.
    pub before: String,
    /// The part after it.
    pub after: String,
    /// True if the parts were cut, or have bytes that are not UTF-8.
    pub cut: bool,
}

impl ValueDifference {
    pub(crate) fn between(before: &[u8], after: &[u8]) -> Self {
        let shorter = before.len().min(after.len());
        let pairs = before.iter().zip(after);
        let same_head = pairs.take_while(|(one, other)| one == other).count();
        let pairs = before.iter().rev().zip(after.iter().rev());
        let same_tail = pairs.take_while(|(one, other)| one == other).count();
        let same_tail = same_tail.min(shorter - same_head);

        let from = boundary_before(before, same_head.saturating_sub(CONTEXT_BYTES));
        let tail = same_tail.saturating_sub(CONTEXT_BYTES);
        let (before, is_before_cut) = part(before, from, tail);
        let (after, is_after_cut) = part(after, from, tail);
        Self {
            at: from as u64,
            before,
            after,
            cut: is_before_cut || is_after_cut,
        }
    }

    /// Halves the parts. Returns false if nothing is left to be cut.
    pub(super) fn halve(&mut self) -> bool {
        if self.before.is_empty() && self.after.is_empty() {
            return false;
        }
        for part in [&mut self.before, &mut self.after] {
            let half = part.floor_char_boundary(part.len() / 2);
            part.truncate(half);
        }
        self.cut = true;
        true
    }
}

/// The beginning of the character that this byte belongs to.
fn boundary_before(value: &[u8], mut at: usize) -> usize {
    while at > 0 && value.get(at).is_some_and(|byte| byte & 0xc0 == 0x80) {
        at -= 1;
    }
    at
}

fn part(value: &[u8], from: usize, tail: usize) -> (String, bool) {
    let end = value.len() - tail;
    let part = value.get(from..end.max(from)).unwrap_or_default();
    let bounded = part.get(..MAX_PART_BYTES).unwrap_or(part);
    let text = String::from_utf8_lossy(bounded);
    let is_cut = bounded.len() < part.len() || text.contains(char::REPLACEMENT_CHARACTER);
    (text.into_owned(), is_cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between(before: &str, after: &str) -> (u64, String, String, bool) {
        let found = ValueDifference::between(before.as_bytes(), after.as_bytes());
        (found.at, found.before, found.after, found.cut)
    }

    #[test]
    fn a_short_value_is_shown_whole() {
        let (at, before, after, cut) = between(r#"{"stock":7}"#, r#"{"stock":10}"#);
        assert_eq!((at, cut), (0, false));
        assert_eq!(
            (before.as_str(), after.as_str()),
            (r#"{"stock":7}"#, r#"{"stock":10}"#)
        );
        assert_eq!(between("aa", "aaa"), (0, "aa".into(), "aaa".into(), false));
        assert_eq!(between("", "x"), (0, String::new(), "x".into(), false));
    }

    #[test]
    fn of_a_long_value_only_the_surroundings_of_the_change_are_shown() {
        let same = "é".repeat(1000);
        let (at, before, after, cut) =
            between(&format!("{same}1{same}"), &format!("{same}22{same}"));

        assert_eq!(at, 1976);
        assert_eq!(before, format!("{0}1{0}", "é".repeat(12)));
        assert_eq!(after, format!("{0}22{0}", "é".repeat(12)));
        assert!(!cut);
    }

    #[test]
    fn long_changes_and_bytes_are_marked_as_cut() {
        let (_, before, _, cut) = between(&"x".repeat(5000), "y");
        assert_eq!(before.len(), MAX_PART_BYTES);
        assert!(cut);

        let bytes = ValueDifference::between(b"\xff", b"\xfe");
        assert!(bytes.cut);
    }
}
