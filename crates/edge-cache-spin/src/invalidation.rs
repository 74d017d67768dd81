//! Invalidations with their audit record and response, for `/invalidate` and `DELETE /keys/entry`.

use std::future::Future;
use std::time::Instant;

use edge_cache_admin::Error;
use edge_cache_admin::admin::audit::AuditRecord;
use edge_cache_admin::admin::invalidate::{InvalidateReport, InvalidateRequest, InvalidateStats};
use serde::Serialize;

use crate::http::call::Call;
use crate::http::serve::HandlerResult;

const DONE_MESSAGE: &str = "Cache invalidated";
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
    patterns_processed: usize,
    tags_processed: usize,
    dry_run: bool,
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
            self.run_audited(
                AuditRecord::of_invalidation("invalidate", request),
                change,
                InvalidateReport::keys_invalidated,
            )
            .await?
        };

        let in_force_at = (!dry_run).then(|| details.in_force_at(self.fence_interval()));
        let stats = ResponseStats {
            stats: details.stats(began.elapsed(), in_force_at),
            patterns_processed: details.patterns.len(),
            tags_processed: details.tags.len(),
            dry_run,
        };
        let message = if dry_run {
            DRY_RUN_MESSAGE
        } else {
            DONE_MESSAGE
        };
        Ok(self.respond(InvalidateResponse {
            message,
            stats,
            details,
        }))
    }
}
