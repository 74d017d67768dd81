//! Creates and removes many keys fast: scripts do it in slices, between which Redis serves others.

use std::ops::Range;

use redis::{Connection, Script};

/// Keys per script call.
const SLICE_KEYS: usize = 20_000;

/// Sets `<prefix><number>` to a short value for each number.
///
/// # Panics
/// If Redis refuses.
pub fn fill(redis: &mut Connection, prefix: &str, numbers: Range<usize>) {
    each_slice(
        redis,
        "for n = ARGV[2], ARGV[3] - 1 do redis.call('SET', ARGV[1] .. string.format('%d', n), 'x') end",
        prefix,
        numbers,
    );
}

/// Removes the keys that [`fill`] created.
///
/// # Panics
/// If Redis refuses.
pub fn unlink(redis: &mut Connection, prefix: &str, numbers: Range<usize>) {
    each_slice(
        redis,
        "for n = ARGV[2], ARGV[3] - 1 do redis.call('UNLINK', ARGV[1] .. string.format('%d', n)) end",
        prefix,
        numbers,
    );
}

fn each_slice(redis: &mut Connection, code: &str, prefix: &str, numbers: Range<usize>) {
    let script = Script::new(code);
    for start in numbers.clone().step_by(SLICE_KEYS) {
        let end = (start + SLICE_KEYS).min(numbers.end);
        let () = script
            .arg(prefix)
            .arg(start)
            .arg(end)
            .invoke(redis)
            .expect("Redis creates or removes keys");
    }
}

/// Returns the approximate size of the hash table of the keyspace in bytes. It changes when Redis
/// rehashes.
///
/// # Panics
/// If Redis does not report it.
pub fn hash_table_bytes(redis: &mut Connection) -> i64 {
    let stats: Vec<redis::Value> = redis::cmd("MEMORY")
        .arg("STATS")
        .query(redis)
        .expect("MEMORY STATS");
    let field = |fields: &[redis::Value], name: &str| -> Option<redis::Value> {
        let found = fields
            .chunks_exact(2)
            .find(|pair| pair[0] == redis::Value::BulkString(name.into()))?;
        Some(found[1].clone())
    };

    match field(&stats, "db.0") {
        Some(redis::Value::Array(db)) => match field(&db, "overhead.hashtable.main") {
            Some(redis::Value::Int(bytes)) => bytes,
            other => panic!("MEMORY STATS has {other:?} as the size of the table"),
        },
        _ => 0,
    }
}

/// Returns the names of all matching keys in order, except the fences.
///
/// # Panics
/// If Redis refuses.
pub fn keys(redis: &mut Connection, pattern: &str) -> Vec<String> {
    let keys: Vec<Vec<u8>> = redis::cmd("KEYS")
        .arg(pattern)
        .query(redis)
        .expect("a reply to KEYS");
    let names = keys
        .iter()
        .map(|name| String::from_utf8_lossy(name).into_owned());
    let mut names: Vec<String> = names
        .filter(|name| !name.starts_with("cache:fences"))
        .collect();
    names.sort();
    names
}
