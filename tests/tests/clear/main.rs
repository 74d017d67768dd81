//! `POST /api/cache/clear`.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

mod confirmation;
mod cost;
mod dry_run;
mod global;
mod pattern;

use end_to_end::{Connection, fill, keys};
use redis::Commands;

fn count(redis: &mut Connection) -> usize {
    keys(redis, "*").len()
}

/// Protected keys, which no pattern may match by accident.
const PROTECTED_KEYS: [&str; 4] = [
    "cache:tags:user-data",
    "cache:ttl",
    "lock:cache:warmup",
    "lock:users:1",
];

fn set_protected_keys(redis: &mut Connection) {
    for key in PROTECTED_KEYS {
        let () = redis.hset(key, "field", "value").unwrap();
    }
}

/// 1,000 keys: users:0 to users:899, and 100 others.
fn mostly_users(redis: &mut Connection) {
    fill(redis, "users:", 0..900);
    fill(redis, "other:", 0..100);
}
