//! Workers: each claims jobs, advances them slice by slice, and settles those that have ended.

use std::time::{Duration, Instant};

use edge_cache::keyspace::fence;
use edge_cache::redis::{Command, HostRuntime, Redis, Replies};
use edge_cache::units;
use edge_cache::{ErrorKind, RedisError};
use futures_util::future::join_all;

use super::plan::{AfterPass, Plan};
use super::record::{Job, now_ms};
use super::slice::{self, PartWalk, Search};
use super::state::JobState;
use super::store::{self, Claim, Saved};
use super::trail::{self, UnwrittenRecord};
use crate::error::Error;

/// The longest work after a response. Hosts with a limit allow a minute.
pub const WORK_TIME: Duration = Duration::from_secs(50);
/// The time of one batch of slices, after which the record is stored.
const BATCH_TIME: Duration = Duration::from_millis(200);
/// The longest pause of a job with a pace between two renewals of its lease.
const MAX_REST: Duration = Duration::from_secs(1);
/// How long a worker waits after a failure of Redis.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// How long a worker waits before another pass over a Cluster, whose slots may still be moving.
const BETWEEN_PASSES: Duration = Duration::from_secs(1);

/// The origin of a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waker {
    /// A request that began or changed a job.
    Request,
    /// The schedule, which waits until the lease of another worker has been renewed or has ended.
    Schedule,
}

/// A worker.
pub struct Worker<'a, R, A> {
    /// The cache.
    pub redis: &'a R,
    /// The audit trail.
    pub audit: &'a A,
    /// Its name, which no other worker has.
    pub name: String,
    /// Its origin.
    pub waker: Waker,
    /// Logs an audit record that the trail refuses.
    pub on_unwritten: &'a UnwrittenRecord,
}

/// The decision after a step of a worker.
enum Next {
    /// Another job may be waiting.
    Claim,
    /// There is nothing to do.
    Stop,
    /// Another worker has the lease, for this long.
    Wait(Duration),
}

