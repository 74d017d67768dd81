//! Reads through the cache: one load for each key in this process, and across processes by a lock in
//! Redis.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis::aio::ConnectionManager;
use redis::{RedisResult, Script, cmd, pipe};
use tokio::sync::OnceCell;

use crate::answer::Failure;

const LEASE_MS: u64 = 10_000;
const RELEASE: &str =
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";

/// The loads in flight in this process.
#[derive(Default)]
pub(crate) struct Loads(Mutex<HashMap<String, Arc<OnceCell<String>>>>);

async fn get(redis: &ConnectionManager, key: &str) -> RedisResult<Option<String>> {
    cmd("GET").arg(key).query_async(&mut redis.clone()).await
}

impl Loads {
    /// Returns the value of `key` as JSON text, with HIT or MISS. `load` runs once for concurrent
    /// callers.
    pub(crate) async fn get_or_set(
        &self,
        redis: &ConnectionManager,
        key: &str,
        ttl_seconds: u64,
        tag: &str,
        load: impl AsyncFnOnce() -> Result<String, Failure>,
    ) -> Result<(String, &'static str), Failure> {
        if let Some(stored) = get(redis, key).await? {
            return Ok((stored, "HIT"));
        }

        let own = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let cell = Arc::clone(own().entry(key.to_owned()).or_default());
        let mut outcome = "HIT";
        let loaded = cell
            .get_or_try_init(async || {
                let (value, loaded) = locked(redis, key, ttl_seconds, tag, load).await?;
                outcome = loaded;
                Ok::<_, Failure>(value)
            })
            .await;

        own().remove(key);
        Ok((loaded?.clone(), outcome))
    }
}

async fn locked(
    redis: &ConnectionManager,
    key: &str,
    ttl_seconds: u64,
    tag: &str,
    load: impl AsyncFnOnce() -> Result<String, Failure>,
) -> Result<(String, &'static str), Failure> {
    static LOADS: AtomicU64 = AtomicU64::new(0);

    let owner = format!(
        "{}-{}",
        std::process::id(),
        LOADS.fetch_add(1, Ordering::Relaxed)
    );
    let lock = format!("lock:{key}");

    let mut connection = redis.clone();
    for _ in 0..LEASE_MS / 10 {
        let mut take = cmd("SET");
        take.arg(&lock)
            .arg(&owner)
            .arg("PX")
            .arg(LEASE_MS)
            .arg("NX");
        if take
            .query_async::<Option<String>>(&mut connection)
            .await?
            .is_some()
        {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        if let Some(stored) = get(redis, key).await? {
            return Ok((stored, "HIT"));
        }
    }

    // Another caller may have stored the value between the lookup and the lock.
    let found = match get(redis, key).await? {
        Some(stored) => Ok((stored, "HIT")),
        None => match load().await {
            Ok(value) => {
                let mut write = pipe();
                write
                    .set_ex(key, &value, ttl_seconds)
                    .ignore()
                    .sadd(format!("cache:tags:{tag}"), key)
                    .ignore();
                write.query_async::<()>(&mut connection).await?;
                Ok((value, "MISS"))
            }
            Err(failure) => Err(failure),
        },
    };

    Script::new(RELEASE)
        .key(&lock)
        .arg(&owner)
        .invoke_async::<u64>(&mut connection)
        .await?;

    found
}
