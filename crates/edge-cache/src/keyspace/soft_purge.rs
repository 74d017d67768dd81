//! Soft purges: entries are marked stale instead of removed.
//!
//! After a removal all callers wait for new loads. After a soft purge one caller refreshes an entry,
//! and the others are served the old value meanwhile, as after its TTL.
//!
//! ```text
//!                         fresh until    served until    key expires
//! TTL 5 min, grace 1 min  12:05          12:06           12:06
//! soft purge at 12:01     12:01          12:02           12:02
//!
//! TTL 5 min, no grace     12:05          12:05           12:05
//! the same, 60 s          12:01          12:02           12:02
//! the same at 12:04:40    12:04:40       12:05           12:05
//!
//! plain SET, no expiry    for ever       for ever        never
//! the same at 12:01       12:02          12:02           12:02
//! ```
//!
//! - The fence says when the entry became stale, and for how long one without grace may be served:
//!   the *soft grace*. A reader that knows the fence judges by it ([`crate::keyspace::fence`]), so the
//!   purge is in force before the walk has reached the entry.
//! - The walk writes the same into the trailer: freshness ends at the time of the fence, and an entry
//!   without grace gets the soft grace, but no more than the rest of its TTL. The key then expires
//!   when that is over, so no purge makes a key live longer. An entry that the walk reaches later
//!   than that expires at once.
//! - The trailer also says that the entry was marked. Nothing but a new value makes it fresh again,
//!   and callers without grace are served it within the soft grace. An entry with grace of its own is
//!   served to callers with grace only, as ever.
//! - An entry that was stale before keeps its end. A second soft purge prolongs nothing.
//! - An entry that was loaded after the fence is fresh. A load in flight that began before it is not
//!   stored, as after a removal: the old entry is still there to be served, so nobody needs its value,
//!   and a value that is stored already stale would be loaded once more anyway.
//! - By name there is no fence: locks are removed and trailers rewritten, after which loads in flight
//!   do not store. While a warmup runs, a fence keeps it from storing older values.
//! - Foreign values have no trailer. Their expiry is shortened to the soft grace; until then lookups
//!   count as hits.
//! - A hard fence outweighs soft ones: what was removed is not served as stale.

use std::collections::HashSet;

use crate::error::{Error, RedisError};
use crate::guarded::Guarded;
use crate::keyspace::MAX_KEYS_PER_CALL;
use crate::keyspace::bulk_expiry::{Changing, LifeRule, StaleMarking, Tally};
use crate::keyspace::conditions::Conditions;
use crate::keyspace::fence::{self, OpenFence, Removed, StreamId};
use crate::keyspace::key::KeyName;
use crate::keyspace::own_slot::key_on_cluster;
use crate::keyspace::pattern::Pattern;
use crate::keyspace::purge::{PurgeMode, SoftGrace};
use crate::keyspace::scan::{self, Filter};
use crate::keyspace::tag::{Tag, set};
use crate::redis::{Command, HostRuntime, OnNode, Redis, concurrently};

/// Marks named keys stale; the result says for each whether it existed. Loads in flight of these keys
/// are not stored. While instances keep near copies, it returns when all of them know it. Six round
/// trips for each 700 keys; on a Cluster those of each slot overlap. At most [`MAX_KEYS_PER_CALL`]
/// keys.
///
/// # Errors
/// Those of the connection. Keys may have been marked before it failed.
pub async fn mark_named<R: Redis + HostRuntime>(
    redis: &R,
    names: &[KeyName],
    grace: SoftGrace,
) -> Result<Vec<bool>, RedisError> {
    let namespace = redis.namespace();
    let is_on_cluster = redis.topology().await?.is_cluster();
    let names: Vec<KeyName> = names
        .iter()
        .map(|name| {
            if is_on_cluster {
                key_on_cluster(namespace, name)
            } else {
                name.clone()
            }
        })
        .collect();
    let is_own = |name: &&KeyName| !namespace.is_other_named(name.as_bytes());
    let own: Vec<KeyName> = names.iter().filter(is_own).cloned().collect();
    if own.is_empty() {
        return Ok(vec![false; names.len()]);
    }

    fence::append_keys(redis, &own, PurgeMode::Soft(grace)).await?;
    let marking = StaleMarking { grace, fence: None };
    let marked = mark_with_locks(redis, own.clone(), &marking).await?;

    let announced = own.iter().map(|name| name.as_bytes().into());
    let in_force = fence::announce_written(redis, announced).await?;
    in_force.wait(redis).await;
    Ok(names.iter().map(|name| marked.contains(name)).collect())
}

