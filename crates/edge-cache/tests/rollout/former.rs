//! An old instance: one of the version that kept the facts of an entry in a companion.
//!
//! It runs that version's scripts with the keys and arguments of its Rust code, over a connection
//! that does not use the present library. The scripts in `former/` are what it sent, shared parts
//! included.

use std::cell::{Cell, RefCell};
use std::io::Read;
use std::time::Duration;

mod scripts;

use edge_cache::Pattern;
use edge_cache_testing::RedisServer;
use lz4_flex::frame::FrameDecoder;
use redis::{Cmd, Connection, FromRedisValue};
use serde_json::Value;

use scripts::{
    ACQUIRE, DELETE_KEYS, DELETE_SLICE, EXPIRE, FENCE, FLUSH, HAND, LOCK, MARK, READ, STORE,
    TAG_ADD, TAG_DELETE, WRITE_SLICE,
};

const FENCES: &str = "cache:fences";
/// Keys that a global clear carries over.
const CARRIED_OVER: [&str; 5] = [
    "cache:ttl",
    "lock:cache:warmup",
    "cache:lookups",
    "cache:events",
    "cache:turns",
];
const LEASE_MS: u64 = 10_000;
const MAX_LIFE_MS: u64 = 315_360_000_000;
/// Keys or members per step of a removal.
const SLICE: u64 = 1000;
/// How often a store is repeated because of fences that do not cover its key.
const STORE_TRIES: usize = 8;
const FRAME_MAGIC: [u8; 4] = [0x04, 0x22, 0x4d, 0x18];
const MAX_JSON_BYTES: u64 = 128 << 20;

/// An old instance.
pub(crate) struct Former {
    redis: RefCell<Connection>,
    /// Loads that have begun.
    loads: Cell<u32>,
}

/// An entry as an old instance finds it. Times are in milliseconds.
pub(crate) struct Lookup {
    /// The value; `None` without one that it can decode. Its own values in chunks are not gathered.
    pub(crate) value: Option<Value>,
    /// How long the value stays fresh, negative when it is stale; `None`: for ever.
    pub(crate) fresh_left: Option<i64>,
    pub(crate) age: Option<i64>,
    pub(crate) load_time: Option<i64>,
    /// Another caller holds the load lock. An old instance does not learn that of a fresh value.
    pub(crate) is_locked: bool,
    /// Identifies the writing that was read.
    writing: Vec<u8>,
}

/// The right to load a key.
pub(crate) struct Load {
    key: String,
    owner: String,
    stamp: Vec<u8>,
    number: i64,
}

/// A value with all that is stored with it.
pub(crate) struct Entry<'a> {
    /// The encoded value, or a manifest.
    pub(crate) value: &'a [u8],
    /// Id and number of the chunks that a manifest names; empty for other values.
    pub(crate) chunks: &'a str,
    pub(crate) ttl: Duration,
    pub(crate) grace: Duration,
    pub(crate) load_time: Duration,
    pub(crate) tags: &'a [&'a str],
}

impl<'a> Entry<'a> {
    /// An entry that is fresh for a minute, without grace and tags.
    pub(crate) fn of(value: &'a [u8]) -> Self {
        Self {
            value,
            chunks: "",
            ttl: Duration::from_secs(60),
            grace: Duration::ZERO,
            load_time: Duration::ZERO,
            tags: &[],
        }
    }

    fn life_ms(&self) -> u64 {
        milliseconds(self.ttl + self.grace)
    }
}

impl Former {
    /// An instance that uses this server.
    pub(crate) fn of(server: &RedisServer) -> Self {
        Self {
            redis: RefCell::new(server.connection()),
            loads: Cell::new(0),
        }
    }

    /// Looks an entry up, as `get_or_set` does first.
    pub(crate) fn look_up(&self, key: &str) -> Lookup {
        type Reply = (Option<Vec<u8>>, i64, String, String, String, i64, Vec<u8>);
        let keys: [&str; 3] = [key, &companion(key), &lock(key)];
        let reply: Reply = self.run(script(READ, &keys).arg(MAX_LIFE_MS));
        let (stored, left, life, grace, load_time, locked, writing) = reply;

        let grace: i64 = grace.parse().unwrap_or(0);
        let life: Option<i64> = life.parse().ok();
        Lookup {
            value: stored.and_then(|stored| decode(&stored)),
            fresh_left: (left >= 0).then_some(left - grace),
            age: life.map(|life| life - left),
            load_time: load_time.parse().ok(),
            is_locked: locked == 1,
            writing,
        }
    }

