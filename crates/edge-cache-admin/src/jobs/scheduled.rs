//! Jobs with a time: any worker begins those that are due, even while another job is running.

use edge_cache::units;
use std::time::Duration;

use edge_cache::keyspace::fence;
use edge_cache::redis::{HostRuntime, Redis};

use super::record::Job;
use super::state::JobState;
use super::store;
use super::trail;
use super::worker::Worker;
use crate::error::Error;

impl<R: Redis + HostRuntime, A: Redis> Worker<'_, R, A> {
    /// Begins the jobs whose time has come. One round trip; for each that is due two, one for each of
    /// its patterns, and one for its audit record.
    pub(super) async fn begin_due(&self) -> Result<(), Error> {
        let scheduled = [JobState::Scheduled.stored_name()];
        let listed = store::list(self.redis, store::MAX_UNFINISHED_JOBS, "", &scheduled).await?;
        for job in listed.jobs {
            if job.run_at_ms <= units::now_ms() {
                self.begin(job).await?;
            }
        }
        Ok(())
    }

    /// Appends the fences of a job, then queues it. If the worker is killed in between, another one
    /// begins the job, and the schedule takes the first fences for those of an interrupted removal.
    async fn begin(&self, mut job: Job) -> Result<(), Error> {
        if job.work.invalidates_patterns() {
            let (patterns, mode) = (job.work.patterns(), job.work.purge.mode());
            let (fences, in_force) = fence::open_fences(self.redis, &patterns, mode).await?;
            let interval = Duration::from_millis(job.fence_interval_ms);
            job.fences = fences;
            job.in_force_ms = in_force.map_or_else(units::now_ms, |in_force| {
                units::since_1970_ms(in_force.expected_at(interval))
            });
        }
        job.updated_ms = units::now_ms();

        if !store::begin(self.redis, &job).await? {
            // It was cancelled, or another worker has begun it.
            return Ok(fence::withdraw_fences(self.redis, &job.fences).await?);
        }
        if job.work.is_dry_run() {
            return Ok(());
        }
        let record = job.audit_record("job-begin");
        Ok(trail::write(self.audit, &record, self.on_unwritten).await?)
    }
}