/// Marks the keys of a tag stale; how many. Loads in flight with this tag are not stored. Five round
/// trips per 700 keys and two more; on a Cluster those of each slot overlap.
///
/// # Errors
/// Those of the connection. Keys may have been marked before it failed; the schedule marks the rest.
pub async fn mark_tagged<R: Redis + HostRuntime>(
    redis: &R,
    tag: &Tag,
    grace: SoftGrace,
) -> Result<Removed, Error> {
    let fence = fence::append_tag(redis, tag, PurgeMode::Soft(grace)).await?;
    let marking = StaleMarking {
        grace,
        fence: Some(fence.id()?),
    };

    let mut cursor = b"0".to_vec();
    let mut seen: HashSet<KeyName> = HashSet::new();
    let mut marked = 0;
    loop {
        let (next, members) = set::read_slice(redis, tag.key(), &cursor).await?;
        let mut names: Vec<KeyName> = members.into_iter().map(KeyName::new).collect();
        names.retain(|name| !name.is_protected() && seen.insert(name.clone()));
        marked += mark_with_locks(redis, names, &marking).await?.len() as u64;

        cursor = next;
        if cursor == b"0" {
            return end(redis, fence, marked).await;
        }
    }
}

/// Marks the keys that match stale; how many. From the first step on, no reader is served an entry
/// that was loaded before as a fresh one, and loads in flight of such keys are not stored. About one
/// round trip per 1,000 keys of the database and two more, and three for each slice that has such keys.
///
/// # Errors
/// Those of the connection. Keys may have been marked before it failed; the schedule marks the rest.
pub async fn mark_matching<R: Redis + HostRuntime>(
    redis: &R,
    pattern: &Pattern,
    grace: SoftGrace,
) -> Result<Removed, Error> {
    let fence = fence::append_pattern(redis, pattern, PurgeMode::Soft(grace)).await?;
    let marking = StaleMarking {
        grace,
        fence: Some(fence.id()?),
    };

    let filter = Filter::removable(pattern);
    let tally = Tally::default();
    let changing = changing(&marking, &tally, 0);
    let visit = async |node: &OnNode<'_, R>, names| changing.change(node, names).await;
    let visited = scan::visit_each(redis, &filter, visit).await;

    let outcome = tally.end(visited);
    if let Some(failure) = outcome.failure {
        return Err(failure.into());
    }
    end(redis, fence, outcome.counts.changed).await
}

/// Records that all keys are marked. A failure has removed none.
async fn end<R: Redis + HostRuntime>(
    redis: &R,
    fence: OpenFence,
    marked: u64,
) -> Result<Removed, Error> {
    let ended = fence.end(redis, 0).await?;
    Ok(Removed {
        keys: marked,
        ..ended
    })
}

/// Marks the keys stale that a removal by this pattern would take and that meet conditions, by name;
/// how many. About one round trip per 700 keys of the database, and six or more for each slice that
/// has such keys.
///
/// # Errors
/// Those of the connection. Keys may have been marked before it failed.
pub async fn mark_meeting<R: Redis + HostRuntime>(
    redis: &R,
    pattern: &Pattern,
    conditions: &Conditions,
    grace: SoftGrace,
) -> Result<u64, RedisError> {
    let filter = Filter::removable(pattern).meeting(conditions);
    let marked = Guarded::new(0);
    scan::visit_each(redis, &filter, async |_: &OnNode<'_, R>, names| {
        for slice in names.chunks(MAX_KEYS_PER_CALL) {
            let existed = mark_named(redis, slice, grace).await?;
            *marked.lock() += existed.into_iter().filter(|existed| *existed).count() as u64;
        }
        Ok(())
    })
    .await?;
    Ok(marked.get())
}

/// Marks keys stale that a walk has found for this fence; how many. Three round trips per 700 keys; on a
/// Cluster those of each slot overlap.
///
/// # Errors
/// Those of the connection. Keys may have been marked before it failed; a repetition counts the same.
pub async fn mark_found<R: Redis + HostRuntime>(
    redis: &R,
    names: Vec<KeyName>,
    fence: StreamId,
    grace: SoftGrace,
) -> Result<u64, RedisError> {
    let marking = StaleMarking {
        grace,
        fence: Some(fence),
    };
    let tally = Tally::default();
    changing(&marking, &tally, 0).change(redis, names).await?;
    Ok(tally.end(Ok(())).counts.changed)
}

/// Marks keys stale after their load locks were removed, so that loads in flight do not store; those
/// that were.
async fn mark_with_locks<R: Redis + HostRuntime>(
    redis: &R,
    names: Vec<KeyName>,
    marking: &StaleMarking,
) -> Result<HashSet<KeyName>, RedisError> {
    if names.is_empty() {
        return Ok(HashSet::new());
    }
    remove_load_locks(redis, &names).await?;

    let tally = Tally::default();
    changing(marking, &tally, usize::MAX)
        .change(redis, names)
        .await?;
    Ok(tally.end(Ok(())).counts.names.into_iter().collect())
}

async fn remove_load_locks<R: Redis>(redis: &R, names: &[KeyName]) -> Result<(), RedisError> {
    let groups = redis.topology().await?.group(names, |name| name.as_bytes());
    let removing = groups.into_iter().map(|group| async move {
        let locks = group.iter().map(|(_, name)| name.lock());
        let remove = Command::read("UNLINK").args(locks);
        redis.execute(remove).await.map(drop)
    });
    concurrently(removing.collect()).await.map(drop)
}

fn changing<'a>(marking: &'a StaleMarking, tally: &'a Tally, samples: usize) -> Changing<'a> {
    Changing {
        rule: LifeRule::Stale(marking),
        is_dry_run: false,
        samples,
        tally,
    }
}