impl<R: Redis + HostRuntime, A: Redis> Worker<'_, R, A> {
    /// Advances jobs until none is left, another worker has the lease, or the time limit is
    /// reached. An unfinished job then goes back to the queue.
    ///
    /// # Errors
    /// Those of the connection, if they last until the time limit.
    pub async fn work(&self, limit: Duration) -> Result<(), Error> {
        let ends = Instant::now() + limit;
        let mut may_wait = self.waker == Waker::Schedule;
        loop {
            match self.step(ends).await {
                Ok(Next::Claim) if Instant::now() < ends => {}
                Ok(Next::Wait(left)) if may_wait => {
                    may_wait = false;
                    // A live worker renews its lease long before it ends.
                    self.redis.sleep(left.min(store::LEASE) + RETRY_AFTER).await;
                }
                Ok(_) => return Ok(self.stop().await?),
                // The schedule comes again soon, and its request must not wait for Redis.
                Err(error)
                    if self.waker == Waker::Request
                        && is_passing(&error)
                        && Instant::now() + RETRY_AFTER < ends =>
                {
                    self.redis.sleep(RETRY_AFTER).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn stop(&self) -> Result<(), RedisError> {
        store::release(self.redis, &self.name).await
    }

    async fn step(&self, ends: Instant) -> Result<Next, Error> {
        let mut job = match store::claim(self.redis, &self.name).await? {
            Claim::Busy(left) => return Ok(Next::Wait(left)),
            Claim::Idle => return Ok(Next::Stop),
            Claim::Unreadable(id) => {
                store::fail(self.redis, &id).await?;
                return Ok(Next::Claim);
            }
            Claim::Job(job) => *job,
        };
        if job.state.is_settling() {
            return self.settle(job).await;
        }

        let advanced = Box::pin(self.advance(&mut job, ends)).await;
        match advanced {
            Err(error) if !is_passing(&error) => {
                job.error = Some(error.to_string());
                self.end(job, JobState::Failing).await
            }
            Err(error) => Err(error),
            Ok(Advanced::Ended) => self.end(job, JobState::Finishing).await,
            Ok(Advanced::Changed(state)) if state.is_settling() => {
                job.state = state;
                self.settle(job).await
            }
            Ok(Advanced::Changed(_)) => Ok(Next::Claim),
            Ok(Advanced::OutOfTime) => {
                store::save(self.redis, &self.name, &mut job, JobState::Queued).await?;
                Ok(Next::Stop)
            }
            Ok(Advanced::Lost) => Ok(Next::Stop),
        }
    }

    /// Advances a job until it ends, a caller changes its state, or the time limit is reached.
    async fn advance(&self, job: &mut Job, ends: Instant) -> Result<Advanced, Error> {
        self.take_over(job).await?;
        if job.work.patterns.is_empty() {
            return Ok(Advanced::Ended);
        }

        let quota = job.work.max_keys_per_second.map(quota_of_batch);
        let search = Search::of(&job.work, quota);
        loop {
            let began = Instant::now();
            let matched_before = job.counts().matched;
            let walked = if job.plan.is_none() {
                self.plan(job).await
            } else {
                self.walk_batch(job, &search, began + BATCH_TIME, quota)
                    .await
            };
            job.worked_ms += units::milliseconds(began.elapsed());

            // If one node has failed, the counts of the others are stored, too.
            let state = self.store(job).await?;
            walked?;
            match state {
                Some(JobState::Running) => {}
                Some(state) => return Ok(Advanced::Changed(state)),
                None => return Ok(Advanced::Lost),
            }
            let matched = job.counts().matched.saturating_sub(matched_before);
            self.rest(job, matched, began).await?;
            if job.plan.as_ref().is_some_and(Plan::has_ended) && self.end_pass(job).await? {
                return Ok(Advanced::Ended);
            }
            if Instant::now() >= ends {
                return Ok(Advanced::OutOfTime);
            }
        }
    }

    /// Begins a job, or continues where another worker has stopped.
    async fn take_over(&self, job: &mut Job) -> Result<(), Error> {
        for part in job.plan.iter_mut().flat_map(|plan| &mut plan.parts) {
            part.refresh(self.redis).await?;
        }

        let has_owner = !job.owner.is_empty() && job.owner != self.name;
        let is_taken_over = job.state == JobState::Running && has_owner;
        job.state = JobState::Running;
        job.error = None;
        job.ended_ms = 0;
        job.owner.clone_from(&self.name);
        if job.started_ms == 0 {
            job.started_ms = now_ms();
        }
        if !is_taken_over {
            return Ok(());
        }

        job.takeovers += 1;
        if job.work.is_dry_run() {
            return Ok(());
        }
        let record = job.takeover_record(self.waker.name());
        Ok(trail::write(self.audit, &record, self.on_unwritten).await?)
    }

    /// Plans the next pass.
    async fn plan(&self, job: &mut Job) -> Result<(), Error> {
        let topology = self.redis.newest_topology().await?;
        if job.total.is_none() {
            let nodes = topology.nodes(self.redis);
            let sizes = nodes.iter().map(|node| async move {
                let size = node.execute(Command::read("DBSIZE")).await.ok()?;
                Replies::new(size).count().ok()
            });
            job.total = join_all(sizes).await.into_iter().sum();
        }
        job.plan = Some(Plan::new(&topology, &job.id, 1));
        Ok(())
    }

    /// Ends a pass; returns whether it was the last one.
    async fn end_pass(&self, job: &mut Job) -> Result<bool, Error> {
        let Some(plan) = &job.plan else {
            return Ok(false);
        };
        let topology = self.redis.newest_topology().await?;
        match plan.after(&topology) {
            AfterPass::Done => Ok(true),
            AfterPass::GiveUp => Err(Error::JobState(
                "slots of the Cluster moved during every pass over it: repeat the operation when its slots no longer move"
                    .to_owned(),
            )),
            AfterPass::Another => {
                self.redis.sleep(BETWEEN_PASSES).await;
                let next = Plan::new(&topology, &job.id, plan.pass + 1);
                // Another pass finds again what was only counted.
                if !job.work.is_dry_run() {
                    job.earlier = job.counts();
                }
                job.plan = Some(next);
                Ok(false)
            }
        }
    }

    /// Walks slices of all nodes side by side.
    async fn walk_batch(
        &self,
        job: &mut Job,
        search: &Search,
        ends: Instant,
        quota: Option<u64>,
    ) -> Result<(), Error> {
        let topology = self.redis.topology().await?;
        let nodes = topology.nodes(self.redis);
        let parts = job.plan.iter_mut().flat_map(|plan| &mut plan.parts);

        let walking = parts.filter(|part| !part.has_ended).map(|part| {
            let name = part.node.as_deref();
            let node = nodes.iter().find(|node| {
                let address = node.address().map(ToString::to_string);
                address.as_deref() == name
            });

            async move {
                let Some(node) = node else {
                    return Ok(part.cut(self.redis).await?);
                };

                let last = quota.map(|quota| part.counts.matched + quota);
                let mut walk = PartWalk::new(node, search, part);
                while !walk.part.has_ended
                    && Instant::now() < ends
                    && last.is_none_or(|last| walk.part.counts.matched < last)
                {
                    walk.advance().await?;
                }
                Ok(())
            }
        });

        join_all(walking).await.into_iter().collect()
    }

    /// Waits until this many keys, from the beginning of their batch, keep to the pace of the job,
    /// and renews the lease while it waits.
    async fn rest(&self, job: &mut Job, matched: u64, began: Instant) -> Result<(), Error> {
        let Some(rate) = job.work.max_keys_per_second else {
            return Ok(());
        };
        let takes = Duration::from_millis(matched.saturating_mul(1000) / rate.max(1));
        loop {
            let left = takes.saturating_sub(began.elapsed());
            if left.is_zero() {
                return Ok(());
            }
            self.redis.sleep(left.min(MAX_REST)).await;
            job.worked_ms += units::milliseconds(left.min(MAX_REST));
            if self.store(job).await? != Some(JobState::Running) {
                return Ok(());
            }
        }
    }

    /// Stores the record and returns the state of the job; `None` if another worker has the lease.
    async fn store(&self, job: &mut Job) -> Result<Option<JobState>, Error> {
        match store::save(self.redis, &self.name, job, JobState::Running).await? {
            Saved::In(state) => Ok(Some(state)),
            Saved::Lost | Saved::Gone => Ok(None),
        }
    }

    /// Ends a job, and settles it.
    async fn end(&self, mut job: Job, state: JobState) -> Result<Next, Error> {
        job.ended_ms = now_ms();
        match store::save(self.redis, &self.name, &mut job, state).await? {
            Saved::In(state) if state.is_settling() => {
                job.state = state;
                self.settle(job).await
            }
            Saved::In(_) => Ok(Next::Claim),
            Saved::Lost | Saved::Gone => Ok(Next::Stop),
        }
    }

    /// Ends the fences of a job, writes its end to the audit trail, and removes its parts.
    async fn settle(&self, mut job: Job) -> Result<Next, Error> {
        for part in job.plan.iter_mut().flat_map(|plan| &mut plan.parts) {
            part.refresh(self.redis).await?;
        }
        if job.state == JobState::Cancelling {
            job.error = None;
            job.ended_ms = now_ms();
        }
        if job.ended_ms == 0 {
            job.ended_ms = now_ms();
        }

        // After a failed job, the schedule adds its fences to the gathered walk, like those of any
        // interrupted removal.
        match job.state {
            JobState::Failing => {}
            JobState::Cancelling => fence::withdraw_fences(self.redis, &job.fences).await?,
            _ => fence::end_fences(self.redis, &job.fences).await?,
        }
        if !job.work.is_dry_run() {
            trail::write(self.audit, &job.end_record(), self.on_unwritten).await?;
        }

        let settled = job.state.settled();
        store::save(self.redis, &self.name, &mut job, settled).await?;
        for part in job.plan.iter().flat_map(|plan| &plan.parts) {
            // A late slice of a delayed worker must find the end. If this fails, the part expires later.
            let _ = slice::close_part(self.redis, part).await;
        }
        Ok(Next::Claim)
    }
}

/// The most keys of a node that may match in one batch, at a pace. The wait after it counts those
/// of all nodes.
fn quota_of_batch(max_keys_per_second: u64) -> u64 {
    (max_keys_per_second / 5).max(1)
}

/// How the advance of a job ended.
enum Advanced {
    /// The walk is over.
    Ended,
    /// A caller has changed the state of the job.
    Changed(JobState),
    /// The time limit of the worker is reached.
    OutOfTime,
    /// Another worker has the lease, or the job has been removed.
    Lost,
}

impl Waker {
    fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Schedule => "schedule",
        }
    }
}

/// Returns whether a later attempt may succeed, by this worker or another.
fn is_passing(error: &Error) -> bool {
    let source = match error {
        Error::Redis(source) | Error::Partial { source, .. } => source,
        _ => return false,
    };
    source.is_unavailable()
        || matches!(
            source.kind,
            ErrorKind::Cluster
                | ErrorKind::ReadOnly
                | ErrorKind::OutOfMemory
                | ErrorKind::PersistenceFailed
                | ErrorKind::NotEnoughReplicas
        )
}
