//! Jobs: requests that begin them, and workers that go on after a response.

use std::rc::Rc;
use std::time::{Duration, Instant};

use edge_cache::{HostRuntime, RedisClient};
use edge_cache_admin::Error;
use edge_cache_admin::admin::audit::{AuditRecord, AuditTrail};
use edge_cache_admin::jobs::{
    Job, JobChange, JobOrigin, JobReport, NewJob, WORK_TIME, Waker, Worker, read_job,
};
use serde::Serialize;
use spin_sdk::wasip3::wit_bindgen;

use crate::audit_recording::log_unwritten_record;
use crate::connection::SpinTransport;
use crate::http::call::Call;
use crate::http::request_id::random_id;
use crate::http::response::Response;
use crate::instance::Instance;
use crate::log;

/// The preference of RFC 7240 for a job.
const RESPOND_ASYNC: &str = "respond-async";
/// Its preference for a time limit, in seconds.
const WAIT: &str = "wait";
/// The first and the longest time between two reads of a job that is awaited.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const MAX_PAUSE: Duration = Duration::from_millis(250);

#[derive(Serialize)]
struct ChangedBody {
    message: String,
    job: JobReport,
}

impl Call {
    /// True if the client prefers a job (`Prefer: respond-async`).
    pub fn prefers_job(&self) -> bool {
        self.preference(RESPOND_ASYNC).is_some()
    }

    /// How long the client is ready to wait for the end of a job (`Prefer: wait=N`), at most
    /// `sync_limit_seconds`.
    pub fn preferred_wait(&self) -> Option<Duration> {
        let wait = Duration::from_secs(self.wait_seconds()?);
        Some(wait.min(self.config().sync_limit))
    }

    fn wait_seconds(&self) -> Option<u64> {
        self.preference(WAIT)?.parse().ok()
    }

    /// The value of a preference, empty if it has none.
    fn preference(&self, wanted: &str) -> Option<String> {
        let headers = self.head.headers("prefer");
        let mut preferences = headers.iter().flat_map(|header| header.split(','));
        preferences.find_map(|preference| {
            let preference = preference.split(';').next().unwrap_or_default();
            let (name, value) = preference.split_once('=').unwrap_or((preference, ""));
            let is_wanted = name.trim().eq_ignore_ascii_case(wanted);
            is_wanted.then(|| value.trim().trim_matches('"').to_owned())
        })
    }

    /// Like [`Call::begin_job`], and waits for the end of the job as long as the client prefers. If it
    /// is done by then, the response is that of the request without a job.
    ///
    /// # Errors
    /// Those of [`NewJob::create`].
    pub async fn begin_job_and_wait(
        &self,
        new: NewJob<'_>,
        record: AuditRecord,
        respond_done: impl FnOnce(&Job) -> Response,
    ) -> Result<Response, Error> {
        // Boxed: the futures of operations are nested too deeply for the compiler.
        let job = Box::pin(self.create_job(new, record)).await?;
        let job = Box::pin(self.await_end(job)).await;
        if job.is_done() {
            return Ok(self.with_applied_wait(respond_done(&job)));
        }

        let accepted = self.accepted(job);
        Ok(if self.prefers_job() {
            accepted
        } else {
            self.with_applied_wait(accepted)
        })
    }

    async fn await_end(&self, mut job: Job) -> Job {
        let Some(wait) = self.preferred_wait().filter(|_| !job.is_scheduled()) else {
            return job;
        };
        let redis = self.redis();
        let began = Instant::now();
        let mut pause = FIRST_PAUSE;
        while !job.is_settled() && began.elapsed() < wait {
            redis.sleep(pause.min(wait)).await;
            pause = (pause * 2).min(MAX_PAUSE);
            match read_job(&redis, &job.id).await {
                Ok(now) => job = now,
                // The job goes on when Redis is back; the client learns its address.
                Err(_) => return job,
            }
        }
        job
    }

    /// Adds the header by which a client knows that its preference for a time limit was heeded.
    #[must_use]
    fn with_applied_wait(&self, response: Response) -> Response {
        match self.wait_seconds() {
            Some(seconds) => {
                response.with_header("preference-applied", format!("{WAIT}={seconds}"))
            }
            None => response,
        }
    }

