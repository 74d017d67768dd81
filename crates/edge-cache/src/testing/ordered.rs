//! A map in the order of insertion, whose steps through it (`SCAN`, `SSCAN`, `HSCAN`) miss nothing.

use std::collections::{BTreeMap, HashMap};

/// Names with values, in the order in which the names were added. A name that is given another value
/// keeps its place.
#[derive(Debug, Clone)]
pub(super) struct Ordered<V> {
    places: HashMap<Vec<u8>, u64>,
    items: BTreeMap<u64, (Vec<u8>, V)>,
    next_place: u64,
}

impl<V> Default for Ordered<V> {
    fn default() -> Self {
        Self {
            places: HashMap::new(),
            items: BTreeMap::new(),
            // A cursor of 0 is the beginning, and the end.
            next_place: 1,
        }
    }
}

impl<V> Ordered<V> {
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(super) fn contains(&self, name: &[u8]) -> bool {
        self.places.contains_key(name)
    }

    pub(super) fn get(&self, name: &[u8]) -> Option<&V> {
        let place = self.places.get(name)?;
        self.items.get(place).map(|(_, value)| value)
    }

    pub(super) fn get_mut(&mut self, name: &[u8]) -> Option<&mut V> {
        let place = self.places.get(name)?;
        self.items.get_mut(place).map(|(_, value)| value)
    }

    /// Returns the value that the name had.
    pub(super) fn insert(&mut self, name: &[u8], value: V) -> Option<V> {
        if let Some(old) = self.get_mut(name) {
            return Some(std::mem::replace(old, value));
        }

        self.places.insert(name.to_vec(), self.next_place);
        self.items.insert(self.next_place, (name.to_vec(), value));
        self.next_place += 1;
        None
    }

    pub(super) fn remove(&mut self, name: &[u8]) -> Option<V> {
        let place = self.places.remove(name)?;
        self.items.remove(&place).map(|(_, value)| value)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], &V)> {
        self.items
            .values()
            .map(|(name, value)| (name.as_slice(), value))
    }

    /// Returns up to `count` items from a cursor on, and the next cursor: 0 at the end.
    pub(super) fn step(&self, cursor: u64, count: usize) -> (Vec<(&[u8], &V)>, u64) {
        let mut rest = self.items.range(cursor..);
        let step: Vec<_> = rest
            .by_ref()
            .take(count)
            .map(|(_, (name, value))| (name.as_slice(), value))
            .collect();

        let next = rest.next().map_or(0, |(place, _)| *place);
        (step, next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_find_all_that_is_there_throughout() {
        let mut ordered = Ordered::default();
        for name in 0..10_u8 {
            ordered.insert(&[name], ());
        }

        let (first, cursor) = ordered.step(0, 4);
        assert_eq!(first.len(), 4);
        ordered.remove(&[4]);
        ordered.insert(&[0], ());
        let (rest, end) = ordered.step(cursor, 100);

        let rest: Vec<u8> = rest.iter().map(|(name, ())| name[0]).collect();
        assert_eq!(rest, [5, 6, 7, 8, 9]);
        assert_eq!(end, 0);
    }
}
