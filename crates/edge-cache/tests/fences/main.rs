//! An invalidation that comes while a load is in flight wins: the loaded value goes to its caller
//! and is not stored.

mod braces;
mod in_flight;
mod odd;
mod waiters;

use std::time::Duration;

use edge_cache::tokio::TokioTransport;
use edge_cache::{Cache, LookupOutcome, Options, RedisClient};
use edge_cache_admin::admin::clear::ClearRequest;
use edge_cache_admin::admin::invalidate::InvalidateRequest;
use edge_cache_testing::{RedisServer, client};
use futures_util::future::join;
use redis::Commands;
use tokio::sync::Notify;

type Native = RedisClient<TokioTransport>;

fn cache(server: &RedisServer) -> Cache<Native> {
    Cache::new(client(&server.url(0)))
}

/// Runs an invalidation while a load of `users:1` (tag `user-data`) is in flight; returns true if
/// the key exists after the load.
async fn is_stored_after(
    server: &RedisServer,
    invalidation: impl AsyncFnOnce(&Native, &Cache<Native>),
) -> bool {
    is_key_stored_after(server, "users:1", invalidation).await
}

async fn is_key_stored_after(
    server: &RedisServer,
    key: &str,
    invalidation: impl AsyncFnOnce(&Native, &Cache<Native>),
) -> bool {
    let loading_cache = cache(server);
    let (loading, go_on) = (Notify::new(), Notify::new());
    let options = Options {
        ttl: Some(Duration::from_secs(60)),
        tags: &["user-data"],
        ..Options::default()
    };

    let load = loading_cache.get_or_set(key, &options, async || {
        loading.notify_one();
        go_on.notified().await;
        Ok::<_, String>("old".to_owned())
    });
    let invalidate = async {
        loading.notified().await;
        invalidation(&client(&server.url(0)), &cache(server)).await;
        go_on.notify_one();
    };
    let (loaded, ()) = join(load, invalidate).await;

    let loaded = loaded.unwrap();
    assert_eq!(loaded.value, "old", "the caller has its value in any case");
    assert_eq!(loaded.outcome, LookupOutcome::Miss);
    server.connection().exists(key).unwrap()
}

async fn invalidate(admin: &Native, body: &str) {
    InvalidateRequest::parse(body.as_bytes())
        .unwrap()
        .run(admin)
        .await
        .unwrap();
}

async fn invalidate_by_a_foreign_tag(server: &RedisServer, admin: &Native, key: &str) {
    let () = server.connection().sadd("cache:tags:foreign", key).unwrap();
    invalidate(admin, r#"{"tags":["foreign"]}"#).await;
}

async fn clear(admin: &Native, body: &str) {
    ClearRequest::parse(body.as_bytes())
        .unwrap()
        .run(admin, false)
        .await
        .unwrap();
}
