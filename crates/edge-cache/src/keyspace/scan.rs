//! Walks over the keyspace in bounded slices: counting, naming or removing the keys that match a
//! pattern.
//!
//! Each slice is one script call that visits about 1,000 keys, or fewer where their names are long,
//! so other clients never wait longer than a few milliseconds.

use std::collections::HashSet;

use crate::error::{Error, RedisError};
use crate::keyspace::fence::OpenFence;
use crate::keyspace::key::KeyName;
use crate::keyspace::pattern::{Pattern, Search};
use crate::keyspace::{MAX_KEYS_PER_CALL, fence, removal};
use crate::redis::script::{Script, shared};
use crate::redis::{Arg, Redis, Runtime};
use crate::script;

/// Counts the keys of a slice that match a pattern, and names some of them.
pub(crate) static MATCH_SLICE: Script = script!(repeatable "scan/match_slice", [
    shared::OWN_READS,
    shared::PATTERN,
    shared::WALK,
    shared::PROTECTED,
]);

/// Removes the keys of a slice that match a pattern.
static DELETE_SLICE: Script = script!(once "scan/delete_slice", [
    shared::PATTERN,
    shared::WALK,
    shared::PROTECTED,
    shared::REMOVAL,
]);

/// Most bytes of names that are removed in one atomic step.
const MAX_ATOMIC_NAME_BYTES: usize = 256 << 10;

/// Cursor at which a walk starts, and which Redis returns at its end.
const START_OR_END: &[u8] = b"0";

/// Keys that matched: how many, and the names of some.
#[derive(Debug, Default)]
pub struct Matches {
    /// How many matched.
    pub matched: u64,
    /// Names of some of them.
    pub names: Vec<KeyName>,
}

/// Keys that a walk looks for.
#[derive(Debug)]
pub(crate) struct Filter<'a> {
    search: Search,
    kind: &'a str,
    left_out: &'static str,
}

impl<'a> Filter<'a> {
    /// Keys that a removal by this pattern would take.
    fn removable(pattern: &Pattern) -> Self {
        let left_out = if pattern.names_protected() {
            "trail"
        } else {
            "management"
        };
        Self {
            search: pattern.search(),
            kind: "",
            left_out,
        }
    }

    /// All keys that match, of one type or any (`""`), protected keys included.
    pub(crate) fn all(pattern: &Pattern, kind: &'a str) -> Self {
        Self {
            search: pattern.search(),
            kind,
            left_out: "",
        }
    }
}

/// Bounds of the names that one slice returns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NameLimits {
    pub(crate) names: usize,
    pub(crate) bytes: usize,
}

impl NameLimits {
    fn names(names: usize) -> Self {
        Self {
            names,
            bytes: MAX_ATOMIC_NAME_BYTES,
        }
    }
}

/// Matches one slice: the next cursor, `0` at the end, and the keys found. One round trip.
pub(crate) async fn match_slice<R: Redis>(
    redis: &R,
    cursor: &[u8],
    filter: &Filter<'_>,
    limits: NameLimits,
) -> Result<(Vec<u8>, Matches), RedisError> {
    let Search { head, parts } = &filter.search;
    let args: [Arg; 8] = [
        cursor.into(),
        head.as_slice().into(),
        parts.as_slice().into(),
        MAX_KEYS_PER_CALL.into(),
        filter.left_out.into(),
        filter.kind.into(),
        limits.names.into(),
        limits.bytes.into(),
    ];

    let mut replies = MATCH_SLICE.run(redis, [], args).await?;
    let next = replies.bytes()?;
    let matched = replies.count()?;
    let names = replies.rest()?.into_iter().map(KeyName::new).collect();
    Ok((next, Matches { matched, names }))
}

/// Walks the whole keyspace, naming up to `samples` keys.
async fn match_all<R: Redis>(
    redis: &R,
    filter: &Filter<'_>,
    samples: usize,
) -> Result<Matches, RedisError> {
    let mut all = Matches::default();
    let mut cursor = START_OR_END.to_vec();
    loop {
        let missing = samples.saturating_sub(all.names.len());
        let (next, found) = match_slice(redis, &cursor, filter, NameLimits::names(missing)).await?;
        all.matched += found.matched;
        all.names.extend(found.names);

        if next == START_OR_END {
            return Ok(all);
        }
        cursor = next;
    }
}

/// Counts the keys that a removal by this pattern would take, and names up to `samples` of them.
/// About one round trip per 1,000 keys of the database.
///
/// # Errors
/// Those of the connection.
pub async fn count_removable<R: Redis>(
    redis: &R,
    pattern: &Pattern,
    samples: usize,
) -> Result<Matches, RedisError> {
    match_all(redis, &Filter::removable(pattern), samples).await
}

