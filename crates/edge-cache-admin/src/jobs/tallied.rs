//! Full analyses: a walk that tallies all keys of a node. What has been tallied is stored after each batch,
//! together with the cursor, so that a worker that takes over repeats one batch at most.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use edge_cache::redis::script::Script;
use edge_cache::redis::{Command, HostRuntime, Redis, Replies};
use edge_cache::script;

use super::plan::Part;
use super::record::Job;
use super::slice::{PART_LIFE_MS, PartWalk};
use super::tallying::Tallying;
use super::worker::Worker;
use crate::admin::analysis::{self, AnalysisMode, Choice, KeySizes, NodeMemory, NodeTally, Origin};
use crate::error::Error;
use crate::lua;

static READ_TALLY: Script = script!(once "jobs/read_tally", [lua::JOB_PART]);
static RECORD_TALLY: Script = script!(once "jobs/record_tally", [lua::JOB_PART]);

impl<R: Redis + HostRuntime> PartWalk<'_, R> {
    /// Tallies one slice. One round trip, and up to two in the first slice of a batch; on a node that
    /// refuses scripts without keys, three for each 64 keys.
    pub(super) async fn advance_tally(&mut self, depth: u8) -> Result<(), Error> {
        let mut tallying = match self.tallying.take() {
            Some(tallying) => tallying,
            None => self.read_tally(depth).await?,
        };
        if tallying.cursor == b"end" {
            self.part.has_ended = true;
            return Ok(());
        }

        let Tallying { cursor, tally, .. } = &mut tallying;
        let next = match tally
            .tally_slice(self.node, cursor, self.search.most)
            .await?
        {
            Some(next) => next,
            None => {
                let mut all = Choice::all();
                tally.tally_plainly(self.node, cursor, &mut all).await?
            }
        };
        *cursor = next;

        let visited = tally.keys_visited();
        self.part.counts.walked = visited;
        self.part.counts.matched = visited;
        if cursor == b"0" {
            *cursor = b"end".to_vec();
            self.part.has_ended = true;
        }
        self.tallying = Some(tallying);
        Ok(())
    }

    /// Reads what earlier batches have tallied.
    async fn read_tally(&self, depth: u8) -> Result<Tallying, Error> {
        let keys = [self.part.key.as_str().into()];
        let mut replies = READ_TALLY
            .run(self.node, keys, [PART_LIFE_MS.into()])
            .await?;
        let cursor = replies.bytes()?;
        let run_id = replies.bytes()?;
        let tally = match NodeTally::unpack(&replies.bytes()?) {
            Some(tally) => tally,
            None => NodeMemory::read(self.node).await?.new_tally(depth),
        };
        Ok(Tallying {
            began_at: cursor.clone(),
            cursor,
            run_id,
            tally,
        })
    }

    /// Stores what the batch has tallied, unless another worker has advanced the part or the server was
    /// restarted. One round trip; none if there was no slice.
    pub(super) async fn record_tally(&mut self) -> Result<(), Error> {
        let Some(tallying) = self.tallying.take() else {
            return Ok(());
        };
        let args = [
            tallying.began_at.into(),
            tallying.run_id.into(),
            tallying.cursor.into(),
            PART_LIFE_MS.into(),
            tallying.tally.keys_visited().into(),
            tallying.tally.pack().into(),
        ];
        let keys = [self.part.key.as_str().into()];
        let mut replies = RECORD_TALLY.run(self.node, keys, args).await?;
        if replies.text()? != "ok" {
            // The next batch reads where the part is.
            self.part.has_ended = false;
        }
        Ok(())
    }
}

impl<R: Redis + HostRuntime, A: Redis> Worker<'_, R, A> {
    /// Turns what was tallied on all nodes into a result, and keeps it. Nothing for other jobs. Two round
    /// trips for each node, and three.
    pub(super) async fn keep_analysis(&self, job: &Job) -> Result<(), Error> {
        let (Some(depth), Some(plan)) = (job.work.depth, &job.plan) else {
            return Ok(());
        };
        let topology = self.redis.topology().await?;
        let nodes = topology.nodes(self.redis);
        let mut tallied = Vec::new();
        for part in &plan.parts {
            let is_of_part = |address: Option<String>| address == part.node;
            let node = nodes
                .iter()
                .find(|node| is_of_part(node.address().map(ToString::to_string)));
            let memory = match node {
                Some(node) => NodeMemory::read(node).await?,
                None => NodeMemory::default(),
            };
            let tally = self.read_part_tally(part).await?;
            tallied.push((memory, tally.unwrap_or_else(|| memory.new_tally(depth))));
        }

        let origin = Origin {
            mode: AnalysisMode::Full,
            by: job.by.clone(),
            depth,
            began: UNIX_EPOCH + Duration::from_millis(job.started_ms),
            ended: SystemTime::now(),
        };
        let key_sizes = KeySizes::read(self.redis).await;
        analysis::keep_full(self.audit, origin, tallied, key_sizes, &job.id).await?;
        for part in &plan.parts {
            let remove = Command::read("HDEL").arg(part.key.as_str()).arg("tally");
            self.redis.execute(remove).await?;
        }
        Ok(())
    }

    async fn read_part_tally(&self, part: &Part) -> Result<Option<NodeTally>, Error> {
        let read = Command::read("HGET").arg(part.key.as_str()).arg("tally");
        let stored = Replies::new(self.redis.execute(read).await?).optional_bytes()?;
        Ok(stored.and_then(|stored| NodeTally::unpack(&stored)))
    }
}
