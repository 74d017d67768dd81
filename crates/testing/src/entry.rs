//! Entries that the library writes.

use std::time::Duration;

use edge_cache::{Cache, Options};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{RedisServer, client};

/// Loads a value into an entry that is fresh for `ttl` and then has a grace of 40 s.
pub async fn store_entry<T: Serialize + DeserializeOwned + Clone>(
    server: &RedisServer,
    key: &str,
    value: &T,
    ttl: Duration,
    tags: &[&str],
) {
    let cache = Cache::new(client(&server.url(0)));
    let options = Options {
        ttl: Some(ttl),
        grace: Duration::from_secs(40),
        jitter: 0.0,
        tags,
        ..Options::default()
    };

    let load = async || Ok::<_, String>(value.clone());
    let stored = cache.get_or_set(key, &options, load).await;

    let error = stored.expect("the load does not fail").store_error;
    assert_eq!(error, None, "`{key}` must be stored");
}