    /// Reads a fresh value.
    pub(crate) fn get(&self, key: &str) -> Option<Value> {
        let found = self.look_up(key);
        let is_fresh = found.fresh_left.is_none_or(|left| left > 0);
        found.value.filter(|_| is_fresh)
    }

    /// Acquires the right to load a key; `None` while another caller holds its lock.
    pub(crate) fn begin_load(&self, key: &str) -> Option<Load> {
        let seen = self.look_up(key).writing;
        self.loads.set(self.loads.get() + 1);
        let owner = format!("{:032x}", self.loads.get());
        let keys: [&str; 5] = [&lock(key), FENCES, "cache:ttl", key, &companion(key)];
        let mut acquire = script(ACQUIRE, &keys);
        acquire.arg(&owner).arg(LEASE_MS).arg(&seen);

        let reply: Vec<redis::Value> = self.run(&acquire);
        match reply.as_slice() {
            [redis::Value::Int(0)] => None,
            [
                redis::Value::Int(1),
                redis::Value::BulkString(stamp),
                redis::Value::Int(number),
                ..,
            ] => Some(Load {
                key: key.to_owned(),
                owner,
                stamp: stamp.clone(),
                number: *number,
            }),
            other => panic!("`{key}` was written since it was read: {other:?}"),
        }
    }

    /// Stores a loaded value and ends its load; false if an invalidation came first.
    pub(crate) fn store(&self, load: &Load, entry: &Entry<'_>) -> bool {
        for tag in entry.tags {
            let keys: [&str; 1] = [&set_of(tag)];
            let () = self.run(script(TAG_ADD, &keys).arg(entry.life_ms()).arg(&load.key));
        }

        let mut stamp = load.stamp.clone();
        for _ in 0..STORE_TRIES {
            let reply = self.try_store(load, entry, &stamp);
            match reply[0].as_slice() {
                b"stored" => return true,
                b"fenced" if !cover(&reply[2..], &load.key, entry.tags) => {
                    stamp.clone_from(&reply[1]);
                }
                _ => break,
            }
        }
        self.release_with_value(load, entry.value);
        false
    }

    fn try_store(&self, load: &Load, entry: &Entry<'_>, stamp: &[u8]) -> Vec<Vec<u8>> {
        let key = load.key.as_str();
        let keys: [&str; 5] = [key, &companion(key), &lock(key), FENCES, &waiting(key)];
        let mut store = script(STORE, &keys);
        store
            .arg(&load.owner)
            .arg(stamp)
            .arg(entry.life_ms())
            .arg(milliseconds(entry.grace))
            .arg(milliseconds(entry.load_time))
            .arg(entry.tags.join("\n"))
            .arg(entry.value)
            .arg(entry.chunks);
        self.run(&store)
    }

    /// Ends a load whose value is not stored.
    fn release_with_value(&self, load: &Load, value: &[u8]) {
        let keys: [&str; 2] = [&lock(&load.key), &waiting(&load.key)];
        let mut hand = script(HAND, &keys);
        hand.arg(&load.owner).arg(load.number).arg(value);
        let () = self.run(&hand);
    }

    /// Loads and stores an entry.
    pub(crate) fn store_entry(&self, key: &str, entry: &Entry<'_>) {
        let load = self.begin_load(key).unwrap();
        assert!(self.store(&load, entry), "`{key}` must be stored");
    }

    /// Loads and stores a value in chunks. The manifest names them by this id.
    pub(crate) fn store_chunks(&self, key: &str, manifest: &[u8], id: &str, chunks: &[&[u8]]) {
        let id_and_number = format!("{id} {}", chunks.len());
        let entry = Entry {
            chunks: &id_and_number,
            ..Entry::of(manifest)
        };
        let load = self.begin_load(key).unwrap();
        let () = self.run(script(MARK, &["cache:chunked"]).arg(entry.life_ms()));
        for (number, chunk) in (1..).zip(chunks) {
            let name = format!("cache:chunk:{{{key}}}:{id}:{number}");
            let mut set = redis::cmd("SET");
            set.arg(name).arg(*chunk).arg("PX").arg(entry.life_ms());
            let () = self.run(&set);
        }
        assert!(self.store(&load, &entry), "`{key}` must be stored");
    }

    /// Ends a failed load whose stale value is served: its lock stays.
    pub(crate) fn throttle(&self, load: &Load, throttle: Duration) {
        self.hold(load, throttle);
    }

    /// Ends a failed load.
    pub(crate) fn release(&self, load: &Load) {
        self.hold(load, Duration::ZERO);
    }

