//! The keys of a minute or an hour, as they are stored.

use edge_cache::RedisError;
use edge_cache::redis::Replies;
use serde::{Deserialize, Serialize};

/// The most bytes of a packed row.
const MAX_ROW_BYTES: usize = 16 * 1024;
/// The most keys of a row.
pub(super) const MAX_KEYS: usize = 200;
/// The first byte of a packed row: later formats have another one.
const VERSION: u8 = 1;

/// The keys of a minute or an hour.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Row {
    /// Lookups of all keys.
    pub(super) lookups: u64,
    /// Instances that reported; of an hour the most in one minute.
    pub(super) instances: u64,
    /// The most lookups that a key may have had which is not in the row.
    pub(super) floor: u64,
    /// The keys with the most lookups, in this order.
    pub(super) keys: Vec<(String, KeyCounts)>,
}

/// The counts of a key.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeyCounts {
    pub(super) lookups: u64,
    /// Lookups that may be counted in vain, or not at all.
    pub(super) missing: u64,
    /// The variance that `lookups` has from sampling.
    pub(super) variance: u64,
    pub(super) hits: u64,
    pub(super) loads: u64,
    pub(super) load_us: u64,
    pub(super) saved_ms: u64,
    pub(super) bytes: u64,
}

impl KeyCounts {
    pub(super) fn add(&mut self, other: &Self) {
        let Self {
            lookups,
            missing,
            variance,
            hits,
            loads,
            load_us,
            saved_ms,
            bytes,
        } = other;
        self.lookups = self.lookups.saturating_add(*lookups);
        self.missing = self.missing.saturating_add(*missing);
        self.variance = self.variance.saturating_add(*variance);
        self.hits = self.hits.saturating_add(*hits);
        self.loads = self.loads.saturating_add(*loads);
        self.load_us = self.load_us.saturating_add(*load_us);
        self.saved_ms = self.saved_ms.saturating_add(*saved_ms);
        self.bytes = self.bytes.saturating_add(*bytes);
    }

    /// Reads the figures in their order.
    fn read(packed: &mut Replies) -> Result<Self, RedisError> {
        Ok(Self {
            lookups: packed.count()?,
            missing: packed.count()?,
            variance: packed.count()?,
            hits: packed.count()?,
            loads: packed.count()?,
            load_us: packed.count()?,
            saved_ms: packed.count()?,
            bytes: packed.count()?,
        })
    }
}

impl Row {
    /// Reads a minute as the script returns it.
    pub(super) fn read(packed: &mut Replies) -> Result<Self, RedisError> {
        let mut row = Self {
            lookups: packed.count()?,
            instances: packed.count()?,
            floor: packed.count()?,
            keys: Vec::with_capacity(packed.remaining() / 9),
        };
        while packed.remaining() > 0 {
            let key = packed.text()?;
            row.keys.push((key, KeyCounts::read(packed)?));
        }
        Ok(row)
    }

    /// Sorts the keys, and leaves out those that find no room.
    pub(super) fn trim(&mut self) {
        self.keys.sort_by(|(one, counts), (other, others)| {
            others.lookups.cmp(&counts.lookups).then(one.cmp(other))
        });

        let mut bytes = 0;
        let fits = |key: &(String, KeyCounts)| {
            bytes += packed_bytes(key);
            bytes <= MAX_ROW_BYTES
        };
        let fitting = self.keys.iter().take(MAX_KEYS).take_while({
            let mut fits = fits;
            move |key| fits(key)
        });
        let kept = fitting.count();
        if let Some((_, first_left_out)) = self.keys.get(kept) {
            self.floor = self.floor.max(first_left_out.lookups);
        }
        self.keys.truncate(kept);
    }

    pub(super) fn pack(&self) -> Vec<u8> {
        postcard::to_extend(self, vec![VERSION]).unwrap_or_default()
    }

    /// Reads a packed row; `None` for one of another format.
    pub(super) fn unpack(bytes: &[u8]) -> Option<Self> {
        let (&version, row) = bytes.split_first()?;
        let row = (version == VERSION).then(|| postcard::from_bytes(row));
        row?.ok()
    }
}

fn packed_bytes(key: &(String, KeyCounts)) -> usize {
    postcard::experimental::serialized_size(key).unwrap_or(MAX_ROW_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looked_up(lookups: u64) -> KeyCounts {
        KeyCounts {
            lookups,
            ..KeyCounts::default()
        }
    }

    #[test]
    fn a_row_has_the_first_keys_and_says_how_much_the_others_had() {
        let mut row = Row::default();
        for n in 0..300 {
            row.keys.push((format!("users:{n}"), looked_up(n)));
        }
        row.trim();

        assert_eq!(row.keys.len(), MAX_KEYS);
        assert_eq!(row.keys[0], ("users:299".to_owned(), looked_up(299)));
        assert_eq!(row.floor, 99);
        assert_eq!(Row::unpack(&row.pack()), Some(row));
    }

    #[test]
    fn long_names_do_not_make_a_row_longer() {
        let mut row = Row::default();
        for n in 0..200_u64 {
            row.keys
                .push((format!("{n:0250}"), looked_up(u64::MAX - n)));
        }
        row.trim();

        assert!(row.pack().len() <= MAX_ROW_BYTES + 64);
        assert_eq!(row.keys[0].0, format!("{:0250}", 0));
        assert!(row.floor > 0);
    }

    #[test]
    fn a_row_of_another_format_is_none() {
        assert_eq!(Row::unpack(b"\x07other"), None);
        assert_eq!(Row::unpack(b""), None);
    }
}
