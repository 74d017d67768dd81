//! The places where the runs of a sample begin: cursors of `SCAN`.
//!
//! Redis and Valkey scan a hash table of 2^k buckets in the order of reversed binary numbers: of a cursor they
//! use the k lowest bits. So the reversed bits of a position between 0 and 1 are a valid cursor of that
//! position, whatever the size of the table. Positions are spread evenly, with a random offset for each,
//! so that runs overlap only where the sample is as large as the table.
//!
//! ```text
//! position 0.625 = binary 0.101     cursor ...101 reversed: bucket 5 of 8, 5 of 16, 5 of 32
//! ```
//!
//! From Redis 7.4 and Valkey 8 on, a Cluster's node has a table for each slot, and the lowest 14 bits of a
//! cursor are the slot. Slots differ in size, so the positions are spread over the keys of all slots:
//! a slot with twice as many keys has twice as many runs. Which kind a server is shows where it finds
//! keys.

use edge_cache::RedisError;
use edge_cache::keyspace::{scan, slot};
use edge_cache::redis::script::Script;
use edge_cache::redis::{Arg, HostRuntime, OnNode, Redis, SlotMap};
use edge_cache::script;

static COUNT_SLOTS: Script = script!(repeatable "analysis/count_slots", []);

/// Slots that one call counts.
const SLOTS_AT_ONCE: usize = 4096;
/// Bits of a cursor that are a slot.
const SLOT_BITS: u32 = 14;
/// Keys that are read to find out whether cursors have slots.
const PROBED_KEYS: usize = 10;
const _: () = assert!(1 << SLOT_BITS == slot::SLOTS);

/// A slot with its number of keys; the whole node where its table is not divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) slot: Option<u16>,
    pub(super) keys: u64,
}

/// The tables of a node. One round trip for each 4,096 slots of a Cluster's node, and up to two more.
pub(super) async fn read_tables<R: Redis>(
    node: &OnNode<'_, R>,
    map: Option<&SlotMap>,
    keys: u64,
) -> Result<Vec<Table>, RedisError> {
    let whole = vec![Table { slot: None, keys }];
    let (Some(map), Some(address)) = (map, node.address()) else {
        return Ok(whole);
    };
    let own = (0..slot::SLOTS).filter(|slot| map.owner(*slot) == Some(address));
    let own: Vec<u16> = own.collect();
    let mut tables = Vec::new();
    for slots in own.chunks(SLOTS_AT_ONCE) {
        let args = slots.iter().map(|slot| Arg::from(u64::from(*slot)));
        let Some(mut counts) = node.run_keyless(&COUNT_SLOTS, args).await? else {
            return Ok(whole);
        };
        let mut counts = counts.packed()?;
        if counts.remaining() != slots.len() {
            return Ok(whole);
        }
        for slot in slots {
            let keys = counts.count()?;
            let slot = Some(*slot);
            tables.extend((keys > 0).then_some(Table { slot, keys }));
        }
    }

    let is_divided = probe(node, &tables).await?;
    Ok(if is_divided { tables } else { whole })
}

/// Returns whether cursors have slots: from a cursor of the largest slot on, a scan then finds its keys
/// first, and from one of the next largest slot on that one's. One or two round trips.
async fn probe<R: Redis>(node: &OnNode<'_, R>, tables: &[Table]) -> Result<bool, RedisError> {
    let mut largest: Vec<&Table> = tables.iter().collect();
    largest.sort_by_key(|table| std::cmp::Reverse(table.keys));
    if let [only] = largest.as_slice() {
        // Where slots have tables, nothing comes behind the only one.
        let behind = only.slot.map_or(0, |slot| u32::from(slot) + 1).to_string();
        let (_, names) = scan::read_names(node, behind.as_bytes(), b"*", PROBED_KEYS, "").await?;
        return Ok(names.is_empty());
    }
    for slot in largest.iter().take(2).filter_map(|table| table.slot) {
        let cursor = slot.to_string();
        let (_, names) = scan::read_names(node, cursor.as_bytes(), b"*", PROBED_KEYS, "").await?;
        if names.first().map(|name| slot::of(name.as_bytes())) != Some(slot) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The cursors of so many runs, spread over the tables by their numbers of keys.
pub(super) fn cursors(tables: &[Table], runs: u64, runtime: &impl HostRuntime) -> Vec<u64> {
    let keys: u64 = tables.iter().map(|table| table.keys).sum();
    let step = keys as f64 / runs as f64;
    let mut tables = tables.iter();
    let (mut table, mut before) = (tables.next(), 0);
    let mut cursors = Vec::new();
    for run in 0..runs {
        let place = (run as f64 + random_share(runtime)) * step;
        while let Some(Table { keys, .. }) = table
            && place >= (before + keys) as f64
        {
            before += keys;
            table = tables.next();
        }
        let Some(Table { slot, keys }) = table else {
            break;
        };
        cursors.push(cursor_at(*slot, (place - before as f64) / *keys as f64));
    }
    cursors
}

/// The cursor at a position of a table, from 0 to 1.
fn cursor_at(slot: Option<u16>, position: f64) -> u64 {
    // 2^32 buckets are enough: a larger table is scanned from one of every few buckets.
    let position = (position * 2_f64.powi(32)) as u64;
    let reversed = u64::from((position.min(u64::from(u32::MAX)) as u32).reverse_bits());
    match slot {
        None => reversed,
        Some(slot) => reversed << SLOT_BITS | u64::from(slot),
    }
}

/// A random number from 0 to below 1.
fn random_share(runtime: &impl HostRuntime) -> f64 {
    (runtime.random() >> 11) as f64 / 2_f64.powi(53)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_has_the_reversed_bits_of_its_position() {
        let bucket = |position, size: u64| cursor_at(None, position) & (size - 1);
        assert_eq!(bucket(0.5, 8), 1);
        assert_eq!(bucket(0.625, 8), 5);
        assert_eq!(bucket(0.625, 1 << 20), 5);
        assert_eq!(cursor_at(Some(77), 0.5) & 0x3fff, 77);
        assert_eq!(cursor_at(Some(77), 0.5) >> SLOT_BITS, 1);
        assert_eq!(cursor_at(None, 1.0), u64::from(u32::MAX));
    }
}
