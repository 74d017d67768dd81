//! Removing and expiring the keys of a slice that a worker has selected.

use edge_cache::keyspace::bulk_expiry::{BulkExpiry, ExpirySlice, KEEP};
use edge_cache::keyspace::key::{FENCES, KeyName, NEAR, NEAR_FENCES, NONE, WARMUP_LOCK};
use edge_cache::keyspace::{fence, removal};
use edge_cache::redis::script::{Script, shared};
use edge_cache::redis::{Arg, HostRuntime, Redis, Replies};
use edge_cache::script;

use super::counts::{Counts, SelectedCounts};
use super::selection::{Position, SliceEnd};
use super::slice::{PART_LIFE_MS, PartWalk};
use crate::error::Error;
use crate::lua;

static REMOVE_SLICE: Script = script!(once "jobs/remove_slice", [
    lua::JOB_PART,
    shared::EXISTENCE,
    shared::REMOVAL,
    shared::FENCES,
    shared::NEAR,
]);
static REMOVE_SLICE_ON_NODE: Script = script!(once "jobs/remove_slice", [
    lua::JOB_PART,
    shared::EXISTENCE,
    shared::REMOVAL_ON_NODE,
    shared::FENCES,
    shared::NEAR,
]);
static EXPIRE_SLICE: Script = script!(once "jobs/expire_slice", [
    lua::JOB_PART,
    shared::EXISTENCE,
    shared::TRAILERS,
    shared::LIVES,
    shared::NEAR,
    lua::TTL_CLASSES,
]);

/// The most keys of one call: some services accept only 3,999 arguments.
const MAX_NAMES_PER_CALL: usize = 700;
/// The most times that a key is read again because its value was written in between.
const MAX_TRIES: u32 = 8;
/// The argument of a key that is written too often.
const FAIL: &str = "fail";

/// A script of which one variant declares its keys.
struct Call {
    script: &'static Script,
    on_node: &'static Script,
    /// Keys before the names, on a single server.
    head: Vec<Arg>,
    args: Vec<Arg>,
    names: Vec<Vec<u8>>,
}

