//! A rollout: old instances, which keep the facts of an entry in a companion, and new ones on the
//! same server. `docs/deploy.md` says what they see of each other.

mod entries;
mod fences;
mod former;
mod invalidations;
mod leftovers;
mod loads;

use std::time::Duration;

use edge_cache::tokio::TokioTransport;
use edge_cache::{Cache, Fetched, LookupOutcome, Options, RedisClient};
use edge_cache_admin::admin::clear::ClearRequest;
use edge_cache_testing::{RedisServer, client};
use redis::Commands;
use serde_json::{Value, json};

use former::{Entry, Former};

type Native = RedisClient<TokioTransport>;

/// The value that old instances load and set.
const BY_OLD: &[u8] = br#"{"by":"old"}"#;
/// A name whose load locks differ between old and new instances.
const BRACES: &str = "{u1}:cart";
const GOLDEN_CHUNKS: [&[u8]; 2] = [
    include_bytes!("../golden/chunk-1"),
    include_bytes!("../golden/chunk-2"),
];

fn new_instance(server: &RedisServer) -> Cache<Native> {
    Cache::new(client(&server.url(0)))
}

/// Options of entries that are fresh for a minute and never refreshed early.
fn options() -> Options<'static> {
    Options {
        ttl: Some(Duration::from_secs(60)),
        jitter: 0.0,
        early_refresh: 0.0,
        ..Options::default()
    }
}

/// A value that says which side loaded or set it.
fn by(side: &str) -> Value {
    json!({ "by": side })
}

/// Looks an entry up by a new instance, which loads `{"by":"new"}` where it finds none.
async fn look_up(new: &Cache<Native>, key: &str, options: &Options<'_>) -> Fetched<Value> {
    let loader = async || Ok::<_, String>(by("new"));
    new.get_or_set(key, options, loader).await.unwrap()
}

/// Loads an entry by a new instance.
async fn load(new: &Cache<Native>, key: &str, options: &Options<'_>) {
    let fetched = look_up(new, key, options).await;
    assert_eq!(fetched.outcome, LookupOutcome::Miss, "{key}");
    assert_eq!(fetched.store_error, None, "{key}");
}

/// Stores the golden value in chunks under `chunked`, as old instances did.
fn store_golden_chunks(former: &Former) {
    let manifest = include_bytes!("../golden/manifest");
    former.store_chunks("chunked", manifest, "00c0ffee00c0ffee", &GOLDEN_CHUNKS);
}

/// A global clear by a new instance: by a flush, or by a walk that spares protected keys.
async fn clear_all(server: &RedisServer, is_walk: bool) {
    let request = ClearRequest::parse(br#"{"confirm":true}"#).unwrap();
    request.run(&client(&server.url(0)), is_walk).await.unwrap();
}

fn exists(server: &RedisServer, key: &str) -> bool {
    server.connection().exists(key).unwrap()
}

/// Reads a value as any other client does.
fn read(server: &RedisServer, key: &str) -> Option<Value> {
    let stored: Option<Vec<u8>> = server.connection().get(key).unwrap();
    stored.map(|stored| serde_json::from_slice(&stored).unwrap())
}

/// Lets an old instance act while a new one loads a key with the tag `user-data`. Returns whether
/// the loaded value is stored.
async fn is_new_load_stored(key: &str, action: impl FnOnce(&RedisServer, &Former)) -> bool {
    let server = RedisServer::start();
    let former = Former::of(&server);
    let options = Options {
        tags: &["user-data"],
        ..options()
    };
    let new = new_instance(&server);

    let loader = async || {
        action(&server, &former);
        Ok::<_, String>(by("new"))
    };
    let fetched = new.get_or_set(key, &options, loader).await.unwrap();

    assert_eq!(fetched.outcome, LookupOutcome::Miss);
    assert_eq!(fetched.value, by("new"), "the caller has its value");
    read(&server, key) == Some(by("new"))
}

/// Lets a new instance act while an old one loads a key with the tag `user-data`. Returns whether
/// the loaded value is stored.
async fn is_old_load_stored(key: &str, action: impl AsyncFnOnce(&RedisServer)) -> bool {
    let server = RedisServer::start();
    let former = Former::of(&server);
    let entry = Entry {
        tags: &["user-data"],
        ..Entry::of(BY_OLD)
    };

    let load = former.begin_load(key).unwrap();
    action(&server).await;
    let is_stored = former.store(&load, &entry);

    let is_there = read(&server, key) == Some(by("old"));
    assert_eq!(is_there, is_stored, "{key}");
    is_stored
}
