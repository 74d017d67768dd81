//! The sample shop: the catalogue read through the cache, and the addresses of older systems.
#![expect(clippy::expect_used, reason = "a test that cannot continue has failed")]

mod changes;
mod postgres;
mod reads;

use end_to_end::Client;
use serde_json::Value;

fn get(client: &Client, path: &str) -> (String, Value) {
    let response = client.send("GET", path, None);
    let cache = response.header("x-cache").unwrap_or_default().to_owned();
    (cache, response.with_status(200))
}
