//! The keys of one logical database, with their expiry, and the server's counters.

use std::collections::{BTreeMap, BTreeSet};

use super::ordered::Ordered;
use super::response::Refusal;
use super::value::{Kind, Value};

/// Bytes that an empty server counts as used memory.
const BASE_MEMORY: usize = 1 << 20;
/// Bytes that a key takes beside its name and value.
const KEY_MEMORY: usize = 56;

/// A key's value, with its expiry and last use in milliseconds since 1970.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) value: Value,
    pub(super) expires_at: Option<u64>,
    pub(super) used_at: u64,
}

/// Counters of the server.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) hits: u64,
    pub(super) misses: u64,
    pub(super) expired: u64,
    /// Calls of each command, those by scripts included.
    pub(super) calls: BTreeMap<&'static str, u64>,
}

/// Reasons to refuse commands that write.
#[derive(Debug, Default)]
pub(super) struct Limits {
    /// Bytes of used memory above which commands that add data are refused; 0: none.
    pub(super) max_memory: usize,
    /// Used memory was above the limit when the command, or the script that runs it, began.
    pub(super) is_full: bool,
    /// The error that every command that writes gets.
    pub(super) read_only: Option<&'static str>,
    /// The command or the script has written, so that it may go on.
    pub(super) has_written: bool,
}

/// The keys of a server.
#[derive(Debug, Default)]
pub(super) struct Keyspace {
    entries: Ordered<Entry>,
    expiries: BTreeSet<(u64, Vec<u8>)>,
    /// The server's clock in microseconds since 1970. It stands still while a command or a script
    /// runs.
    now_us: u64,
    /// Values that were dumped.
    pub(super) dumps: Vec<Value>,
    pub(super) counters: Counters,
    pub(super) limits: Limits,
}

impl Keyspace {
    /// Begins a command at this time: keys whose time has come are gone.
    pub(super) fn begin(&mut self, now_us: u64) {
        self.now_us = now_us;
        self.limits.has_written = false;
        while let Some((at, key)) = self.expiries.pop_first() {
            if at > self.now() {
                self.expiries.insert((at, key));
                break;
            }
            self.entries.remove(&key);
            self.counters.expired += 1;
        }
        self.limits.is_full =
            self.limits.max_memory > 0 && self.used_memory() > self.limits.max_memory;
    }

    pub(super) fn now_us(&self) -> u64 {
        self.now_us
    }

    /// Milliseconds since 1970.
    pub(super) fn now(&self) -> u64 {
        self.now_us / 1000
    }

    pub(super) fn entries(&self) -> &Ordered<Entry> {
        &self.entries
    }

    /// Returns an entry without counting a lookup.
    pub(super) fn peek(&self, key: &[u8]) -> Option<&Entry> {
        self.entries.get(key)
    }

    /// Looks an entry up, which counts as a hit or a miss.
    pub(super) fn look_up(&mut self, key: &[u8]) -> Option<&Entry> {
        let entry = self.entries.get(key);
        match entry {
            Some(_) => self.counters.hits += 1,
            None => self.counters.misses += 1,
        }
        entry
    }

    /// Looks a value of one type up, which counts as a use of it.
    ///
    /// # Errors
    /// `WRONGTYPE` for a value of another type.
    pub(super) fn read<T: Kind>(&mut self, key: &[u8]) -> Result<Option<&T>, Refusal> {
        let now = self.now();
        let Some(entry) = self.entries.get_mut(key) else {
            self.counters.misses += 1;
            return Ok(None);
        };

        self.counters.hits += 1;
        entry.used_at = now;
        T::of(&entry.value)
            .map(Some)
            .ok_or_else(Refusal::wrong_type)
    }

    /// Returns a value of one type to change it; `None` without one.
    ///
    /// # Errors
    /// `WRONGTYPE` for a value of another type.
    pub(super) fn change<T: Kind>(&mut self, key: &[u8]) -> Result<Option<&mut T>, Refusal> {
        let now = self.now();
        let Some(entry) = self.entries.get_mut(key) else {
            return Ok(None);
        };
        entry.used_at = now;
        T::of_mut(&mut entry.value)
            .map(Some)
            .ok_or_else(Refusal::wrong_type)
    }

    /// Returns a value of one type to change it, an empty one where the key has none.
    ///
    /// # Errors
    /// `WRONGTYPE` for a value of another type.
    pub(super) fn create<T: Kind>(&mut self, key: &[u8]) -> Result<&mut T, Refusal> {
        if !self.entries.contains(key) {
            self.set(key, T::default().into_value(), None);
        }
        self.change(key)?.ok_or_else(Refusal::wrong_type)
    }

    /// Replaces what the key had.
    pub(super) fn set(&mut self, key: &[u8], value: Value, expires_at: Option<u64>) {
        let entry = Entry {
            value,
            expires_at,
            used_at: self.now(),
        };
        if let Some(old) = self.entries.insert(key, entry) {
            self.forget_expiry(key, old.expires_at);
        }
        self.expiries
            .extend(expires_at.map(|at| (at, key.to_vec())));
    }

    pub(super) fn remove(&mut self, key: &[u8]) -> Option<Entry> {
        let entry = self.entries.remove(key)?;
        self.forget_expiry(key, entry.expires_at);
        Some(entry)
    }

    /// Removes a key whose collection has become empty.
    pub(super) fn remove_if_gone(&mut self, key: &[u8]) {
        if self.peek(key).is_some_and(|entry| entry.value.is_gone()) {
            self.remove(key);
        }
    }

    pub(super) fn clear(&mut self) {
        self.entries = Ordered::default();
        self.expiries.clear();
    }

    /// Sets when a key expires, `None` for never; false where there is no such key. A time that has
    /// passed removes it.
    pub(super) fn set_expiry(&mut self, key: &[u8], expires_at: Option<u64>) -> bool {
        let Some(entry) = self.entries.get_mut(key) else {
            return false;
        };
        let old = std::mem::replace(&mut entry.expires_at, expires_at);
        self.forget_expiry(key, old);
        self.expiries
            .extend(expires_at.map(|at| (at, key.to_vec())));

        if expires_at.is_some_and(|at| at <= self.now()) {
            self.remove(key);
        }
        true
    }

    fn forget_expiry(&mut self, key: &[u8], expires_at: Option<u64>) {
        if let Some(at) = expires_at {
            self.expiries.remove(&(at, key.to_vec()));
        }
    }

    /// Number of keys that expire.
    pub(super) fn expiring(&self) -> usize {
        self.expiries.len()
    }

    /// About how many bytes a key takes; `None` without one.
    pub(super) fn memory_of(&self, key: &[u8]) -> Option<usize> {
        let entry = self.peek(key)?;
        Some(KEY_MEMORY + key.len() + entry.value.payload())
    }

    /// About how many bytes a server with these keys would use.
    pub(super) fn used_memory(&self) -> usize {
        let keys = self.entries.iter();
        let sizes = keys.map(|(key, entry)| KEY_MEMORY + key.len() + entry.value.payload());
        BASE_MEMORY + sizes.sum::<usize>()
    }
}
