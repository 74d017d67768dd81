//! Invalidations with their audit record and response, for `/invalidate` and `DELETE /keys/entry`.

use std::future::Future;
use std::time::{Duration, Instant};

use edge_cache::keyspace::purge::PurgeMode;
use edge_cache::units;
use edge_cache_admin::Error;
use edge_cache_admin::admin::audit::AuditRecord;
use edge_cache_admin::admin::invalidate::{InvalidateReport, InvalidateRequest, InvalidateStats};
use edge_cache_admin::admin::purge::PurgeFields;
use edge_cache_admin::jobs::Job;
use serde::Serialize;

use crate::http::call::Call;
use crate::http::response::Response;
use crate::http::serve::HandlerResult;

const DONE_MESSAGE: &str = "Cache invalidated";
const SOFT_MESSAGE: &str = "Cache entries marked stale";
const DRY_RUN_MESSAGE: &str = "Dry run; nothing was invalidated";

#[derive(Serialize)]
struct InvalidateResponse {
    message: &'static str,
    stats: ResponseStats,
    details: InvalidateReport,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResponseStats {
    #[serde(flatten)]
    stats: InvalidateStats,
    #[serde(flatten)]
    purge: PurgeFields,
    patterns_processed: usize,
    tags_processed: usize,
    dry_run: bool,
}

/// Adds the counts of an invalidation to its audit record.
pub(crate) fn count_purged(report: &InvalidateReport, record: &mut AuditRecord) {
    record.count(report.keys_invalidated(), report.keys_marked_stale());
}

impl Call {
    /// Runs an invalidation, which `change` makes, with an audit record. A dry run has no record.
    /// If it reads the whole keyspace, it is admitted like other walks.
    ///
    /// # Errors
    /// Those of the change.
    pub async fn invalidate(
        &self,
        request: &InvalidateRequest,
        change: impl Future<Output = Result<InvalidateReport, Error>>,
    ) -> HandlerResult {
        let began = Instant::now();
        let dry_run = request.is_dry_run();
        let names_keys_only = request.patterns.is_empty() && request.tags.is_empty();
        let details = if dry_run && names_keys_only {
            change.await?
        } else if dry_run {
            self.run_walk(change).await?
        } else {
            let record = AuditRecord::of_invalidation("invalidate", request);
            self.run_audited_invalidation(record, change).await?
        };

        let in_force_at = (!dry_run).then(|| details.in_force_at(self.fence_interval()));
        let stats = details.stats(began.elapsed(), in_force_at);
        Ok(self.respond_with_details(request, stats, details))
    }

    /// The response of an invalidation whose job has ended while its client was waiting.
    pub fn respond_invalidated(
        &self,
        request: &InvalidateRequest,
        job: &Job,
        elapsed: Duration,
    ) -> Response {
        let details = request.report_of_job(job.keys_removed(), job.keys_marked_stale());
        let stats = details.stats(elapsed, job.in_force_time());
        self.respond_with_details(request, stats, details)
    }

    fn respond_with_details(
        &self,
        request: &InvalidateRequest,
        stats: InvalidateStats,
        details: InvalidateReport,
    ) -> Response {
        let stats = ResponseStats {
            stats,
            purge: request.mode_fields(),
            patterns_processed: details.patterns.len(),
            tags_processed: details.tags.len(),
            dry_run: request.is_dry_run(),
        };
        let message = match request.mode() {
            _ if request.is_dry_run() => DRY_RUN_MESSAGE,
            PurgeMode::Hard => DONE_MESSAGE,
            PurgeMode::Soft(_) => SOFT_MESSAGE,
        };
        self.respond(InvalidateResponse {
            message,
            stats,
            details,
        })
    }

    /// Runs an invalidation with this audit record, which gets the number of keys and the time from
    /// which the invalidation is in force.
    ///
    /// # Errors
    /// Those of the change.
    pub(crate) async fn run_audited_invalidation(
        &self,
        record: AuditRecord,
        change: impl Future<Output = Result<InvalidateReport, Error>>,
    ) -> Result<InvalidateReport, Error> {
        let complete = |report: &InvalidateReport, record: &mut AuditRecord| {
            let in_force_at = report.in_force_at(self.fence_interval());
            count_purged(report, record);
            record.in_force_at = Some(units::timestamp(in_force_at));
        };
        self.run_audited_with(record, change, complete).await
    }
}