    /// Prolongs a lock; releases it for no time.
    fn hold(&self, load: &Load, life: Duration) {
        let keys: [&str; 1] = [&lock(&load.key)];
        let mut hold = script(LOCK, &keys);
        hold.arg(&load.owner).arg(milliseconds(life));
        let () = self.run(&hold);
    }

    /// Writes a value without tags for a minute.
    pub(crate) fn set(&self, key: &str, value: &[u8]) {
        let mut write = script(WRITE_SLICE, &[FENCES, key]);
        // It overwrites, has no stamp and is not a warmup's.
        write.arg(&["1", "", ""]);
        // One entry, a string, its life, no tags and no chunks, one value.
        write.arg(&["1", "string", "60000", "", "", "1"]).arg(value);
        let () = self.run(&write);
    }

    /// Changes when a key expires.
    pub(crate) fn expire(&self, key: &str, ttl: Duration) {
        let keys: [&str; 2] = [key, &companion(key)];
        let mut expire = script(EXPIRE, &keys);
        expire.arg(milliseconds(ttl)).arg(MAX_LIFE_MS);
        let (exists, _pttl): (i64, i64) = self.run(&expire);
        assert_eq!(exists, 1, "`{key}` must exist");
    }

    /// Records an invalidation, and does not begin its removal.
    pub(crate) fn append_fence(&self, kind: &str, covered: &str) {
        let () = self.run(script(FENCE, &[FENCES]).arg(kind).arg(covered));
    }

    /// Removes a key.
    pub(crate) fn delete(&self, key: &str) {
        let () = self.run(&script(DELETE_KEYS, &[key]));
    }

    /// Removes every key of a tag; how many existed.
    pub(crate) fn invalidate_tag(&self, tag: &str) -> u64 {
        self.append_fence("tag", tag);
        let aside = format!("cache:tags-aside:{{{}}}", set_of(tag));
        let keys: [&str; 2] = [&set_of(tag), &aside];
        let mut cursor = String::new();
        let mut removed = 0;
        loop {
            let (next, count, left): (String, u64, u64) =
                self.run(script(TAG_DELETE, &keys).arg(SLICE).arg(&cursor));
            removed += count;
            if left == 0 {
                return removed;
            }
            cursor = next;
        }
    }

    /// Removes the keys that match a pattern. `*` is the global clear of an instance whose audit
    /// trail is in the same database.
    pub(crate) fn clear(&self, pattern: &str) {
        let mut cursor = "0".to_owned();
        let mut appends_fence = 1;
        loop {
            let mut delete = script(DELETE_SLICE, &[FENCES]);
            delete.arg(&cursor).arg(pattern).arg(SLICE);
            delete.arg("management").arg(appends_fence);
            let (next, _matched, _removed): (String, u64, u64) = self.run(&delete);
            if next == "0" {
                return;
            }
            cursor = next;
            appends_fence = 0;
        }
    }

    /// Removes everything by a flush.
    pub(crate) fn flush(&self) {
        let () = self.run(&script(FLUSH, &CARRIED_OVER));
    }

    fn run<T: FromRedisValue>(&self, command: &Cmd) -> T {
        command.query(&mut *self.redis.borrow_mut()).unwrap()
    }
}

/// A script with its keys.
fn script(source: &str, keys: &[&str]) -> Cmd {
    let mut eval = redis::cmd("EVAL");
    eval.arg(source).arg(keys.len()).arg(keys);
    eval
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap()
}

fn lock(key: &str) -> String {
    format!("lock:{{{key}}}")
}

fn waiting(key: &str) -> String {
    format!("cache:waiting:{{{key}}}")
}

fn companion(key: &str) -> String {
    format!("cache:meta:{{{key}}}")
}

fn set_of(tag: &str) -> String {
    format!("cache:tags:{tag}")
}

/// True if one of the fences, each a kind and what it covers, covers the key. One that is not
/// understood covers every key.
fn cover(fences: &[Vec<u8>], key: &str, tags: &[&str]) -> bool {
    fences.chunks(2).any(|fence| match fence[0].as_slice() {
        b"pattern" => Pattern::stored(&fence[1]).matches(key.as_bytes()),
        b"tag" => tags.iter().any(|tag| tag.as_bytes() == fence[1]),
        b"key" => key.as_bytes() == fence[1],
        _ => true,
    })
}

/// Decodes plain or compressed JSON.
fn decode(stored: &[u8]) -> Option<Value> {
    if !stored.starts_with(&FRAME_MAGIC) {
        return serde_json::from_slice(stored).ok();
    }
    let mut json = Vec::new();
    let mut frame = FrameDecoder::new(stored).take(MAX_JSON_BYTES);
    frame.read_to_end(&mut json).ok()?;
    serde_json::from_slice(&json).ok()
}
