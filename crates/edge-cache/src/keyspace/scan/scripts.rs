//! A slice of a walk: one script call, or plain commands where the server refuses scripts without keys.

use super::filter::{Filter, Matches, NameLimits};
use super::plain;
use crate::error::RedisError;
use crate::keyspace::conditions;
use crate::keyspace::key::KeyName;
use crate::keyspace::pattern::{Pattern, Search};
use crate::keyspace::{MAX_KEYS_PER_CALL, removal};
use crate::redis::script::{Script, shared};
use crate::redis::{Arg, OnNode, Redis};
use crate::script;

/// Counts the keys of a slice that match a pattern, and names some of them.
pub(crate) static MATCH_SLICE: Script = script!(repeatable "scan/match_slice", [
    shared::OWN_READS,
    shared::PATTERN,
    shared::WALK,
    shared::PROTECTED,
    shared::CONDITIONS,
]);

/// Removes the keys of a slice of a Cluster's node that match a pattern.
static DELETE_SLICE_ON_NODE: Script = script!(once "scan/delete_slice", [
    shared::PATTERN,
    shared::WALK,
    shared::PROTECTED,
    shared::REMOVAL_ON_NODE,
]);

/// Removes the keys of a slice that match a pattern.
static DELETE_SLICE: Script = script!(once "scan/delete_slice", [
    shared::PATTERN,
    shared::WALK,
    shared::PROTECTED,
    shared::REMOVAL,
]);

/// Matches one slice: the next cursor, `0` at the end, and the keys found. One round trip; a second
/// where the node cannot test the conditions of some keys.
pub(crate) async fn match_slice<R: Redis>(
    redis: &OnNode<'_, R>,
    cursor: &[u8],
    filter: &Filter<'_>,
    limits: NameLimits,
) -> Result<(Vec<u8>, Matches), RedisError> {
    let Search { head, parts } = filter.search();
    let mut args: Vec<Arg> = vec![
        cursor.into(),
        head.into(),
        parts.into(),
        MAX_KEYS_PER_CALL.into(),
        filter.left_out.as_str().into(),
        filter.kind.into(),
        limits.names.into(),
        limits.bytes.into(),
    ];
    if let Some(conditions) = filter.conditions {
        args.extend(conditions.script_args());
    }

    let Some(mut replies) = redis.run_keyless(&MATCH_SLICE, args).await? else {
        return plain::match_slice(redis, cursor, filter, limits).await;
    };
    let next = replies.bytes()?;
    let mut found = Matches {
        matched: replies.count()?,
        names: Vec::new(),
    };
    let untested = (0..replies.count()?).map(|_| replies.bytes().map(KeyName::new));
    let untested: Vec<KeyName> = untested.collect::<Result<_, _>>()?;
    let names = replies.rest()?.into_iter().map(KeyName::new);
    found.names.extend(names);

    if let Some(conditions) = filter.conditions
        && !untested.is_empty()
    {
        let met = conditions::meet(redis, untested, conditions).await?;
        found.add(met, limits);
    }
    Ok((next, found))
}

/// Removes the keys of one slice that match: the next cursor, and how many were removed.
pub(super) async fn delete_slice<R: Redis>(
    redis: &OnNode<'_, R>,
    pattern: &Pattern,
    cursor: &[u8],
) -> Result<(Vec<u8>, u64), RedisError> {
    let Search { head, parts } = pattern.search();
    let names_protected = if pattern.names_protected() { "1" } else { "" };
    let args: [Arg; 5] = [
        cursor.into(),
        head.into(),
        parts.into(),
        MAX_KEYS_PER_CALL.into(),
        names_protected.into(),
    ];

    let script = if redis.topology().await?.is_cluster() {
        &DELETE_SLICE_ON_NODE
    } else {
        &DELETE_SLICE
    };
    let Some(mut replies) = redis.run_keyless(script, args).await? else {
        return plain::delete_slice(redis, cursor, pattern).await;
    };
    let next = replies.bytes()?;
    let removed = replies.count()?;
    let refused: Vec<KeyName> = replies.rest()?.into_iter().map(KeyName::new).collect();
    Ok((
        next,
        removed + removal::delete_by_slot(redis, &refused).await?,
    ))
}
