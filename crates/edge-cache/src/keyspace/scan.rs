//! Walks over the keyspace in bounded slices: counting, naming or removing the keys that match a
//! pattern.
//!
//! Each slice is one script call that visits about 1,000 keys, or fewer where their names are long,
//! so other clients never wait longer than a few milliseconds. A Cluster that refuses scripts without
//! keys is walked with plain commands.

mod deletion;
mod filter;
mod nodes;
mod plain;
mod position;
mod scripts;
mod selected;

pub use filter::Matches;
pub(crate) use filter::{Filter, NameLimits};
pub use nodes::on_each;
pub use plain::read_names;
pub(crate) use plain::take_names;
#[cfg(test)]
pub(crate) use scripts::MATCH_SLICE;
pub(crate) use scripts::match_slice;
pub use selected::delete_meeting;
pub(crate) use selected::visit_each;
pub(crate) use selected::visit_slice;

use std::collections::HashSet;

use deletion::delete_from;
use position::{Position, Progress};

use crate::error::{Error, RedisError};
use crate::keyspace::conditions::Conditions;
use crate::keyspace::fence::Removed;
use crate::keyspace::key::KeyName;
use crate::keyspace::pattern::Pattern;
use crate::keyspace::purge::PurgeMode;
use crate::keyspace::{MAX_KEYS_PER_CALL, fence, removal};
use crate::redis::{HostRuntime, OnNode, Redis};

/// Most bytes of names that are removed in one atomic step.
const MAX_ATOMIC_NAME_BYTES: usize = 256 << 10;

/// Walks the whole keyspace, naming up to `samples` keys.
async fn match_all<R: Redis>(
    redis: &R,
    filter: &Filter<'_>,
    samples: usize,
) -> Result<Matches, RedisError> {
    let topology = redis.newest_topology().await?;
    let nodes = topology.nodes(redis);
    let found = on_each(&nodes, |node| match_node(node, filter, samples)).await?;

    let mut all = Matches::default();
    for matches in found {
        all.matched += matches.matched;
        all.names.extend(matches.names);
    }
    all.names.truncate(samples);
    Ok(all)
}

async fn match_node<R: Redis>(
    redis: &OnNode<'_, R>,
    filter: &Filter<'_>,
    samples: usize,
) -> Result<Matches, RedisError> {
    let mut all = Matches::default();
    let mut limits = NameLimits::samples(samples);
    let mut position = Position::beginning();
    loop {
        let (next, found) = match_slice(redis, &position.cursor, filter, limits).await?;
        limits = limits.without(&found.names);
        all.matched += found.matched;
        all.names.extend(found.names);

        match position.advance(redis, next) {
            Progress::GoesOn => {}
            Progress::StartsAgain => {
                all = Matches::default();
                limits = NameLimits::samples(samples);
            }
            Progress::HasEnded => return Ok(all),
        }
    }
}

/// Counts the keys that a removal by this pattern would take of those that meet conditions, and
/// names up to `samples` of them. About one round trip per 1,000 keys of the database; per 700 or
/// fewer with conditions besides the type.
///
/// # Errors
/// Those of the connection.
pub async fn count_removable<R: Redis>(
    redis: &R,
    pattern: &Pattern,
    conditions: &Conditions,
    samples: usize,
) -> Result<Matches, RedisError> {
    let filter = Filter::removable(pattern).meeting(conditions);
    match_all(redis, &filter, samples).await
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
    let mut names = Vec::new();
    for node in redis.newest_topology().await?.nodes(redis) {
        let left = samples - names.len();
        names.extend(sample_node(&node, &filter, left).await?);
        if names.len() >= samples {
            break;
        }
    }
    Ok(names)
}

