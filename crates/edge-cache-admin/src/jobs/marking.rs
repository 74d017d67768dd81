//! One slice of a job that marks keys stale.
//!
//! Trailers are rewritten outside Redis, so the names of a slice are read, their keys marked, and then
//! counts and cursor stored. A worker that is killed in between leaves a slice that the next one
//! repeats: keys that are marked already count as marked, so each counts once.
//!
//! With conditions, and for the names of a dry run, there is no fence: the keys are marked by name.

use edge_cache::keyspace::key::KeyName;
use edge_cache::keyspace::purge::SoftGrace;
use edge_cache::keyspace::{MAX_KEYS_PER_CALL, soft_purge};
use edge_cache::redis::info::read_run_id;
use edge_cache::redis::script::Script;
use edge_cache::redis::{HostRuntime, Redis};
use edge_cache::script;

use super::counts::{Counts, SelectedCounts};
use super::record::Marking;
use super::selection::SliceEnd;
use super::slice::{PART_LIFE_MS, PartWalk};
use crate::error::Error;

static BEGIN_SLICE: Script = script!(repeatable "jobs/begin_slice", []);

impl<R: Redis + HostRuntime> PartWalk<'_, R> {
    /// Marks the keys of one slice stale. Seven round trips; on a Cluster those of each slot overlap.
    pub(super) async fn advance_marking(&mut self, marking: Marking) -> Result<(), Error> {
        let cursor = self.marking_cursor().await?;
        if cursor == b"end" {
            self.part.refresh(self.node).await?;
            return Ok(());
        }

        let (found, end) = self.read_plain_names(&cursor, "").await?;
        let matched = found.len() as u64;
        let marked = soft_purge::mark_found(self.node, found, marking.fence, marking.grace).await?;
        let added = Counts {
            matched,
            removed: marked,
            ..Counts::default()
        };
        self.record(end.next, end.walked, &[added]).await
    }

    /// Marks the keys of a slice stale that the worker has selected, by name. Ten round trips for each
    /// 1,000; on a Cluster those of each slot overlap.
    pub(super) async fn mark_names(
        &mut self,
        names: &[KeyName],
        end: &SliceEnd,
        grace: SoftGrace,
    ) -> Result<(), Error> {
        let mut marked = 0;
        for chunk in names.chunks(MAX_KEYS_PER_CALL) {
            let existed = soft_purge::mark_named(self.node, chunk, grace).await?;
            marked += existed.into_iter().filter(|existed| *existed).count() as u64;
        }

        let counts = Counts {
            walked: end.walked,
            matched: marked,
            removed: marked,
            failed: 0,
        };
        let selected = SelectedCounts {
            appeared: end.appeared,
            ..SelectedCounts::default()
        };
        self.add_counts(&end.next, counts, selected, Vec::new())
            .await
    }

    /// Reads where the walk is. Two round trips.
    async fn marking_cursor(&self) -> Result<Vec<u8>, Error> {
        let run_id = read_run_id(self.node).await?;
        let keys = [self.part.key.as_str().into()];
        let args = [run_id.into(), PART_LIFE_MS.into()];
        Ok(BEGIN_SLICE.run(self.node, keys, args).await?.bytes()?)
    }
}
