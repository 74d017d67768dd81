//! The changes of a slice of keys, for callers that make them together with their own records.

use std::collections::BTreeMap;

use super::BulkExpiry;
use super::change::{Changing, PlannedChange, Tally, keep_tags};
use super::counts::ExpiryCounts;
use crate::error::RedisError;
use crate::guarded::Guarded;
use crate::keyspace::fence::PROVISION;
use crate::keyspace::key::KeyName;
use crate::redis::{Arg, HostRuntime, Redis, ServerClock, concurrently};
use crate::units::milliseconds;

/// The last argument of a key that keeps its expiry.
pub const KEEP: &str = "keep";

/// Planned changes, with the arguments of `lives_changer` in `scripts/lib/lives.lua`.
#[derive(Debug)]
pub struct ExpirySlice {
    /// The keys to change, and the milliseconds of a provision.
    pub rule: [Arg; 2],
    /// The keys that exist, in order, with four arguments each. The last is [`KEEP`] for a key that
    /// needs no change.
    pub keys: Vec<(KeyName, [Arg; 4])>,
    /// The counts that the changes would have.
    pub counts: ExpiryCounts,
}

impl BulkExpiry {
    /// Plans the changes of keys without making them, and lets the sets of the tags of entries live
    /// as long as these will. One round trip, one more for entries with tags; on a Cluster one for
    /// each slot, of which 64 overlap.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn plan_slice<R: Redis + HostRuntime>(
        &self,
        redis: &R,
        names: &[KeyName],
    ) -> Result<ExpirySlice, RedisError> {
        let topology = redis.topology().await?;
        let tally = Tally::default();
        let changing = self.changing(&tally);
        let keys = Guarded::new(BTreeMap::new());
        let groups = topology.group(names, |name| name.as_bytes());
        let planning = groups.into_iter().map(|group| {
            let names = group.into_iter().map(|(_, name)| name.clone()).collect();
            plan_group(redis, &changing, names, &keys)
        });
        concurrently(planning.collect()).await?;

        let provision = topology.is_cluster().then(|| milliseconds(PROVISION));
        let provision = provision.map_or_else(|| "".into(), Arg::from);
        Ok(ExpirySlice {
            rule: [self.rule.needed_by().into(), provision],
            keys: keys.take().into_iter().collect(),
            counts: tally.end(Ok(())).counts,
        })
    }
}

/// Plans the changes of keys that one script may touch.
async fn plan_group<R: Redis + HostRuntime>(
    redis: &R,
    changing: &Changing<'_>,
    names: Vec<KeyName>,
    keys: &Guarded<BTreeMap<KeyName, [Arg; 4]>>,
) -> Result<(), RedisError> {
    let found = changing.read(redis, names).await?;
    changing.count_found(&found);
    let kept = || ["".into(), 0_u64.into(), "".into(), KEEP.into()];
    let mut arguments: BTreeMap<KeyName, [Arg; 4]> = found
        .iter()
        .map(|found| (found.name.clone(), kept()))
        .collect();

    let clock = ServerClock::default();
    let planned: Vec<PlannedChange> = changing.plan(redis, &clock, found).await?;
    for change in &planned {
        changing.count_changed(&change.found, change.expiry);
        arguments.insert(change.found.name.clone(), change.args()?);
    }
    if !changing.is_dry_run {
        keep_tags(redis, &planned).await?;
    }
    keys.lock().extend(arguments);
    Ok(())
}