impl<R: Redis + HostRuntime> PartWalk<'_, R> {
    /// Removes keys. One round trip for each 700, on a Cluster three.
    pub(super) async fn remove_names(
        &mut self,
        names: &[KeyName],
        end: &SliceEnd,
    ) -> Result<(), Error> {
        let last = names.len().saturating_sub(1) / MAX_NAMES_PER_CALL;
        for number in 0..=last {
            let first = number * MAX_NAMES_PER_CALL;
            let chunk = names.iter().skip(first).take(MAX_NAMES_PER_CALL);
            let chunk: Vec<KeyName> = chunk.cloned().collect();
            let end = if number == last {
                end.clone()
            } else {
                self.end_here()
            };
            if !self.remove_chunk(&chunk, &end).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Removes up to 700 keys. Returns false if the part is elsewhere.
    async fn remove_chunk(&mut self, names: &[KeyName], end: &SliceEnd) -> Result<bool, Error> {
        let is_on_cluster = self.part.node.is_some();
        if is_on_cluster && !names.is_empty() {
            removal::fence_named(self.node, names).await?;
        }
        let locks = names.iter().map(KeyName::lock);
        let all = names.iter().map(|name| name.as_bytes().to_vec());
        let call = Call {
            script: &REMOVE_SLICE,
            on_node: &REMOVE_SLICE_ON_NODE,
            head: [FENCES, NONE, WARMUP_LOCK, NEAR, NEAR_FENCES]
                .map(Arg::from)
                .to_vec(),
            args: self.slice_args(end),
            names: all.chain(locks).collect(),
        };

        let Some(mut replies) = self.run(call).await? else {
            let removed = self.remove_by_slot(names).await?;
            let counts = Counts {
                walked: end.walked,
                ..removed
            };
            let selected = SelectedCounts {
                appeared: end.appeared,
                ..SelectedCounts::default()
            };
            self.add_counts(&end.next, counts, selected, Vec::new())
                .await?;
            return Ok(!self.position.cursor.is_empty());
        };
        if !self.read_applied(&mut replies).await? {
            return Ok(false);
        }
        self.announce(names).await?;

        let refused: Vec<KeyName> = replies.rest()?.into_iter().map(KeyName::new).collect();
        if !refused.is_empty() {
            let removed = self.remove_by_slot(&refused).await?;
            let here = self.position.cursor.clone();
            self.add_counts(&here, removed, SelectedCounts::default(), Vec::new())
                .await?;
        }
        Ok(true)
    }

    /// Removes keys of a Cluster, on whichever node has them.
    async fn remove_by_slot(&self, names: &[KeyName]) -> Result<Counts, Error> {
        let existed = removal::delete_named(self.node, names).await?;
        let removed = existed.into_iter().filter(|existed| *existed).count() as u64;
        Ok(Counts {
            matched: removed,
            removed,
            ..Counts::default()
        })
    }

    /// Changes the expiry of keys, in order.
    pub(super) async fn expire_names(
        &mut self,
        names: Vec<KeyName>,
        end: &SliceEnd,
        expiry: &BulkExpiry,
    ) -> Result<(), Error> {
        let mut left = names.as_slice();
        let mut tries = 0;
        loop {
            let (chunk, following) = left.split_at(left.len().min(MAX_NAMES_PER_CALL));
            let mut planned = expiry.plan_slice(self.node, chunk).await?;
            if tries >= MAX_TRIES
                && let Some((_, [.., expiry])) = planned.keys.first_mut()
            {
                *expiry = FAIL.into();
            }
            let end = if following.is_empty() {
                end.clone()
            } else {
                SliceEnd {
                    next: Vec::new(),
                    ..end.clone()
                }
            };

            let Some(handled) = self.expire_chunk(&planned, chunk, &end, expiry).await? else {
                return Ok(());
            };
            if let Some((stopped, _)) = planned.keys.get(handled) {
                // Its value was written since it was read.
                let at = left.partition_point(|name| name < stopped);
                left = left.get(at..).unwrap_or_default();
                tries = if handled == 0 { tries + 1 } else { 1 };
                continue;
            }
            if following.is_empty() {
                return Ok(());
            }
            left = following;
            tries = 0;
        }
    }

    /// Makes planned changes. Returns how many of the keys were handled; `None` if the part is
    /// elsewhere.
    async fn expire_chunk(
        &mut self,
        planned: &ExpirySlice,
        names: &[KeyName],
        end: &SliceEnd,
        expiry: &BulkExpiry,
    ) -> Result<Option<usize>, Error> {
        let mut args = self.slice_args(end);
        args.extend(planned.rule.clone());
        args.extend(planned.keys.iter().flat_map(|(_, args)| args.clone()));
        let planned_names = planned.keys.iter();
        let call = Call {
            script: &EXPIRE_SLICE,
            on_node: &EXPIRE_SLICE,
            head: [NEAR, NEAR_FENCES].map(Arg::from).to_vec(),
            args,
            names: planned_names
                .map(|(name, _)| name.as_bytes().to_vec())
                .collect(),
        };

        let Some(mut replies) = self.run(call).await? else {
            let next = if end.next.is_empty() {
                self.position.cursor.clone()
            } else {
                end.next.clone()
            };
            let walked = if end.next.is_empty() { 0 } else { end.walked };
            self.expire_by_slot(names, expiry, &next, walked).await?;
            let is_here = !self.position.cursor.is_empty();
            return Ok(is_here.then_some(planned.keys.len()));
        };
        if !self.read_applied(&mut replies).await? {
            return Ok(None);
        }
        let handled = replies.count()? as usize;
        let is_changed = |args: &[Arg; 4]| args.last() != Some(&KEEP.into());
        let changed = planned.keys.iter().take(handled);
        let changed = changed.filter(|(_, args)| is_changed(args));
        let changed: Vec<KeyName> = changed.map(|(name, _)| name.clone()).collect();
        self.announce(&changed).await?;

        let refused: Vec<KeyName> = replies.rest()?.into_iter().map(KeyName::new).collect();
        if !refused.is_empty() {
            let here = self.position.cursor.clone();
            self.expire_by_slot(&refused, expiry, &here, 0).await?;
        }
        Ok(Some(handled))
    }

    /// Changes the expiry of keys of a Cluster, on whichever node has them.
    async fn expire_by_slot(
        &mut self,
        names: &[KeyName],
        expiry: &BulkExpiry,
        next: &[u8],
        walked: u64,
    ) -> Result<(), Error> {
        let outcome = expiry.change_named(self.node, names).await;
        let counts = Counts {
            walked,
            matched: outcome.counts.matched,
            ..Counts::default()
        };
        let selected = (&outcome.counts).into();
        if let Some(failure) = outcome.failure {
            return Err(failure.into());
        }
        self.add_counts(next, counts, selected, Vec::new()).await
    }

    /// The end of a chunk that is not the last of its slice.
    fn end_here(&self) -> SliceEnd {
        SliceEnd {
            next: self.position.cursor.clone(),
            walked: 0,
            appeared: 0,
        }
    }

    /// The arguments of a script that changes keys, behind the part.
    fn slice_args(&self, end: &SliceEnd) -> Vec<Arg> {
        let Position {
            cursor,
            mark,
            run_id,
        } = self.position.clone();
        vec![
            PART_LIFE_MS.into(),
            run_id.into(),
            cursor.into(),
            mark.into(),
            end.next.as_slice().into(),
            end.walked.into(),
            end.appeared.into(),
        ]
    }

    /// Runs a script at the node; `None` where it refuses scripts without keys.
    async fn run(&self, call: Call) -> Result<Option<Replies>, Error> {
        if self.part.node.is_none() {
            let keys = [self.part.key.as_str().into()].into_iter();
            let names = call.names.into_iter().map(Arg::from);
            let keys = keys.chain(call.head).chain(names);
            let args = ["".into()].into_iter().chain(call.args);
            return Ok(Some(call.script.run(self.node, keys, args).await?));
        }

        let full_name = |name: Vec<u8>| self.node.namespace().full_name(&name).unwrap_or(name);
        let part = full_name(self.part.key.as_bytes().to_vec());
        let names = call.names.into_iter().map(full_name).map(Arg::from);
        let args = [part.into()].into_iter().chain(call.args).chain(names);
        Ok(self.node.run_keyless(call.on_node, args).await?)
    }

    /// Tells near caches of a Cluster that keys have changed; on a single server, the script does.
    async fn announce(&self, names: &[KeyName]) -> Result<(), Error> {
        if self.part.node.is_none() || names.is_empty() {
            return Ok(());
        }
        let names = names.iter().map(|name| name.as_bytes().into());
        Ok(fence::announce_written(self.node, names).await.map(drop)?)
    }
}
