//! Advancing the jobs of a worker, one or several that walk together, batch by batch.

use std::time::{Duration, Instant};

use edge_cache::redis::{HostRuntime, Redis};
use edge_cache::units;
use futures_util::future::join_all;

use super::joint;
use super::pace;
use super::plan::Plan;
use super::record::Job;
use super::slice::{PartWalk, Search};
use super::state::JobState;
use super::store::{self, Saved};
use super::trail;
use super::worker::{Advanced, Worker};
use crate::error::Error;

/// The time of one batch of slices, after which the record is stored.
const BATCH_TIME: Duration = Duration::from_millis(200);
/// The longest rest between two renewals of the lease.
const MAX_REST: Duration = Duration::from_secs(1);

impl<R: Redis + HostRuntime, A: Redis> Worker<'_, R, A> {
    /// Advances jobs until they end, callers change their states, or the time limit is reached. Jobs
    /// whose state is changed are taken out.
    pub(super) async fn advance(
        &self,
        jobs: &mut Vec<Job>,
        ends: Instant,
    ) -> Result<Advanced, Error> {
        for job in jobs.iter_mut() {
            self.take_over(job).await?;
        }

        loop {
            let began = Instant::now();
            let Some(lead) = jobs.first() else {
                return Ok(Advanced::Left);
            };
            if lead.work.patterns.is_empty() {
                return Ok(Advanced::Ended);
            }
            let matched_before = lead.counts().matched;

            let walked = self.advance_batch(jobs, began).await;
            // If one node has failed, the counts of the others are stored, too.
            if !self.store_all(jobs).await? {
                return Ok(Advanced::Lost);
            }
            walked?;
            let Some(lead) = jobs.first_mut() else {
                return Ok(Advanced::Left);
            };

            let matched = lead.counts().matched.saturating_sub(matched_before);
            self.rest(lead, matched, began).await?;
            if lead.plan.as_ref().is_some_and(Plan::has_ended) && self.end_pass(jobs).await? {
                if let Some(lead) = jobs.first_mut() {
                    self.keep_analysis(lead).await?;
                }
                return Ok(Advanced::Ended);
            }
            if Instant::now() >= ends {
                return Ok(Advanced::OutOfTime);
            }
        }
    }

    /// Plans the walk, or advances it for the time of a batch.
    async fn advance_batch(&self, jobs: &mut [Job], began: Instant) -> Result<(), Error> {
        let is_planned = jobs.first().is_some_and(|lead| lead.plan.is_some());
        let walked = if is_planned {
            joint::gather_counts(jobs);
            let walked = self.walk_batch(jobs, began + BATCH_TIME).await;
            joint::share_plan(jobs);
            walked
        } else {
            self.plan(jobs).await
        };

        let max_latency = jobs.iter().filter_map(|job| job.work.max_latency_ms).min();
        if let Some(lead) = jobs.first_mut() {
            self.bound_names(lead).await?;
            pace::adapt_rest(self.redis, lead, max_latency).await;
        }
        for job in jobs.iter_mut() {
            job.worked_ms += units::milliseconds(began.elapsed());
        }
        walked
    }

    /// Begins a job, or continues where another worker has stopped.
    pub(super) async fn take_over(&self, job: &mut Job) -> Result<(), Error> {
        for part in job.plan.iter_mut().flat_map(|plan| &mut plan.parts) {
            part.refresh(self.redis).await?;
        }

        let has_owner = !job.owner.is_empty() && job.owner != self.name;
        let is_taken_over = job.state == JobState::Running && has_owner;
        job.error = None;
        job.ended_ms = 0;
        job.owner.clone_from(&self.name);
        if job.started_ms == 0 {
            job.started_ms = units::now_ms();
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

    /// Walks slices of all nodes side by side, by the plan of the first job.
    async fn walk_batch(&self, jobs: &mut [Job], ends: Instant) -> Result<(), Error> {
        let lead = jobs.first();
        let quota = lead.and_then(|lead| pace::quota_of_batch(&lead.work));
        let search = &Search::of(jobs, quota);
        let topology = self.redis.topology().await?;
        let nodes = topology.nodes(self.redis);
        let plan = jobs.first_mut().and_then(|lead| lead.plan.as_mut());
        let parts = plan.into_iter().flat_map(|plan| &mut plan.parts);

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
                walk.record_tally().await
            }
        });

        join_all(walking).await.into_iter().collect()
    }

    /// Waits until the keys that have matched since `began` keep to the pace of the job, and rests
    /// while nodes are slow. Renews the lease while it waits.
    async fn rest(&self, job: &mut Job, matched: u64, began: Instant) -> Result<(), Error> {
        let takes = pace::time_of_batch(job, matched, began.elapsed());
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

    /// Stores the records of jobs, and takes those out whose state a caller has changed. Returns false if
    /// another worker has the lease. Round trips overlap.
    pub(super) async fn store_all(&self, jobs: &mut Vec<Job>) -> Result<bool, Error> {
        let storing = jobs.iter_mut().map(|job| self.store(job));
        let states = join_all(storing).await;
        let states: Vec<_> = states.into_iter().collect::<Result<_, _>>()?;
        if states.contains(&None) {
            return Ok(false);
        }

        let plan = jobs.first().and_then(|lead| lead.plan.clone());
        let mut left = Vec::new();
        for (job, state) in std::mem::take(jobs).into_iter().zip(states) {
            match state {
                Some(JobState::Running) | None => jobs.push(job),
                Some(state) => left.push((job, state)),
            }
        }
        for (job, state) in left {
            self.leave(job, state).await?;
        }
        if jobs.is_empty() {
            self.close_joint_walk(plan.as_ref()).await;
        }
        Ok(true)
    }

    /// Stores the record and returns the state of the job; `None` if another worker has the lease.
    async fn store(&self, job: &mut Job) -> Result<Option<JobState>, Error> {
        match store::save(self.redis, &self.name, job, JobState::Running).await? {
            Saved::In(JobState::Running) => {
                job.state = JobState::Running;
                Ok(Some(JobState::Running))
            }
            Saved::In(state) => Ok(Some(state)),
            Saved::Lost | Saved::Gone => Ok(None),
        }
    }
}
