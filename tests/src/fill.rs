//! Filling a Redis fast: the server makes the keys itself, in slices that let others in between.

use std::ops::Range;

use redis::{Connection, Script};

/// Keys made or removed in one call.
const SLICE: usize = 20_000;

/// Sets `<prefix><number>` to a short value for each number.
///
/// # Panics
/// When Redis refuses.
pub fn fill(redis: &mut Connection, prefix: &str, numbers: Range<usize>) {
    each_slice(
        redis,
        "for n = ARGV[2], ARGV[3] - 1 do redis.call('SET', ARGV[1] .. string.format('%d', n), 'x') end",
        prefix,
        numbers,
    );
}

/// Removes what [`fill`] made.
///
/// # Panics
/// When Redis refuses.
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
    for start in numbers.clone().step_by(SLICE) {
        let end = (start + SLICE).min(numbers.end);
        let () = script.arg(prefix).arg(start).arg(end).invoke(redis).expect("Redis makes or removes keys");
    }
}

/// About how many bytes the table of the keyspace takes for its slots: it grows and shrinks when Redis rehashes.
///
/// # Panics
/// When Redis does not say.
pub fn slots(redis: &mut Connection) -> i64 {
    let stats: Vec<redis::Value> = redis::cmd("MEMORY").arg("STATS").query(redis).expect("MEMORY STATS");
    let field = |fields: &[redis::Value], name: &str| -> Option<redis::Value> {
        let found = fields.chunks_exact(2).find(|pair| pair[0] == redis::Value::BulkString(name.into()))?;
        Some(found[1].clone())
    };
    match field(&stats, "db.0") {
        Some(redis::Value::Array(db)) => match field(&db, "overhead.hashtable.main") {
            Some(redis::Value::Int(bytes)) => bytes,
            other => panic!("MEMORY STATS has {other:?} for the table"),
        },
        _ => 0,
    }
}

/// The names of all keys that match, sorted, but for the fences: the application's own note of what was removed when.
///
/// # Panics
/// When Redis refuses.
pub fn keys(redis: &mut Connection, pattern: &str) -> Vec<String> {
    let keys: Vec<Vec<u8>> = redis::cmd("KEYS").arg(pattern).query(redis).expect("KEYS is answered");
    let names = keys.iter().map(|name| String::from_utf8_lossy(name).into_owned());
    let mut names: Vec<String> = names.filter(|name| !name.starts_with("cache:fences")).collect();
    names.sort();
    names
}
