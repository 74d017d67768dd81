//! Jobs: requests that begin them, and workers that go on after a response.

use std::rc::Rc;
use std::time::Duration;

use edge_cache_admin::Error;
use edge_cache_admin::admin::audit::AuditRecord;
use edge_cache_admin::jobs::{
    Job, JobChange, JobOrigin, JobReport, NewJob, WORK_TIME, Waker, Worker, read_job,
};
use serde::Serialize;
use spin_sdk::wasip3::wit_bindgen;

use crate::audit_recording::log_unwritten_record;
use crate::http::call::Call;
use crate::http::request_id::random_id;
use crate::http::response::Response;
use crate::instance::Instance;
use crate::log;

/// The preference of RFC 7240 for a job.
const RESPOND_ASYNC: &str = "respond-async";

#[derive(Serialize)]
struct ChangedBody {
    message: String,
    job: JobReport,
}

impl Call {
    /// True if the client prefers a job (`Prefer: respond-async`).
    pub fn prefers_job(&self) -> bool {
        let headers = self.head.headers("prefer");
        let mut preferences = headers.iter().flat_map(|header| header.split(','));
        preferences.any(|preference| {
            let name = preference.split([';', '=']).next().unwrap_or_default();
            name.trim().eq_ignore_ascii_case(RESPOND_ASYNC)
        })
    }

    /// Creates a job, advances it after the response, and responds with 202 and its address. The
    /// audit trail records its beginning, unless it is a dry run.
    ///
    /// # Errors
    /// Those of [`NewJob::create`].
    pub async fn begin_job(&self, new: NewJob<'_>, record: AuditRecord) -> Result<Response, Error> {
        let caller = self.caller.borrow().clone();
        let origin = JobOrigin {
            by: self.caller_name(),
            role: caller.map_or_else(String::new, |caller| caller.role.name().to_owned()),
            ip: self.client_address.clone(),
            request_id: self.request_id().to_owned(),
        };
        let is_dry_run = new.is_dry_run();
        let redis = self.redis();
        let creation = new.create(&redis, origin, self.fence_interval());

        let job = if is_dry_run {
            self.run_walk(creation).await?
        } else {
            self.run_audited(record, creation, |_| 0).await?
        };
        self.work_on_jobs();
        Ok(self.accepted(job))
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
            message: format!("The job {} was queued", job.id),
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
    let worker = Worker {
        redis: instance.redis.as_ref(),
        audit: &instance.audit,
        name: random_id(),
        waker,
        on_unwritten: &log_unwritten_record,
    };
    Box::pin(worker.work(limit)).await
}