async fn sample_node<R: Redis>(
    redis: &OnNode<'_, R>,
    filter: &Filter<'_>,
    samples: usize,
) -> Result<Vec<KeyName>, RedisError> {
    let mut limits = NameLimits::samples(samples);
    let mut position = Position::beginning();
    let mut names = Vec::new();
    loop {
        let (next, found) = match_slice(redis, &position.cursor, filter, limits).await?;
        limits = limits.without(&found.names);
        names.extend(found.names);

        match position.advance(redis, next) {
            Progress::GoesOn if !limits.are_reached() => {}
            Progress::StartsAgain => {
                names.clear();
                limits = NameLimits::samples(samples);
            }
            Progress::GoesOn | Progress::HasEnded => return Ok(names),
        }
    }
}

/// Counts all keys that match and meet conditions, protected keys included. About one round trip
/// per 1,000 keys of the database; per 700 or fewer with conditions besides the type.
///
/// # Errors
/// Those of the connection.
pub async fn count_all<R: Redis>(
    redis: &R,
    pattern: &Pattern,
    conditions: &Conditions,
) -> Result<u64, RedisError> {
    let filter = Filter::all(pattern).meeting(conditions);
    let found = match_all(redis, &filter, 0).await?;
    Ok(found.matched)
}

/// Removes the keys that match, slice by slice. From the first step on, no reader is served an entry
/// that was loaded before, and loads in flight of such keys are not stored. About one round trip per
/// 1,000 keys of the database and two more; no name leaves it.
///
/// # Errors
/// [`Error::Partial`] says how many keys were removed before the connection failed.
pub async fn delete_matching<R: Redis + HostRuntime>(
    redis: &R,
    pattern: &Pattern,
) -> Result<Removed, Error> {
    let fence = fence::append_pattern(redis, pattern, PurgeMode::Hard).await?;
    let removed = nodes::delete_on_each(redis, pattern).await?;
    fence.end(redis, removed).await
}

/// Removes the keys that match: in one atomic step while they are no more than 1,000 and their
/// names no longer than 256 KiB together, otherwise in atomic slices. On a Cluster the keys go one by
/// one.
///
/// # Errors
/// [`Error::Partial`] says how many keys were removed before the connection failed.
pub async fn delete_matching_atomically<R: Redis + HostRuntime>(
    redis: &R,
    pattern: &Pattern,
) -> Result<Removed, Error> {
    if pattern.names_protected() || redis.topology().await?.is_cluster() {
        return delete_matching(redis, pattern).await;
    }

    let fence = fence::append_pattern(redis, pattern, PurgeMode::Hard).await?;
    let node = OnNode::single(redis);
    let (names, rest_from) = gather_for_atomic_step(&node, pattern).await?;
    let mut removed = removal::delete_found(redis, &names).await?;

    if let Some(position) = rest_from {
        let rest = delete_from(&node, pattern, position).await;
        removed += rest.map_err(|error| error.after(removed))?;
    }
    fence.end(redis, removed).await
}

/// Gathers the keys that match while they fit into one atomic step; and the position from which the
/// rest must be removed, `None` when these are all.
async fn gather_for_atomic_step<R: Redis>(
    redis: &OnNode<'_, R>,
    pattern: &Pattern,
) -> Result<(Vec<KeyName>, Option<Position>), RedisError> {
    let filter = Filter::removable(pattern);
    let limits = NameLimits {
        names: usize::from(u16::MAX),
        bytes: MAX_ATOMIC_NAME_BYTES,
    };
    let mut position = Position::beginning();
    let mut names = HashSet::new();
    let mut bytes = 0;
    loop {
        let (next, found) = match_slice(redis, &position.cursor, &filter, limits).await?;
        let is_complete = found.matched == found.names.len() as u64;
        let lengths = found.names.iter().map(|name| name.as_bytes().len());
        bytes += lengths.sum::<usize>();
        names.extend(found.names);

        // Names that did not fit into the reply of this slice are found in it again.
        let next = if is_complete {
            next
        } else {
            position.cursor.clone()
        };
        let progress = position.advance(redis, next);
        if progress == Progress::HasEnded && is_complete {
            return Ok((names.into_iter().collect(), None));
        }
        if names.len() > MAX_KEYS_PER_CALL || bytes > MAX_ATOMIC_NAME_BYTES || !is_complete {
            return Ok((names.into_iter().collect(), Some(position)));
        }
    }
}
