//! Changing the TTLs of many keys: of a pattern, of tags, or named ones. The facts of entries
//! change with them.
//!
//! A walk finds the names of a slice. Scripts then read and change the keys of each slot, so they
//! work on every server, and a key that moves to another node is found there. If a value was
//! written in between, its key is read and changed again.
//!
//! On a Cluster a value lives for 5 s until its store is confirmed, so that it expires if its
//! writer died. Keys with no more than that left get no longer TTL there.

mod change;
mod counts;
mod rule;
mod slice;
mod stale;

pub(in crate::keyspace) use change::{Changing, LifeRule, Tally};
pub use counts::{BulkExpiryOutcome, ExpiryCounts, Lives};
pub use rule::{ExpiryChange, ExpiryRule};
pub use slice::{ExpirySlice, KEEP};
pub(in crate::keyspace) use stale::StaleMarking;

use std::collections::HashSet;

use crate::error::RedisError;
use crate::keyspace::conditions::{self, Conditions};
use crate::keyspace::key::KeyName;
use crate::keyspace::own_slot::key_on_cluster;
use crate::keyspace::pattern::Pattern;
use crate::keyspace::scan::{self, Filter};
use crate::keyspace::tag::{Tag, set};
use crate::redis::{HostRuntime, OnNode, Redis};

/// A change of the TTLs of many keys.
#[derive(Debug, Clone)]
pub struct BulkExpiry {
    /// The change.
    pub rule: ExpiryRule,
    /// Conditions that keys must meet besides their names.
    pub conditions: Conditions,
    /// True if nothing is to be changed, only counted.
    pub is_dry_run: bool,
    /// The most names of keys to report.
    pub samples: usize,
}

impl BulkExpiry {
    /// Changes the keys that a pattern matches. Those that a removal by it would spare stay as they
    /// are, and so do the library's records of other keys. About one round trip per 1,000 keys of
    /// the database, two more for each slice that has such keys, one more for slices that have
    /// entries with tags; a dry run takes one more for each such slice. On a Cluster these are one
    /// for each slot, of which 64 overlap. A key may count twice: where Redis resizes its table
    /// meanwhile, and where a connection is replaced.
    pub async fn change_matching<R: Redis + HostRuntime>(
        &self,
        redis: &R,
        pattern: &Pattern,
    ) -> BulkExpiryOutcome {
        let filter = Filter::removable(pattern).meeting(&self.conditions);
        let tally = Tally::default();
        let changing = self.changing(&tally);
        let visit = async |node: &OnNode<'_, R>, names| changing.change(node, names).await;
        let visited = scan::visit_each(redis, &filter, visit).await;
        tally.end(visited)
    }

    /// Changes the keys of one slice of a node, as [`BulkExpiry::change_matching`] does for all
    /// slices. Returns the next cursor, `0` at the end.
    ///
    /// # Errors
    /// Those of the connection. Keys may have been changed before it failed.
    pub async fn change_slice<R: Redis + HostRuntime>(
        &self,
        node: &OnNode<'_, R>,
        pattern: &Pattern,
        cursor: &[u8],
    ) -> Result<(Vec<u8>, ExpiryCounts), RedisError> {
        let filter = Filter::removable(pattern).meeting(&self.conditions);
        let tally = Tally::default();
        let changing = self.changing(&tally);
        let visit = async |node: &OnNode<'_, R>, names| changing.change(node, names).await;
        let next = scan::visit_slice(node, cursor, &filter, visit).await?;
        Ok((next, tally.end(Ok(())).counts))
    }

    /// Changes named keys, including protected ones, except those of another namespace. Two round
    /// trips per 700 keys, one more for entries with tags, one more with conditions; on a Cluster
    /// as for [`BulkExpiry::change_matching`].
    pub async fn change_named<R: Redis + HostRuntime>(
        &self,
        redis: &R,
        names: &[KeyName],
    ) -> BulkExpiryOutcome {
        let tally = Tally::default();
        let changed = self.change_all(redis, names, &tally).await;
        tally.end(changed)
    }

    async fn change_all<R: Redis + HostRuntime>(
        &self,
        redis: &R,
        names: &[KeyName],
        tally: &Tally,
    ) -> Result<(), RedisError> {
        let namespace = redis.namespace();
        let is_own = |name: &&KeyName| !namespace.is_other_named(name.as_bytes());
        let names = names.iter().filter(is_own);
        let names = if redis.topology().await?.is_cluster() {
            names.map(|name| key_on_cluster(namespace, name)).collect()
        } else {
            names.cloned().collect()
        };
        self.change_meeting(redis, names, tally).await
    }

    /// Changes the keys of tags, each once; protected members stay as they are. As many round trips
    /// as for as many named keys, and one more for each 1,000.
    pub async fn change_tagged<R: Redis + HostRuntime>(
        &self,
        redis: &R,
        tags: &[Tag],
    ) -> BulkExpiryOutcome {
        let tally = Tally::default();
        let changed = self.change_members(redis, tags, &tally).await;
        tally.end(changed)
    }

    async fn change_members<R: Redis + HostRuntime>(
        &self,
        redis: &R,
        tags: &[Tag],
        tally: &Tally,
    ) -> Result<(), RedisError> {
        let mut seen: HashSet<KeyName> = HashSet::new();
        for tag in tags {
            let mut cursor = b"0".to_vec();
            loop {
                let (next, members) = set::read_slice(redis, tag.key(), &cursor).await?;
                let mut names: Vec<KeyName> = members.into_iter().map(KeyName::new).collect();
                names.retain(|name| !name.is_protected() && seen.insert(name.clone()));
                self.change_meeting(redis, names, tally).await?;

                cursor = next;
                if cursor == b"0" {
                    break;
                }
            }
        }
        Ok(())
    }

    async fn change_meeting<R: Redis + HostRuntime>(
        &self,
        redis: &R,
        names: Vec<KeyName>,
        tally: &Tally,
    ) -> Result<(), RedisError> {
        let names = if self.conditions.are_none() {
            names
        } else {
            conditions::meet(redis, names, &self.conditions).await?
        };
        self.changing(tally).change(redis, names).await
    }

    fn changing<'a>(&'a self, tally: &'a Tally) -> Changing<'a> {
        Changing {
            rule: LifeRule::Expiry(&self.rule),
            is_dry_run: self.is_dry_run,
            samples: self.samples,
            tally,
        }
    }
}
