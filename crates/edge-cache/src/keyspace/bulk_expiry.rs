//! Changing when many keys expire: those that a pattern matches, those of tags, or named ones. The facts of entries follow.
//!
//! A walk finds the names of a slice. Scripts then read and change the keys of each slot, so they work on every server, and
//! a key that moves to another node is found there. A change is tried again where a value was written meanwhile.
//!
//! On a Cluster a value that is being stored has 5 s left until its store is confirmed, and ends by itself if its writer died. So keys with
//! no more than that left are not made to live longer there.

mod change;
mod counts;
mod rule;

pub use counts::{BulkExpiryOutcome, ExpiryCounts, Lives};
pub use rule::{ExpiryChange, ExpiryRule};

use std::collections::HashSet;

use change::{Changing, Tally};

use crate::error::RedisError;
use crate::keyspace::conditions::{self, Conditions};
use crate::keyspace::key::KeyName;
use crate::keyspace::own_slot::key_on_cluster;
use crate::keyspace::pattern::Pattern;
use crate::keyspace::scan::{self, Filter};
use crate::keyspace::tag::{Tag, set};
use crate::redis::{HostRuntime, OnNode, Redis};

/// A change of when many keys expire.
#[derive(Debug, Clone)]
pub struct BulkExpiry {
    /// The change.
    pub rule: ExpiryRule,
    /// Conditions that keys must meet beside their names.
    pub conditions: Conditions,
    /// True if nothing is to be changed, only counted.
    pub is_dry_run: bool,
    /// Names of keys that are reported, at most.
    pub samples: usize,
}

impl BulkExpiry {
    /// Changes the keys that a pattern matches. Those that a removal by it would spare stay as they are, and so do the library's records
    /// of other keys. About one round trip per 1,000 keys of the database, two more for each slice that has such keys, one
    /// more for slices that have entries with tags; a dry run takes one more for each such slice. On a Cluster these
    /// are one for each slot, of which 64 overlap. A key may count twice: where Redis resizes its table meanwhile, and
    /// where a connection is replaced.
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

    /// Changes the keys of one slice of a node, which a walk continues at the next cursor, `0` at the end; as
    /// [`BulkExpiry::change_matching`] does for all.
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

    /// Changes named keys, protected ones, too, but none of another namespace. Two round trips per 700 keys, one more for entries with tags, one more
    /// with conditions; on a Cluster as for [`BulkExpiry::change_matching`].
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

    /// Changes the keys of tags, each once; protected members stay as they are. As many round trips as for as many named keys,
    /// and one more for each 1,000.
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
            rule: &self.rule,
            is_dry_run: self.is_dry_run,
            samples: self.samples,
            tally,
        }
    }
}
