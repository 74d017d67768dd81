//! The largest keys.

use edge_cache::redis::Replies;
use edge_cache::{KeyName, RedisError};
use serde::{Deserialize, Serialize};

/// The most keys of each list.
const MAX_KEYS: usize = 100;
/// The most bytes of the names of a list, so that results stay small.
const MAX_NAMES_BYTES: usize = 8192;

/// A large key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LargeKey {
    pub(super) name: Vec<u8>,
    pub(super) kind: String,
    pub(super) bytes: u64,
    /// Elements of a collection; `None` where they were not counted.
    pub(super) elements: Option<u64>,
}

/// The largest keys by bytes, and those with the most elements.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LargeKeys {
    pub(super) by_bytes: Vec<LargeKey>,
    pub(super) by_elements: Vec<LargeKey>,
}

impl LargeKeys {
    /// The bytes and the elements below which a key is not among the largest.
    pub(super) fn least(&self) -> [u64; 2] {
        let bytes = self.by_bytes.get(MAX_KEYS - 1).map_or(0, |key| key.bytes);
        let elements = self.by_elements.get(MAX_KEYS - 1);
        [
            bytes,
            elements.and_then(|key| key.elements).unwrap_or_default(),
        ]
    }

    pub(super) fn add(&mut self, key: LargeKey) {
        if key.elements.is_some() {
            insert(&mut self.by_elements, key.clone(), |key| key.elements);
        }
        insert(&mut self.by_bytes, key, |key| Some(key.bytes));
    }

    pub(crate) fn extend(&mut self, other: Self) {
        for key in other.by_bytes.into_iter().chain(other.by_elements) {
            self.add(key);
        }
    }

    /// Reads the large keys of `analysis/tally_slice.lua`.
    pub(super) fn read(&mut self, mut replies: Replies) -> Result<(), RedisError> {
        while replies.remaining() > 0 {
            self.add(LargeKey {
                name: replies.bytes()?,
                kind: replies.text()?,
                bytes: replies.count()?,
                elements: u64::try_from(replies.int()?).ok(),
            });
        }
        Ok(())
    }

    /// Leaves out keys of which the names are too long together.
    pub(super) fn bounded(mut self) -> Self {
        for list in [&mut self.by_bytes, &mut self.by_elements] {
            let mut bytes = 0;
            list.retain(|key| {
                bytes += key.name.len();
                bytes <= MAX_NAMES_BYTES
            });
        }
        self
    }
}

impl LargeKey {
    pub(super) fn key_name(&self) -> KeyName {
        KeyName::new(self.name.as_slice())
    }
}

/// Inserts a key into a list in descending order, unless it is in it.
fn insert(list: &mut Vec<LargeKey>, key: LargeKey, size: impl Fn(&LargeKey) -> Option<u64>) {
    if list.iter().any(|known| known.name == key.name) {
        return;
    }
    let at = list.partition_point(|known| size(known) >= size(&key));
    if at < MAX_KEYS {
        list.insert(at, key);
        list.truncate(MAX_KEYS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_keys_are_kept_in_order_and_once() {
        let mut keys = LargeKeys::default();
        for number in 0..300_u64 {
            let key = LargeKey {
                name: number.to_string().into_bytes(),
                kind: "hash".to_owned(),
                bytes: number * 7 % 300,
                elements: (number % 2 == 0).then_some(number),
            };
            keys.add(key.clone());
            keys.add(key);
        }

        assert_eq!(keys.by_bytes.len(), MAX_KEYS);
        assert_eq!(keys.by_bytes[0].bytes, 299);
        assert_eq!(keys.by_elements[0].elements, Some(298));
        assert_eq!(keys.least(), [200, 100]);
    }
}
