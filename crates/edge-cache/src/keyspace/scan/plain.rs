//! A slice of a walk with plain commands, for servers that refuse scripts without keys. It finds and removes what the
//! scripts do; the names of all keys that `SCAN` matches leave the server.

use std::collections::HashSet;

use super::filter::{Filter, Matches, NameLimits};
use crate::error::RedisError;
use crate::keyspace::conditions;
use crate::keyspace::key::KeyName;
use crate::keyspace::pattern::Pattern;
use crate::keyspace::{MAX_KEYS_PER_CALL, removal};
use crate::redis::{Command, OnNode, Redis, Replies};

/// Reads the names of about `count` keys of a node that match the head of a pattern, of one type or any (`""`): the next
/// cursor, `0` at the end, and the names, of which some may come twice. One round trip.
///
/// A cursor is any text: of some services a number above 2^63.
///
/// # Errors
/// Those of the connection.
pub async fn read_names<R: Redis>(
    redis: &OnNode<'_, R>,
    cursor: &[u8],
    head: &[u8],
    count: usize,
    kind: &str,
) -> Result<(Vec<u8>, Vec<KeyName>), RedisError> {
    let mut scan = Command::read("SCAN").arg(cursor);
    if head != b"*" {
        scan = scan.arg("MATCH").arg(head);
    }
    scan = scan.arg("COUNT").arg(count);
    if !kind.is_empty() {
        scan = scan.arg("TYPE").arg(kind);
    }

    let mut replies = Replies::new(redis.execute(scan).await?);
    let next = replies.bytes()?;
    let names = replies.rest()?.into_iter().map(KeyName::new);
    Ok((next, names.collect()))
}

/// Matches one slice as the script does. One round trip, and one for each 64 slots of keys whose
/// conditions have to be tested.
pub(super) async fn match_slice<R: Redis>(
    redis: &OnNode<'_, R>,
    cursor: &[u8],
    filter: &Filter<'_>,
    limits: NameLimits,
) -> Result<(Vec<u8>, Matches), RedisError> {
    let head = filter.search().head;
    let (next, names) = read_names(redis, cursor, &head, MAX_KEYS_PER_CALL, filter.kind).await?;

    let namespace = redis.namespace();
    let names = without_repeats(names, |name| filter.admits(name, namespace)).collect();
    let names = match filter.conditions {
        Some(conditions) => conditions::meet(redis, names, conditions).await?,
        None => names,
    };

    let mut found = Matches::default();
    found.add(names, limits);
    Ok((next, found))
}

/// Removes the keys of one slice that match: the next cursor, and how many of those that were removed count. One round
/// trip, and one for each 64 slots that the keys are in.
pub(super) async fn delete_slice<R: Redis>(
    redis: &OnNode<'_, R>,
    cursor: &[u8],
    pattern: &Pattern,
) -> Result<(Vec<u8>, u64), RedisError> {
    let head = pattern.search().head;
    let (next, names) = take_names(redis, cursor, &head, |name| pattern.removes(name)).await?;
    Ok((next, removal::delete_by_slot(redis, &names).await?))
}

/// Reads the names of one slice that a walk takes, each once: the next cursor, and the names. None is
/// of another namespace. One round trip.
pub(crate) async fn take_names<R: Redis>(
    redis: &OnNode<'_, R>,
    cursor: &[u8],
    head: &[u8],
    is_taken: impl Fn(&KeyName) -> bool,
) -> Result<(Vec<u8>, Vec<KeyName>), RedisError> {
    let (next, names) = read_names(redis, cursor, head, MAX_KEYS_PER_CALL, "").await?;
    let namespace = redis.namespace();
    let is_taken = |name: &KeyName| is_taken(name) && !namespace.is_of_other(name.as_bytes());
    Ok((next, without_repeats(names, is_taken).collect()))
}

/// Those of the names that are admitted, each once: `SCAN` may return one twice.
fn without_repeats(
    names: Vec<KeyName>,
    is_admitted: impl Fn(&KeyName) -> bool,
) -> impl Iterator<Item = KeyName> {
    let mut seen = HashSet::new();
    names
        .into_iter()
        .filter(move |name| is_admitted(name) && seen.insert(name.clone()))
}
