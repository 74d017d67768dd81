//! The fences of a view, so that one key is compared with thousands of them in little time.
//!
//! Most patterns are a literal prefix and a star, and those of events differ in an id: they are
//! looked up by each length that occurs. Other globs are tried one by one.

use std::collections::{BTreeMap, HashMap};

use super::stamp::StreamId;
use crate::keyspace::pattern::{Pattern, literal_prefix};

/// Fences by what they cover; of equal ones the newest.
#[derive(Debug, Default)]
pub(super) struct FenceIndex {
    tags: HashMap<Vec<u8>, StreamId>,
    keys: HashMap<Vec<u8>, StreamId>,
    prefixes: HashMap<Vec<u8>, StreamId>,
    /// How many prefixes have this length.
    prefix_lengths: BTreeMap<usize, usize>,
    globs: HashMap<Vec<u8>, (Pattern, StreamId)>,
    /// The newest fence that cannot be understood: it covers every key.
    unknown: Option<StreamId>,
}

impl FenceIndex {
    pub(super) fn insert(&mut self, id: StreamId, kind: &[u8], covered: &[u8]) {
        match kind {
            b"tag" => keep_newest(&mut self.tags, covered, id),
            b"key" => keep_newest(&mut self.keys, covered, id),
            b"pattern" => self.insert_pattern(id, covered),
            b"begin" | b"trimmed" => {}
            _ => self.unknown = self.unknown.max(Some(id)),
        }
    }

    fn insert_pattern(&mut self, id: StreamId, covered: &[u8]) {
        let Some(prefix) = literal_prefix(covered) else {
            let pattern = Pattern::stored(covered);
            self.globs.insert(covered.to_vec(), (pattern, id));
            return;
        };
        if !self.prefixes.contains_key(prefix) {
            *self.prefix_lengths.entry(prefix.len()).or_default() += 1;
        }
        keep_newest(&mut self.prefixes, prefix, id);
    }

    /// Removes a fence, unless a newer one covers the same.
    pub(super) fn remove(&mut self, id: StreamId, kind: &[u8], covered: &[u8]) {
        let is_same = |found: Option<&StreamId>| found == Some(&id);
        match kind {
            b"tag" if is_same(self.tags.get(covered)) => drop(self.tags.remove(covered)),
            b"key" if is_same(self.keys.get(covered)) => drop(self.keys.remove(covered)),
            b"pattern" => self.remove_pattern(id, covered),
            _ => {}
        }
    }

    fn remove_pattern(&mut self, id: StreamId, covered: &[u8]) {
        let Some(prefix) = literal_prefix(covered) else {
            if self
                .globs
                .get(covered)
                .is_some_and(|(_, found)| *found == id)
            {
                self.globs.remove(covered);
            }
            return;
        };

        if self.prefixes.get(prefix) != Some(&id) {
            return;
        }

        self.prefixes.remove(prefix);
        if let Some(count) = self.prefix_lengths.get_mut(&prefix.len()) {
            *count -= 1;
            if *count == 0 {
                self.prefix_lengths.remove(&prefix.len());
            }
        }
    }

    /// Returns whether a fence after this id covers the key.
    pub(super) fn covers_after<'a>(
        &self,
        id: StreamId,
        key: &[u8],
        tags: impl Iterator<Item = &'a str>,
    ) -> bool {
        self.covering_after(id, key, tags).next().is_some()
    }

    /// The fences after this id that cover the key.
    pub(super) fn covering_after<'a>(
        &self,
        id: StreamId,
        key: &[u8],
        tags: impl Iterator<Item = &'a str>,
    ) -> impl Iterator<Item = StreamId> {
        let exact = self.unknown.iter().chain(self.keys.get(key));
        let by_tag = tags.filter_map(|tag| self.tags.get(tag.as_bytes()));

        let lengths = self.prefix_lengths.range(..=key.len());
        let by_prefix = lengths.filter_map(|(length, _)| self.prefixes.get(key.get(..*length)?));

        let globs = self.globs.values();
        let by_glob = globs
            .filter(move |(pattern, found)| *found > id && pattern.matches(key))
            .map(|(_, found)| found);

        let covering = exact.chain(by_tag).chain(by_prefix).chain(by_glob);
        covering.copied().filter(move |found| *found > id)
    }
}

fn keep_newest(fences: &mut HashMap<Vec<u8>, StreamId>, covered: &[u8], id: StreamId) {
    let newest = fences.entry(covered.to_vec()).or_insert(id);
    *newest = id.max(*newest);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(milliseconds: u64) -> StreamId {
        StreamId {
            milliseconds,
            sequence: 0,
        }
    }

    fn index(fences: &[(u64, &str, &str)]) -> FenceIndex {
        let mut index = FenceIndex::default();
        for (at, kind, covered) in fences {
            index.insert(id(*at), kind.as_bytes(), covered.as_bytes());
        }
        index
    }

    fn covers(index: &FenceIndex, after: u64, key: &str, tags: &[&str]) -> bool {
        index.covers_after(id(after), key.as_bytes(), tags.iter().copied())
    }

    #[test]
    fn a_fence_covers_what_it_means_and_was_loaded_before() {
        let index = index(&[
            (10, "pattern", "users:1:*"),
            (11, "pattern", "*:sum"),
            (12, "tag", "t"),
            (13, "key", "k"),
        ]);

        assert!(covers(&index, 9, "users:1:cart", &[]));
        assert!(!covers(&index, 10, "users:1:cart", &[]));
        assert!(!covers(&index, 9, "users:12", &[]));
        assert!(covers(&index, 10, "a:sum", &[]));
        assert!(covers(&index, 11, "any", &["s", "t"]));
        assert!(!covers(&index, 12, "any", &["t"]));
        assert!(covers(&index, 12, "k", &[]));
    }

    #[test]
    fn a_fence_that_cannot_be_understood_covers_everything() {
        let index = index(&[(10, "new kind", "x")]);

        assert!(covers(&index, 9, "any", &[]));
        assert!(!covers(&index, 10, "any", &[]));
    }

    #[test]
    fn a_removed_fence_covers_nothing_unless_a_newer_one_is_the_same() {
        let mut index = index(&[
            (10, "pattern", "a*"),
            (20, "pattern", "a*"),
            (10, "tag", "t"),
        ]);

        index.remove(id(10), b"pattern", b"a*");
        index.remove(id(10), b"tag", b"t");
        assert!(covers(&index, 5, "a", &[]));
        assert!(!covers(&index, 5, "b", &["t"]));

        index.remove(id(20), b"pattern", b"a*");
        assert!(!covers(&index, 5, "a", &[]));
        assert!(index.prefix_lengths.is_empty());
    }
}
