//! `POST` and `GET /api/cache/warmup`, with the sample catalogue.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

mod job;
mod progress;
mod request;
mod values;

use end_to_end::{Connection, keys};

const ALL: u64 = 170;

fn matching(redis: &mut Connection, pattern: &str) -> usize {
    keys(redis, pattern).len()
}
