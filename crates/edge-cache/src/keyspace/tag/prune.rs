//! Pruning: a walk over all tags' sets that removes dead members, whose keys are gone, and finds
//! invalidations that were interrupted.
//!
//! The script that stores a key also tags it, so a member that is pruned while its key is being
//! written comes back.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Tag, set};
use crate::error::{ErrorKind, RedisError};
use crate::keyspace::conditions::Conditions;
use crate::keyspace::pattern::Pattern;
use crate::keyspace::scan::{self, NameLimits};
use crate::keyspace::{MAX_KEYS_PER_CALL, existence};
use crate::redis::script::{Script, shared};
use crate::redis::{Command, NodeAddress, OnNode, Redis, Replies};
use crate::script;

/// Removes names from a tag's set whose keys are gone.
static PRUNE: Script = script!(repeatable "tag/prune", [shared::OWN_READS]);

/// Most sets that one slice of the keyspace returns.
const MAX_SETS_PER_SLICE: usize = 10 * MAX_KEYS_PER_CALL;

/// Position of a pruning walk, kept between its steps.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PruneWalk {
    /// Cursor over the keyspace; empty at the start.
    #[serde(rename = "scan")]
    keyspace_cursor: String,
    /// The node of a Cluster that is walked; empty at the start, and for a single server.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    node: String,
    /// True once the keyspace was walked to its end; sets found there may be unfinished.
    #[serde(default)]
    at_end: bool,
    /// Tags' sets that were found and are not finished.
    sets: Vec<String>,
    /// Cursor within the first of them; empty at the start.
    #[serde(rename = "member")]
    member_cursor: String,
}

/// Result of pruning.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PruneReport {
    /// Members read.
    pub members: u64,
    /// Dead members removed, and keys of interrupted invalidations removed.
    pub removed: u64,
    /// Keys of interrupted invalidations removed.
    pub keys_deleted: u64,
    /// True when the walk reached the end of the keyspace; the next step starts again.
    pub finished: bool,
    /// Tags of the interrupted invalidations.
    #[serde(skip)]
    pub tags: BTreeSet<String>,
}

impl PruneReport {
    /// Adds the result of a further step.
    pub fn add(&mut self, step: &Self) {
        self.members += step.members;
        self.removed += step.removed;
        self.keys_deleted += step.keys_deleted;
        self.tags.extend(step.tags.iter().cloned());
        self.finished = step.finished;
    }
}

/// Reaction of a step to an interrupted invalidation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AtInterrupted {
    Complete,
    Stop,
}

impl PruneWalk {
    /// Prunes for about `budget` members or ten times as many keys of the keyspace, whichever comes
    /// first, and completes interrupted invalidations. Two round trips per 1,000 members.
    ///
    /// # Errors
    /// Those of the connection; the walk can continue where it stood.
    pub async fn step<R: Redis>(
        &mut self,
        redis: &R,
        budget: u64,
    ) -> Result<PruneReport, RedisError> {
        self.advance(redis, budget, AtInterrupted::Complete).await
    }

    /// Prunes as [`PruneWalk::step`] does, but stops at an interrupted invalidation and removes no
    /// key: [`PruneWalk::interrupted`] then returns its tag.
    ///
    /// # Errors
    /// Those of the connection; the walk can continue where it stood.
    pub async fn step_to_interrupted<R: Redis>(
        &mut self,
        redis: &R,
        budget: u64,
    ) -> Result<PruneReport, RedisError> {
        self.advance(redis, budget, AtInterrupted::Stop).await
    }

    /// The tag of the interrupted invalidation at which the walk stands.
    pub fn interrupted(&self) -> Option<Tag> {
        self.sets.first().and_then(|set| Tag::of_aside(set))
    }

    async fn advance<R: Redis>(
        &mut self,
        redis: &R,
        budget: u64,
        at_interrupted: AtInterrupted,
    ) -> Result<PruneReport, RedisError> {
        let mut report = PruneReport::default();
        let mut keys_visited = 0;

        while report.members < budget && keys_visited < 10 * budget {
            if at_interrupted == AtInterrupted::Stop && self.interrupted().is_some() {
                break;
            }

            match self.sets.first().cloned() {
                Some(set) => self.prune_slice(redis, &set, &mut report).await?,
                None if self.at_end => {
                    self.at_end = false;
                    report.finished = true;
                    break;
                }
                None => {
                    keys_visited += MAX_KEYS_PER_CALL as u64;
                    self.at_end = self.find_sets(redis).await?;
                }
            }
        }

        Ok(report)
    }

