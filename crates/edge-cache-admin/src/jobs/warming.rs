//! Warmups as jobs. Only components with the sources of a plan advance them; other workers leave them
//! in their queue.
//!
//! A warmup is continued after the last plan entry that it has finished: keys of a later entry that an
//! ended worker has written are counted again, as skipped, or, with `force`, as written. Its lease is
//! the lock on warmups, so one runs at a time, whoever began it.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use edge_cache::RedisError;
use edge_cache::keyspace::ttl::TtlTable;
use edge_cache::redis::{HostRuntime, Redis};

use super::record::{Job, Warmed};
use super::state::JobState;
use super::store::{self, Queue, Saved};
use super::worker::{Next, Worker, is_passing};
use crate::error::Error;
use crate::warmup::{Plan, Source, StopReason, Warmup, WarmupHold, WarmupLimits, WarmupStatus};

/// The plan of warmups, and their sources.
pub struct WarmupTools<'a, S> {
    /// The sources of the plan.
    pub source: &'a S,
    /// The plan.
    pub plan: &'a Plan,
    /// The TTLs of keys whose plan entry has none, before overrides.
    pub ttl_table: &'a TtlTable,
    /// The limits.
    pub limits: WarmupLimits,
}

/// The hold of a job on the lock on warmups: each renewal stores its progress.
struct JobHold<'a, R, A> {
    worker: &'a Worker<'a, R, A>,
    job: RefCell<Job>,
    ends: Instant,
    /// The state of the job, as last stored.
    state: Cell<JobState>,
}

impl<R: Redis + HostRuntime, A: Redis> Worker<'_, R, A> {
    /// Advances jobs that are warmups, like [`Worker::work`]. The time limit is judged after each plan
    /// entry.
    ///
    /// # Errors
    /// Those of the connection, if they last until the time limit.
    pub async fn work_on_warmups<S: Source>(
        &self,
        tools: &WarmupTools<'_, S>,
        limit: Duration,
    ) -> Result<(), Error> {
        let ends = Instant::now() + limit;
        let step = async || Box::pin(self.warmup_step(tools, ends)).await;
        self.repeat(Queue::Warmups, ends, step).await
    }

    async fn warmup_step<S: Source>(
        &self,
        tools: &WarmupTools<'_, S>,
        ends: Instant,
    ) -> Result<Next, Error> {
        let mut job = match self.claim(Queue::Warmups).await? {
            Ok(job) => job,
            Err(next) => return Ok(next),
        };
        if job.state.is_settling() {
            return self.settle(job).await;
        }
        let Some(request) = job.work.warmup.clone() else {
            let problem = "the record of the job has no warmup".to_owned();
            job.error = Some(problem);
            return self.end(job, JobState::Failing).await;
        };
        self.take_over(&mut job).await?;

        let by = job.by.clone();
        let warmup = Warmup {
            redis: self.redis,
            source: tools.source,
            plan: tools.plan,
            ttl_table: tools.ttl_table,
            limits: tools.limits,
            by: &by,
            id: &self.name,
        };
        let before = job.warmed.as_ref().map(|warmed| warmed.finished.clone());
        let hold = JobHold {
            worker: self,
            state: Cell::new(job.state),
            job: RefCell::new(job),
            ends,
        };
        let run = request.run_held(&warmup, &hold, before.as_ref()).await;
        let state = hold.state.get();
        let job = hold.job.into_inner();
        let (status, stop) = run?;
        self.after_warmup(job, state, status, stop).await
    }

    /// Ends the job of a warmup that has stopped, or leaves it to another worker.
    async fn after_warmup(
        &self,
        mut job: Job,
        state: JobState,
        status: WarmupStatus,
        stop: Option<StopReason>,
    ) -> Result<Next, Error> {
        let Some(reason) = stop else {
            job.warmed = Some(Warmed::at(status));
            return self.end(job, JobState::Finishing).await;
        };

        match reason {
            StopReason::LockLost => Ok(Next::Stop),
            StopReason::Redis(error) if is_passing(&Error::Redis(error.clone())) => {
                Err(error.into())
            }
            StopReason::Cancelled => {
                job.warmed = Some(Warmed::at(status));
                job.state = state;
                self.end(job, JobState::Cancelling).await
            }
            StopReason::Returned => {
                job.warmed = Some(Warmed::at(status));
                job.state = state;
                let next = match state {
                    JobState::Running => JobState::Queued,
                    changed => changed,
                };

                store::save(self.redis, &self.name, &mut job, next).await?;
                Ok(if next == JobState::Queued && state == JobState::Running {
                    Next::Stop
                } else {
                    Next::Claim
                })
            }
            StopReason::MemoryFull(_) | StopReason::Redis(_) => {
                job.error = Some(reason.to_string());
                job.warmed = Some(Warmed::at(status));
                self.end(job, JobState::Failing).await
            }
        }
    }
}

impl Warmed {
    fn at(status: WarmupStatus) -> Self {
        Self {
            now: status.clone(),
            finished: status,
        }
    }
}

impl<R: Redis + HostRuntime, A: Redis> WarmupHold for JobHold<'_, R, A> {
    /// Stores the record, which renews the lease. One round trip.
    async fn renew(
        &self,
        now: &WarmupStatus,
        finished: &WarmupStatus,
    ) -> Result<Option<StopReason>, RedisError> {
        let mut job = self.job.borrow().clone();
        job.worked_ms = now.duration_ms;
        job.warmed = Some(Warmed {
            now: now.clone(),
            finished: finished.clone(),
        });
        let worker = self.worker;
        let saved = store::save(worker.redis, &worker.name, &mut job, JobState::Running).await?;
        let Saved::In(state) = saved else {
            return Ok(Some(StopReason::LockLost));
        };

        self.state.set(state);
        let reason = match state {
            JobState::Running => None,
            JobState::Cancelling => Some(StopReason::Cancelled),
            _ => Some(StopReason::Returned),
        };
        if reason.is_none() {
            job.state = JobState::Running;
        }
        self.job.replace(job);
        Ok(reason)
    }

    fn is_time_over(&self) -> bool {
        Instant::now() >= self.ends
    }
}
