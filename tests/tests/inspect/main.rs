//! Values in `GET /api/cache/keys/{key}`.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

mod collections;
mod downloads;
mod strings;

use end_to_end::App;
use serde_json::Value;

/// Most bytes of values that one request reads.
const MAX_VALUE_BYTES: usize = 64 * 1024;

fn inspect(app: &App, key: &str) -> Value {
    app.operator().get(&format!("/keys/{key}")).data()
}
