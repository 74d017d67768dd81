//! Copies of entries in memory, bounded in bytes; those used least recently go first.
//!
//! Two maps of the standard library, because a crate for this would add more to a component than
//! these lines.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::known::KnownAtRead;
use crate::guarded::Guarded;
use crate::keyspace::fence::SoftPurge;
use crate::keyspace::trailer::Facts;

/// Bytes that all copies may take, unless the cache sets another number.
const DEFAULT_CAPACITY: usize = 8 << 20;
/// Estimated bytes of a copy beside its key, value and tags.
const OVERHEAD_BYTES: usize = 250;

/// A copy of an entry.
#[derive(Debug)]
pub(in crate::cache) struct NearCopy {
    /// The encoded value.
    pub(in crate::cache) value: Vec<u8>,
    /// `None` for another client's value.
    pub(in crate::cache) facts: Option<Facts>,
    pub(super) known: KnownAtRead,
}

impl NearCopy {
    /// The copy after a soft purge.
    pub(super) fn marked_stale(&self, purge: SoftPurge) -> Self {
        let mut facts = self.facts.clone();
        if let Some(facts) = &mut facts {
            facts.mark_stale(purge);
        }
        Self {
            value: self.value.clone(),
            facts,
            known: self.known,
        }
    }
}

/// Copies by key.
#[derive(Debug, Default)]
pub(super) struct Copies {
    state: Guarded<State>,
}

#[derive(Debug)]
struct State {
    copies: HashMap<Arc<str>, (u64, Arc<NearCopy>)>,
    /// Keys by the number of their last use.
    by_use: BTreeMap<u64, Arc<str>>,
    uses: u64,
    bytes: usize,
    capacity: usize,
}

impl Default for State {
    fn default() -> Self {
        Self {
            copies: HashMap::new(),
            by_use: BTreeMap::new(),
            uses: 0,
            bytes: 0,
            capacity: DEFAULT_CAPACITY,
        }
    }
}

impl Copies {
    pub(super) fn set_capacity(&self, bytes: usize) {
        self.state.lock().capacity = bytes;
    }

    pub(super) fn get(&self, key: &str) -> Option<Arc<NearCopy>> {
        let state = &mut *self.state.lock();
        let (last_use, copy) = state.copies.get_mut(key)?;
        let name = state.by_use.remove(last_use)?;
        state.uses += 1;
        *last_use = state.uses;
        state.by_use.insert(state.uses, name);
        Some(Arc::clone(copy))
    }

    pub(super) fn insert(&self, key: &str, copy: NearCopy) {
        let mut state = self.state.lock();
        state.remove(key);

        let name: Arc<str> = key.into();
        state.uses += 1;
        let number = state.uses;
        state.bytes += bytes_of(key, &copy);
        state.by_use.insert(number, Arc::clone(&name));
        state.copies.insert(name, (number, Arc::new(copy)));

        while state.bytes > state.capacity {
            let Some((_, oldest)) = state.by_use.first_key_value() else {
                break;
            };
            let oldest = Arc::clone(oldest);
            state.remove(&oldest);
        }
    }

    pub(super) fn remove(&self, key: &str) {
        self.state.lock().remove(key);
    }

    /// Removes the copies that do not pass.
    pub(super) fn retain(&self, passes: impl Fn(&str, &NearCopy) -> bool) {
        let mut state = self.state.lock();
        let failed = state
            .copies
            .iter()
            .filter(|(key, (_, copy))| !passes(key, copy));
        let failed: Vec<Arc<str>> = failed.map(|(key, _)| Arc::clone(key)).collect();
        for key in failed {
            state.remove(&key);
        }
    }
}

impl State {
    fn remove(&mut self, key: &str) {
        if let Some((number, copy)) = self.copies.remove(key) {
            self.by_use.remove(&number);
            self.bytes -= bytes_of(key, &copy);
        }
    }
}

fn bytes_of(key: &str, copy: &NearCopy) -> usize {
    let tags = copy.facts.as_ref().map_or(0, |facts| facts.tags.len());
    OVERHEAD_BYTES + key.len() + copy.value.len() + tags
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::cache::near::view::NearView;
    use crate::keyspace::fence::Position;

    fn copy(bytes: usize) -> NearCopy {
        NearCopy {
            value: vec![0; bytes],
            facts: None,
            known: KnownAtRead {
                sent: Instant::now(),
                fences: Position::default(),
                near: NearView::default().position(),
                generation: 0,
            },
        }
    }

    #[test]
    fn what_was_used_least_recently_leaves_first() {
        let copies = Copies::default();
        copies.set_capacity(3 * (OVERHEAD_BYTES + 1001));
        for key in ["a", "b", "c"] {
            copies.insert(key, copy(1000));
        }
        assert!(copies.get("a").is_some());

        copies.insert("d", copy(1000));

        let left: Vec<&str> = ["a", "b", "c", "d"]
            .into_iter()
            .filter(|key| copies.get(key).is_some())
            .collect();
        assert_eq!(left, ["a", "c", "d"]);
    }

    #[test]
    fn the_bytes_of_replaced_and_removed_copies_are_free_again() {
        let copies = Copies::default();
        for bytes in [10, 5000, 20] {
            copies.insert("k", copy(bytes));
        }
        assert_eq!(copies.state.lock().bytes, OVERHEAD_BYTES + 1 + 20);

        copies.remove("k");

        let state = copies.state.lock();
        assert_eq!(state.bytes, 0);
        assert!(state.by_use.is_empty());
    }
}
