//! Flushing the database, with the keys that outlive a global clear carried over.

use edge_cache::RedisError;
use edge_cache::keyspace::fence::InForce;
use edge_cache::keyspace::key::{
    EVENTS, FENCES, JOB_LOCK, JOB_STATES, JOBS, LOOKUPS, NEAR, NONE, RULE_OVERRIDES, TTL_OVERRIDES,
    TURNS, WARMUP_LOCK,
};
use edge_cache::keyspace::namespace::NAMESPACES;
use edge_cache::redis::script::{Script, shared};
use edge_cache::redis::{Arg, HostRuntime, Redis, Replies};
use edge_cache::script;

use crate::admin::alerts::ALERTS;
use crate::admin::audit;
use crate::lua;

/// Empties the database except for the keys that outlive a global clear.
static FLUSH: Script = script!(once "clear/flush", [
    shared::WALK,
    shared::PROTECTED,
    shared::EXISTENCE,
    lua::FLUSHING,
    shared::FENCES,
    shared::NEAR,
]);

/// Counts the keys that a flush would remove.
static COUNT_FLUSH: Script = script!(repeatable "clear/count_flush", [
    shared::WALK,
    shared::PROTECTED,
    shared::EXISTENCE,
    lua::FLUSHING,
]);

/// Keys that a global clear carries over.
const CARRIED_OVER: [&str; 10] = [
    ALERTS,
    TTL_OVERRIDES,
    RULE_OVERRIDES,
    WARMUP_LOCK,
    JOBS,
    JOB_STATES,
    JOB_LOCK,
    LOOKUPS,
    EVENTS,
    TURNS,
];

/// A number of keys.
pub(super) struct KeyCount {
    pub(super) keys: u64,
    pub(super) is_exact: bool,
}

/// Empties the database, and returns the number of keys that removed. `None` if it has to be done
/// by a walk; then nothing was removed. One round trip. A Cluster is always walked: one script
/// cannot flush several nodes and carry keys over. So is a database that several caches share: a
/// flush would take the internal keys of the others.
pub(super) async fn try_flush<R: Redis + HostRuntime>(
    redis: &R,
) -> Result<Option<KeyCount>, RedisError> {
    if must_walk(redis).await? {
        return Ok(None);
    }
    let keys = [FENCES, NONE, WARMUP_LOCK, NEAR]
        .into_iter()
        .chain([NAMESPACES])
        .chain(audit::keys_with_records())
        .chain(CARRIED_OVER)
        .map(Arg::from);
    let mut replies = FLUSH.run(redis, keys, []).await?;

    match replies.text()?.as_str() {
        "flushed" => {
            let count = read_count(&mut replies)?;
            InForce::read(&mut replies)?.wait(redis).await;
            Ok(Some(count))
        }
        _ => Ok(None),
    }
}

/// Counts the keys that a flush would remove. `None` if a global clear would walk. One round trip.
pub(super) async fn count_flush<R: Redis>(redis: &R) -> Result<Option<KeyCount>, RedisError> {
    if must_walk(redis).await? {
        return Ok(None);
    }
    let keys = [NAMESPACES].into_iter().chain(audit::keys_with_records());
    let keys = keys.map(Arg::from);
    let mut replies = COUNT_FLUSH.run(redis, keys, []).await?;
    match replies.text()?.as_str() {
        "flush" => read_count(&mut replies).map(Some),
        _ => Ok(None),
    }
}

async fn must_walk<R: Redis>(redis: &R) -> Result<bool, RedisError> {
    Ok(!redis.namespace().is_default() || redis.topology().await?.is_cluster())
}

fn read_count(replies: &mut Replies) -> Result<KeyCount, RedisError> {
    Ok(KeyCount {
        keys: replies.count()?,
        is_exact: replies.count()? > 0,
    })
}
