//! `DELETE` and `POST /api/cache/invalidate`.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

mod patterns;
mod request;
mod tags;

use end_to_end::{Connection, keys};
use redis::Commands;

fn count(redis: &mut Connection) -> usize {
    keys(redis, "*").len()
}

/// Adds keys to a tag.
fn tag(redis: &mut Connection, tag: &str, keys: &[String]) {
    for chunk in keys.chunks(1_000) {
        let () = redis.sadd(format!("cache:tags:{tag}"), chunk).unwrap();
    }
}

fn names(prefix: &str, numbers: std::ops::Range<usize>) -> Vec<String> {
    numbers.map(|n| format!("{prefix}{n}")).collect()
}