/// Names the first few keys that a removal by this pattern would take. Walks until it has them.
///
/// # Errors
/// Those of the connection.
pub async fn sample_removable<R: Redis>(
    redis: &R,
    pattern: &Pattern,
    samples: usize,
) -> Result<Vec<KeyName>, RedisError> {
    let filter = Filter::removable(pattern);
    let mut cursor = START_OR_END.to_vec();
    let mut names = Vec::new();
    loop {
        let missing = samples.saturating_sub(names.len());
        let limits = NameLimits::names(missing);
        let (next, found) = match_slice(redis, &cursor, &filter, limits).await?;
        names.extend(found.names);

        if next == START_OR_END || names.len() >= samples {
            return Ok(names);
        }
        cursor = next;
    }
}

/// Counts all keys that match, of one type or any (`""`), protected keys included. About one round
/// trip per 1,000 keys of the database.
///
/// # Errors
/// Those of the connection.
pub async fn count_all<R: Redis>(
    redis: &R,
    pattern: &Pattern,
    kind: &str,
) -> Result<u64, RedisError> {
    let found = match_all(redis, &Filter::all(pattern, kind), 0).await?;
    Ok(found.matched)
}

/// Removes the keys that match, slice by slice. From the first step on, no reader is served an entry
/// that was loaded before, and loads in flight of such keys are not stored. About one round trip per
/// 1,000 keys of the database and two more; no name leaves it.
///
/// # Errors
/// [`Error::Partial`] says how many keys were removed before the connection failed.
pub async fn delete_matching<R: Redis + Runtime>(
    redis: &R,
    pattern: &Pattern,
) -> Result<u64, Error> {
    let fence = fence::append_pattern(redis, pattern).await?;
    let removed = delete_from(redis, pattern, START_OR_END.to_vec()).await?;
    end(redis, fence, removed).await
}

/// Removes the keys that match: in one atomic step while they are no more than 1,000 and their
/// names no longer than 256 KiB together, otherwise in atomic slices.
///
/// # Errors
/// [`Error::Partial`] says how many keys were removed before the connection failed.
pub async fn delete_matching_atomically<R: Redis + Runtime>(
    redis: &R,
    pattern: &Pattern,
) -> Result<u64, Error> {
    if pattern.names_protected() {
        return delete_matching(redis, pattern).await;
    }

    let fence = fence::append_pattern(redis, pattern).await?;
    let (names, rest_from) = gather_for_atomic_step(redis, pattern).await?;
    let mut removed = removal::delete_found(redis, &names).await?;

    if let Some(cursor) = rest_from {
        let rest = delete_from(redis, pattern, cursor).await;
        removed += rest.map_err(|error| error.after(removed))?;
    }
    end(redis, fence, removed).await
}

/// Records that a removal has finished. If that fails, the error says how many keys were removed.
async fn end<R: Redis + Runtime>(redis: &R, fence: OpenFence, removed: u64) -> Result<u64, Error> {
    let ended = fence.end(redis).await;
    ended.map_err(|error| Error::from(error).after(removed))?;
    Ok(removed)
}

/// Gathers the keys that match while they fit into one atomic step; and the cursor from which the
/// rest must be removed, `None` when these are all.
async fn gather_for_atomic_step<R: Redis>(
    redis: &R,
    pattern: &Pattern,
) -> Result<(Vec<KeyName>, Option<Vec<u8>>), RedisError> {
    let filter = Filter::removable(pattern);
    let limits = NameLimits::names(usize::from(u16::MAX));
    let mut cursor = START_OR_END.to_vec();
    let mut names = HashSet::new();
    let mut bytes = 0;
    loop {
        let (next, found) = match_slice(redis, &cursor, &filter, limits).await?;
        let is_complete = found.matched == found.names.len() as u64;
        let lengths = found.names.iter().map(|name| name.as_bytes().len());
        bytes += lengths.sum::<usize>();
        names.extend(found.names);

        if next == START_OR_END && is_complete {
            return Ok((names.into_iter().collect(), None));
        }
        if names.len() > MAX_KEYS_PER_CALL || bytes > MAX_ATOMIC_NAME_BYTES || !is_complete {
            // Names that did not fit into the reply of this slice are found in it again.
            let rest_from = if is_complete { next } else { cursor };
            return Ok((names.into_iter().collect(), Some(rest_from)));
        }
        cursor = next;
    }
}

/// Removes the keys that match from this cursor to the end of the keyspace.
async fn delete_from<R: Redis>(
    redis: &R,
    pattern: &Pattern,
    mut cursor: Vec<u8>,
) -> Result<u64, Error> {
    let mut removed = 0;
    loop {
        let (next, count) = delete_slice(redis, pattern, &cursor)
            .await
            .map_err(|error| Error::from(error).after(removed))?;
        removed += count;

        if next == START_OR_END {
            return Ok(removed);
        }
        cursor = next;
    }
}

/// Removes the keys of one slice that match: the next cursor, and how many were removed.
async fn delete_slice<R: Redis>(
    redis: &R,
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

    let mut replies = DELETE_SLICE.run(redis, [], args).await?;
    Ok((replies.bytes()?, replies.count()?))
}
