//! Existence of named keys.

use super::key::KeyName;
use super::namespace::Namespace;
use super::own_slot;
use crate::error::RedisError;
use crate::redis::script::{Script, shared};
use crate::redis::{Arg, Redis, concurrently};
use crate::script;

static EXIST: Script = script!(repeatable "keys/exist", [shared::OWN_READS]);

/// Checks which keys exist, without counting lookups. One round trip, on a Cluster one for each slot, none without keys; at most
/// [`crate::keyspace::MAX_KEYS_PER_CALL`] keys.
///
/// # Errors
/// Those of the connection.
pub async fn check_each<R: Redis>(redis: &R, keys: Vec<Arg>) -> Result<Vec<bool>, RedisError> {
    let topology = redis.topology().await?;
    let mut exists = vec![false; keys.len()];
    let keys: Vec<Arg> = if topology.is_cluster() {
        let namespace = redis.namespace();
        keys.iter().map(|key| on_cluster(namespace, key)).collect()
    } else {
        keys
    };
    let groups = topology.group(keys, |key| key.as_bytes().unwrap_or_default());
    let checking = groups.into_iter().map(|group| async move {
        let (positions, keys): (Vec<usize>, Vec<Arg>) = group.into_iter().unzip();
        let mut replies = EXIST.run(redis, keys, []).await?;
        let found = positions
            .into_iter()
            .map(|at| Ok((at, replies.count()? > 0)));
        found.collect::<Result<Vec<_>, RedisError>>()
    });

    for (at, is_there) in concurrently(checking.collect())
        .await?
        .into_iter()
        .flatten()
    {
        if let Some(exists) = exists.get_mut(at) {
            *exists = is_there;
        }
    }
    Ok(exists)
}

fn on_cluster(namespace: &Namespace, key: &Arg) -> Arg {
    let name = KeyName::new(key.as_bytes().unwrap_or_default());
    own_slot::key_on_cluster(namespace, &name).as_bytes().into()
}