    /// Creates a job, advances it after the response, and responds with 202 and its address. The
    /// audit trail records its beginning, unless it is a dry run.
    ///
    /// # Errors
    /// Those of [`NewJob::create`].
    pub async fn begin_job(&self, new: NewJob<'_>, record: AuditRecord) -> Result<Response, Error> {
        // Boxed: the futures of operations are nested too deeply for the compiler.
        let job = Box::pin(self.create_job(new, record)).await?;
        Ok(self.accepted(job))
    }

    async fn create_job(&self, new: NewJob<'_>, mut record: AuditRecord) -> Result<Job, Error> {
        let (is_dry_run, counts_at_once) = (new.is_dry_run(), new.counts_at_once());
        if new.is_scheduled() {
            record.action = "job-schedule".to_owned();
        }
        let new = new.with_default_latency(self.config().thresholds.latency_ms);
        let redis = self.redis();
        // The operation has its id when the creation begins.
        let creation = async {
            let origin = self.job_origin();
            new.create(&redis, origin, self.fence_interval()).await
        };

        let job = if counts_at_once {
            self.run_walk(creation).await?
        } else if is_dry_run {
            creation.await?
        } else {
            let complete = |job: &Job, record: &mut AuditRecord| job.complete_record(record);
            self.run_audited_with(record, creation, complete).await?
        };
        self.work_on_jobs();
        Ok(job)
    }

    fn job_origin(&self) -> JobOrigin {
        let caller = self.caller.borrow().clone();
        JobOrigin {
            by: self.caller_name(),
            role: caller.map_or_else(String::new, |caller| caller.role.name().to_owned()),
            ip: self.client_address.clone(),
            request_id: self.request_id().to_owned(),
            operation_id: self.operation_id(),
        }
    }

    /// Changes the state of a job, wakes a worker, and responds with the job.
    ///
    /// # Errors
    /// Those of [`JobChange::run`].
    pub async fn change_job(&self, id: &str, change: JobChange) -> Result<Response, Error> {
        let redis = self.redis();
        let record = match read_job(&redis, id).await {
            Ok(job) => job.audit_record(change.action()),
            Err(error) => {
                let mut record = AuditRecord::new(change.action());
                record.detail = Some(format!("job {id}"));
                self.record_not_started(record, &error).await;
                return Err(error);
            }
        };
        let changed = self
            .run_audited(record, change.run(&redis, id), |_| 0)
            .await?;

        self.work_on_jobs();
        Ok(self.respond(ChangedBody {
            message: format!("The job {id} is {}", changed.state().name()),
            job: JobReport::from(changed),
        }))
    }

    fn accepted(&self, job: Job) -> Response {
        let location = format!("/api/cache/jobs/{}", job.id);
        let body = ChangedBody {
            message: format!("The job {} is {}", job.id, job.state().name()),
            job: JobReport::from(job),
        };
        let response = self.respond(body).accepted(location);
        if self.prefers_job() {
            response.with_header("preference-applied", RESPOND_ASYNC)
        } else {
            response
        }
    }

    /// Advances jobs after the response, for as long as the host allows it.
    pub fn work_on_jobs(&self) {
        let instance = Rc::clone(&self.instance);
        wit_bindgen::spawn(async move {
            // The schedule continues what this leaves.
            if let Err(error) = work(&instance, Waker::Request, WORK_TIME).await {
                log::failure("-", "jobs.interrupted", &error.to_string());
            }
        });
    }

    /// Advances jobs for this long, for the schedule.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn work_on_jobs_for(&self, limit: Duration) -> Result<(), Error> {
        work(&self.instance, Waker::Schedule, limit).await
    }
}

async fn work(instance: &Instance, waker: Waker, limit: Duration) -> Result<(), Error> {
    Box::pin(worker(instance, waker).work(limit)).await
}

/// A worker of this instance.
pub(crate) fn worker(
    instance: &Instance,
    waker: Waker,
) -> Worker<'_, RedisClient<SpinTransport>, AuditTrail<SpinTransport>> {
    Worker {
        redis: instance.redis.as_ref(),
        audit: instance.audit.as_ref(),
        name: random_id(),
        waker,
        on_unwritten: &log_unwritten_record,
    }
}