    /// Finds tags' sets in the next slice of the keyspace; true at the end of the keyspace.
    async fn find_sets<R: Redis>(&mut self, redis: &R) -> Result<bool, RedisError> {
        let topology = if self.keyspace_cursor.is_empty() {
            redis.newest_topology().await?
        } else {
            redis.topology().await?
        };
        let nodes = topology.nodes(redis);
        let name_of = |node: &OnNode<'_, R>| node.address().map(NodeAddress::to_string);
        // A node that is gone, such as after a failover, is not found: the walk starts again.
        let found = nodes
            .iter()
            .position(|node| name_of(node).unwrap_or_default() == self.node);
        if found.is_none() {
            self.keyspace_cursor.clear();
        }
        let at = found.unwrap_or(0);
        let Some(node) = nodes.get(at) else {
            return Ok(true);
        };

        let cursor = cursor_or_start(&self.keyspace_cursor);
        let namespace = redis.namespace();
        let pattern = format!("{}tags*", namespace.cache_prefix());
        let sets = Conditions {
            kind: "set".to_owned(),
            ..Conditions::default()
        };
        let filter = scan::Filter::all(&Pattern::stored(pattern.as_bytes())).meeting(&sets);
        let limits = NameLimits {
            names: MAX_SETS_PER_SLICE,
            bytes: usize::MAX,
        };
        let (next, found) = scan::match_slice(node, cursor.as_bytes(), &filter, limits).await?;

        let names = found.names.iter();
        let names = names.filter_map(|name| namespace.short_name(name.as_bytes()));
        let texts = names.filter_map(|name| String::from_utf8(name).ok());
        let sets =
            texts.filter(|name| name.starts_with("cache:tags:") || Tag::of_aside(name).is_some());
        self.sets.extend(sets);

        if next != b"0" {
            self.keyspace_cursor = String::from_utf8_lossy(&next).into_owned();
            self.node = name_of(node).unwrap_or_default();
            return Ok(false);
        }
        self.keyspace_cursor.clear();
        let next_node = nodes.get(at + 1);
        self.node = next_node.and_then(name_of).unwrap_or_default();
        Ok(next_node.is_none())
    }

    /// Prunes about 1,000 members of a set, or completes an interrupted invalidation.
    async fn prune_slice<R: Redis>(
        &mut self,
        redis: &R,
        set: &str,
        report: &mut PruneReport,
    ) -> Result<(), RedisError> {
        if let Some(tag) = Tag::of_aside(set) {
            return self.complete_interrupted(redis, &tag, report).await;
        }

        let cursor = cursor_or_start(&self.member_cursor);
        let (next, members) = match set::read_slice(redis, set, cursor.as_bytes()).await {
            // Another client has replaced the set since it was found.
            Err(error) if error.kind == ErrorKind::WrongType => (b"0".to_vec(), Vec::new()),
            read => read?,
        };
        report.members += members.len() as u64;
        for slice in members.chunks(MAX_KEYS_PER_CALL) {
            report.removed += prune_members(redis, set, slice).await?;
        }

        if next == b"0" {
            self.sets.remove(0);
            self.member_cursor.clear();
        } else {
            self.member_cursor = String::from_utf8_lossy(&next).into_owned();
        }
        Ok(())
    }

    /// Removes about 1,000 keys of the interrupted invalidation at which the walk stands: perhaps
    /// nobody invalidates its tag again.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn complete_interrupted<R: Redis>(
        &mut self,
        redis: &R,
        tag: &Tag,
        report: &mut PruneReport,
    ) -> Result<(), RedisError> {
        let Some(aside) = self.sets.first() else {
            return Ok(());
        };
        let (removed, left) = match set::delete_slice_aside(redis, tag, aside).await {
            // Another client has replaced the set since it was found.
            Err(error) if error.kind == ErrorKind::WrongType => (0, 0),
            slice => slice.map(|slice| (slice.removed, slice.left))?,
        };

        // All members were read, including those whose keys were gone.
        report.members += MAX_KEYS_PER_CALL as u64;
        report.removed += removed;
        report.keys_deleted += removed;
        report.tags.insert(tag.as_str().to_owned());
        if left == 0 {
            self.sets.remove(0);
        }
        Ok(())
    }
}

/// Removes those of these members whose keys are gone; how many. One round trip.
async fn prune_members<R: Redis>(
    redis: &R,
    set: &str,
    members: &[Vec<u8>],
) -> Result<u64, RedisError> {
    if redis.topology().await?.is_cluster() {
        return prune_by_slot(redis, set, members).await;
    }
    let names = members.iter().map(|member| member.as_slice().into());
    PRUNE.run(redis, [set.into()], names).await?.count()
}

/// Prunes a set whose keys are in other slots. A key that is written between the check and the removal gets
/// back into the set: its writer tags it before and after it writes, and one of the two may come first.
async fn prune_by_slot<R: Redis>(
    redis: &R,
    set: &str,
    members: &[Vec<u8>],
) -> Result<u64, RedisError> {
    let dead = gone(redis, members).await?;
    if dead.is_empty() {
        return Ok(0);
    }
    let remove = Command::read("SREM").arg(set);
    let remove = remove.args(dead.iter().map(Vec::as_slice));
    let removed = Replies::new(redis.execute(remove).await?).count()?;

    let still_dead = gone(redis, &dead).await?;
    let written: Vec<&[u8]> = dead
        .iter()
        .filter(|name| !still_dead.contains(name))
        .map(Vec::as_slice)
        .collect();
    if written.is_empty() {
        return Ok(removed);
    }
    let add = Command::read("SADD").arg(set).args(written.iter().copied());
    redis.execute(add).await?;
    Ok(removed.saturating_sub(written.len() as u64))
}

/// Returns those of these names that do not exist.
async fn gone<R: Redis>(redis: &R, names: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, RedisError> {
    let keys = names.iter().map(|name| name.as_slice().into()).collect();
    let exist = existence::check_each(redis, keys).await?;
    let named = names.iter().zip(exist);
    Ok(named
        .filter(|(_, exists)| !exists)
        .map(|(name, _)| name.clone())
        .collect())
}

fn cursor_or_start(cursor: &str) -> &str {
    if cursor.is_empty() { "0" } else { cursor }
}
