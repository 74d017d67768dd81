//! Streams.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;

use super::response::Refusal;

/// The id of an entry: milliseconds, and a number within them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Id(pub(super) u64, pub(super) u64);

impl Id {
    pub(super) const MAX: Self = Self(u64::MAX, u64::MAX);

    /// Reads an id. One without its second part gets `number`.
    pub(super) fn parse(text: &[u8], number: u64) -> Result<Self, Refusal> {
        let invalid = || Refusal::new("ERR Invalid stream ID specified as stream command argument");
        let text = std::str::from_utf8(text).map_err(|_| invalid())?;
        let (milliseconds, number) = match text.split_once('-') {
            Some((milliseconds, number)) => (milliseconds, number.parse()),
            None => (text, Ok(number)),
        };

        let milliseconds = milliseconds.parse().map_err(|_| invalid())?;
        Ok(Self(milliseconds, number.map_err(|_| invalid())?))
    }

    fn next(self) -> Self {
        match self.1.checked_add(1) {
            Some(number) => Self(self.0, number),
            None => Self(self.0.saturating_add(1), 0),
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.0, self.1)
    }
}

/// Fields and values of an entry, in turns.
pub(super) type Fields = Vec<Vec<u8>>;

/// A stream. It exists also without entries, and goes on from its last id.
#[derive(Debug, Clone, Default)]
pub(super) struct Stream {
    entries: BTreeMap<Id, Fields>,
    last: Id,
}

impl Stream {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Appends an entry: with this id (`*`, `milliseconds-*` or a whole one), at this time.
    pub(super) fn append(&mut self, id: &[u8], now: u64, fields: Fields) -> Result<Id, Refusal> {
        let id = self.new_id(id, now)?;
        if id <= self.last {
            return Err(Refusal::new(
                "ERR The ID specified in XADD is equal or smaller than the target stream top item",
            ));
        }

        self.entries.insert(id, fields);
        self.last = id;
        Ok(id)
    }

    /// Returns an error for an id that no stream accepts.
    pub(super) fn check_id(id: &[u8]) -> Result<(), Refusal> {
        Self::default().new_id(id, 0).map(drop)
    }

    fn new_id(&self, id: &[u8], now: u64) -> Result<Id, Refusal> {
        if id == b"*" {
            return Ok(Id(now, 0).max(self.last.next()));
        }
        if let Some(milliseconds) = id.strip_suffix(b"-*") {
            let first = Id::parse(milliseconds, 0)?;
            return Ok(if first.0 == self.last.0 {
                self.last.next()
            } else {
                first
            });
        }

        let id = Id::parse(id, 0)?;
        if id == Id::default() {
            return Err(Refusal::new(
                "ERR The ID specified in XADD must be greater than 0-0",
            ));
        }
        Ok(id)
    }

    /// The entries between two ids, oldest first.
    pub(super) fn range(
        &self,
        start: Bound<Id>,
        end: Bound<Id>,
    ) -> impl DoubleEndedIterator<Item = (&Id, &Fields)> {
        let is_empty = match (start, end) {
            (Bound::Included(start), Bound::Included(end)) => start > end,
            (Bound::Included(start) | Bound::Excluded(start), Bound::Excluded(end))
            | (Bound::Excluded(start), Bound::Included(end)) => start >= end,
            _ => false,
        };
        let range = (!is_empty).then(|| self.entries.range((start, end)));
        range.into_iter().flatten()
    }

    pub(super) fn remove(&mut self, id: Id) -> bool {
        self.entries.remove(&id).is_some()
    }

    /// Removes the oldest entries beyond so many; returns how many.
    pub(super) fn trim(&mut self, most: usize) -> usize {
        let excess = self.entries.len().saturating_sub(most);
        for _ in 0..excess {
            self.entries.pop_first();
        }
        excess
    }

    pub(super) fn payload(&self) -> usize {
        let sizes = self.entries.values();
        sizes
            .map(|fields| fields.iter().map(|part| part.len() + 4).sum::<usize>() + 16)
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_grow_although_the_clock_stands_still() {
        let mut stream = Stream::default();
        let mut append = |id: &str| stream.append(id.as_bytes(), 5, Vec::new());

        assert_eq!(append("*"), Ok(Id(5, 0)));
        assert_eq!(append("*"), Ok(Id(5, 1)));
        assert_eq!(append("5-*"), Ok(Id(5, 2)));
        assert_eq!(append("7-3"), Ok(Id(7, 3)));
        assert_eq!(append("*"), Ok(Id(7, 4)));
        assert!(append("7-4").is_err());
        assert!(append("x").is_err());
    }
}
