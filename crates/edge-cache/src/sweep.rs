//! Walks over the keyspace in bounded slices: counting, naming or removing what matches a pattern.
//!
//! Each step is one script call that visits about 1,000 keys, so other clients never wait longer than that takes. Written
//! as "for each slice", so that a Cluster adds "for each primary" around it.

use std::collections::HashSet;

use crate::error::{Error, RedisError};
use crate::key::{FENCES, KeyName};
use crate::pattern::Pattern;
use crate::redis::{Arg, Redis};
use crate::script::{DELETE_NAMED, DELETE_SLICE, FENCE, MATCH_SLICE};

/// How many keys a step visits, about.
pub(crate) const SLICE: usize = 1000;
/// Up to how many keys are removed in one atomic step.
pub(crate) const ATOMIC: usize = 1000;

/// What a walk found.
#[derive(Debug, Default)]
pub(crate) struct Matches {
    pub(crate) matched: u64,
    pub(crate) names: Vec<KeyName>,
}

/// What a walk looks for.
struct Filter<'a> {
    pattern: &'a Pattern,
    kind: &'a str,
    spared: &'static str,
}

impl<'a> Filter<'a> {
    /// What a removal by this pattern would touch.
    fn removal(pattern: &'a Pattern) -> Self {
        Self { pattern, kind: "", spared: if pattern.names_protected() { "trail" } else { "management" } }
    }

    fn arguments(&self, cursor: &[u8]) -> [Arg; 4] {
        [cursor.into(), self.pattern.as_bytes().into(), SLICE.into(), self.spared.into()]
    }
}

async fn slice<R: Redis>(
    redis: &R,
    cursor: &[u8],
    filter: &Filter<'_>,
    names: usize,
) -> Result<(Vec<u8>, Matches), RedisError> {
    let args = filter.arguments(cursor).into_iter().chain([names.into(), filter.kind.into()]);
    let mut replies = MATCH_SLICE.run(redis, [], args).await?;
    let (next, matched) = (replies.bytes()?, replies.count()?);
    let names = replies.rest()?.into_iter().map(KeyName::new).collect();
    Ok((next, Matches { matched, names }))
}

async fn walk<R: Redis>(redis: &R, filter: &Filter<'_>, samples: usize) -> Result<Matches, RedisError> {
    let mut all = Matches::default();
    let mut cursor = b"0".to_vec();
    loop {
        let (next, found) = slice(redis, &cursor, filter, samples.saturating_sub(all.names.len())).await?;
        all.matched += found.matched;
        all.names.extend(found.names);
        if next == b"0" {
            return Ok(all);
        }
        cursor = next;
    }
}

/// Counts the keys a removal would take, naming the first few. About one round trip per 1,000 keys of the database.
pub(crate) async fn count<R: Redis>(redis: &R, pattern: &Pattern, samples: usize) -> Result<Matches, RedisError> {
    walk(redis, &Filter::removal(pattern), samples).await
}

/// Counts all keys that match, of one type or any (`""`), management keys included.
pub(crate) async fn count_all<R: Redis>(redis: &R, pattern: &Pattern, kind: &str) -> Result<u64, RedisError> {
    Ok(walk(redis, &Filter { pattern, kind, spared: "" }, 0).await?.matched)
}

/// Removes the keys that match, slice by slice. About one round trip per 1,000 keys of the database; no name leaves it.
///
/// # Errors
/// [`Error::Partial`] says how many keys were removed before the connection failed.
pub(crate) async fn delete<R: Redis>(redis: &R, pattern: &Pattern) -> Result<u64, Error> {
    delete_from(redis, pattern, b"0".to_vec()).await
}

async fn delete_from<R: Redis>(redis: &R, pattern: &Pattern, mut cursor: Vec<u8>) -> Result<u64, Error> {
    let (mut removed, mut fence) = (0, "1");
    loop {
        let step = async {
            let args = Filter::removal(pattern).arguments(&cursor).into_iter().chain([fence.into()]);
            let mut replies = DELETE_SLICE.run(redis, [FENCES.into()], args).await?;
            let next = replies.bytes()?;
            replies.count()?;
            Ok::<_, RedisError>((next, replies.count()?))
        };
        let (next, count) = step.await.map_err(|error| Error::from(error).after(removed))?;
        removed += count;
        fence = "0";
        if next == b"0" {
            return Ok(removed);
        }
        cursor = next;
    }
}

/// Removes the keys that match: all at once while they are no more than 1,000, else in atomic slices.
///
/// # Errors
/// [`Error::Partial`] says how many keys were removed before the connection failed.
pub(crate) async fn delete_atomically<R: Redis>(redis: &R, pattern: &Pattern) -> Result<u64, Error> {
    fence(redis, "pattern", pattern.as_bytes()).await?;
    let mut gathered = HashSet::new();
    let mut cursor = b"0".to_vec();
    loop {
        let (next, found) = slice(redis, &cursor, &Filter::removal(pattern), usize::from(u16::MAX)).await?;
        gathered.extend(found.names);
        if next == b"0" {
            return unlink(redis, gathered).await;
        }
        if gathered.len() > ATOMIC {
            let removed = unlink(redis, gathered).await?;
            let rest = delete_from(redis, pattern, next).await.map_err(|error| error.after(removed));
            return rest.map(|more| removed + more);
        }
        cursor = next;
    }
}

/// Lets loads in flight know of an invalidation. One round trip.
pub(crate) async fn fence<R: Redis>(redis: &R, kind: &str, what: &[u8]) -> Result<(), RedisError> {
    FENCE.run(redis, [FENCES.into()], [kind.into(), what.into()]).await.map(drop)
}

/// Removes named keys, 1,000 in an atomic step.
async fn unlink<R: Redis>(redis: &R, names: HashSet<KeyName>) -> Result<u64, Error> {
    let names: Vec<KeyName> = names.into_iter().collect();
    let mut removed = 0;
    for chunk in names.chunks(ATOMIC) {
        let deleted = DELETE_NAMED.run(redis, chunk.iter().map(|name| name.as_bytes().into()), []).await;
        removed += deleted.map_err(|error| Error::from(error).after(removed))?.count()?;
    }
    Ok(removed)
}
