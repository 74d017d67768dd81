//! Workers: each claims jobs, advances them slice by slice, and settles those that have ended.

use edge_cache::units;
use std::time::{Duration, Instant};

use edge_cache::keyspace::fence;
use edge_cache::redis::{HostRuntime, Redis};
use edge_cache::{ErrorKind, RedisError};

use super::record::{Effect, Job};
use super::slice;
use super::state::JobState;
use super::store::{self, Claim, Queue, Saved};
use super::trail::{self, UnwrittenRecord};
use crate::error::Error;

/// The longest work after a response. Hosts with a limit allow a minute.
pub const WORK_TIME: Duration = Duration::from_secs(50);
/// How long a worker waits after a failure of Redis.
const RETRY_AFTER: Duration = Duration::from_millis(500);

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
pub(super) enum Next {
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
        if let Err(error) = self.begin_due().await
            && !(self.waker == Waker::Request && is_passing(&error))
        {
            return Err(error);
        }

        self.repeat(Queue::Walks, ends, async || self.step(ends).await)
            .await
    }

    /// Repeats a step until there is nothing to do, or the time limit is reached. Then it ends the lease.
    pub(super) async fn repeat(
        &self,
        queue: Queue,
        ends: Instant,
        step: impl AsyncFn() -> Result<Next, Error>,
    ) -> Result<(), Error> {
        let mut may_wait = self.waker == Waker::Schedule;

        loop {
            match step().await {
                Ok(Next::Claim) if Instant::now() < ends => {}
                Ok(Next::Wait(left)) if may_wait => {
                    may_wait = false;
                    // A live worker renews its lease long before it ends.
                    self.redis.sleep(left.min(store::LEASE) + RETRY_AFTER).await;
                }
                Ok(_) => return Ok(store::release(self.redis, queue, &self.name).await?),
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

    /// Claims a job of a queue; else decides what to do instead. One round trip.
    pub(super) async fn claim(&self, queue: Queue) -> Result<Result<Job, Next>, Error> {
        Ok(match store::claim(self.redis, queue, &self.name).await? {
            Claim::Busy(left) => Err(Next::Wait(left)),
            Claim::Idle => Err(Next::Stop),
            Claim::Unreadable(id) => {
                store::fail(self.redis, &id).await?;
                Err(Next::Claim)
            }
            Claim::Job(job) => Ok(*job),
        })
    }

    async fn step(&self, ends: Instant) -> Result<Next, Error> {
        let job = match self.claim(Queue::Walks).await? {
            Ok(job) => job,
            Err(next) => return Ok(next),
        };
        if job.state.is_settling() {
            return self.settle(job).await;
        }

        let mut jobs = self.join(job).await?;
        let advanced = Box::pin(self.advance(&mut jobs, ends)).await;
        match advanced {
            Err(error) if !is_passing(&error) => {
                for job in &mut jobs {
                    job.error = Some(error.to_string());
                }
                self.end_all(jobs, JobState::Failing).await
            }
            Err(error) => Err(error),
            Ok(Advanced::Ended) => self.end_all(jobs, JobState::Finishing).await,
            Ok(Advanced::Left) => Ok(Next::Claim),
            Ok(Advanced::OutOfTime) => {
                for job in &mut jobs {
                    self.put_back(job).await?;
                }
                Ok(Next::Stop)
            }
            Ok(Advanced::Lost) => Ok(Next::Stop),
        }
    }

    /// Lets another worker continue a job. Those of a joint walk stay running: a queued one has left it.
    async fn put_back(&self, job: &mut Job) -> Result<(), RedisError> {
        let state = if job.joint_walk().is_some() {
            job.owner = String::new();
            JobState::Running
        } else {
            JobState::Queued
        };
        store::save(self.redis, &self.name, job, state)
            .await
            .map(drop)
    }

    /// Ends jobs that have walked together, and settles them.
    async fn end_all(&self, jobs: Vec<Job>, state: JobState) -> Result<Next, Error> {
        let plan = jobs.first().and_then(|lead| lead.plan.clone());
        for job in jobs {
            if let Next::Stop = self.end(job, state).await? {
                return Ok(Next::Stop);
            }
        }
        self.close_joint_walk(plan.as_ref()).await;
        Ok(Next::Claim)
    }

    /// Ends a job, and settles it.
    pub(super) async fn end(&self, mut job: Job, state: JobState) -> Result<Next, Error> {
        job.ended_ms = units::now_ms();
        let invalidates = matches!(job.work.effect, Effect::Remove | Effect::MarkStale);
        if invalidates && state == JobState::Finishing && job.in_force_ms == 0 {
            // It had no fences: its keys are gone or stale, and near caches soon know it.
            let in_force = fence::announce_written(self.redis, []).await?;
            job.in_force_ms = units::since_1970_ms(in_force.expected_at(Duration::ZERO));
        }
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
    pub(super) async fn settle(&self, mut job: Job) -> Result<Next, Error> {
        for part in job.plan.iter_mut().flat_map(|plan| &mut plan.parts) {
            part.refresh(self.redis).await?;
        }
        if job.state == JobState::Cancelling {
            job.error = None;
            job.ended_ms = units::now_ms();
        }
        if job.ended_ms == 0 {
            job.ended_ms = units::now_ms();
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
        if settled != JobState::Done {
            self.forget_names(&job).await?;
        } else if job.remembers_names() {
            self.bound_all_names(&job).await?;
        }
        store::save(self.redis, &self.name, &mut job, settled).await?;
        let alone = job.plan.iter().filter(|plan| plan.joint.is_none());
        for part in alone.flat_map(|plan| &plan.parts) {
            // A late slice of a delayed worker must find the end. If this fails, the part expires later.
            let _ = slice::close_part(self.redis, part).await;
        }
        Ok(Next::Claim)
    }
}

/// How the advance of jobs ended.
pub(super) enum Advanced {
    /// The walk is over.
    Ended,
    /// Callers have changed the states of all jobs.
    Left,
    /// The time limit of the worker is reached.
    OutOfTime,
    /// Another worker has the lease.
    Lost,
}

impl Waker {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Schedule => "schedule",
        }
    }
}

/// Returns whether a later attempt may succeed, by this worker or another.
pub(super) fn is_passing(error: &Error) -> bool {
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
