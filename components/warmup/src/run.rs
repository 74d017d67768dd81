//! Warmups by the plan of the configuration file.

use edge_cache_admin::Error;
use edge_cache_admin::admin::audit::AuditRecord;
use edge_cache_admin::warmup::{Warmup, WarmupRequest, WarmupStatus};
use edge_cache_spin::{Call, ConfiguredPlan, Sources};

/// Runs a warmup for `by`. Unless it is a dry run, it has an audit record; `reason` marks it as
/// started by the schedule.
pub(crate) async fn run_warmup(
    call: &Call,
    configured: &ConfiguredPlan,
    request: &WarmupRequest,
    by: &str,
    reason: Option<String>,
) -> Result<WarmupStatus, Error> {
    let warmup = Warmup {
        redis: &call.redis(),
        source: &Sources::new(call),
        plan: &configured.plan,
        ttl_table: &configured.ttl_table,
        limits: call.warmup_limits(),
        by,
        id: &call.random_id(),
    };
    if request.dry_run {
        return request.run(warmup).await;
    }

    let record = audit_record(request, reason);
    call.run_audited_with(record, request.run(warmup), |status, record| {
        record.keys_written = Some(status.keys_created);
        record.outcome = status.outcome();
    })
    .await
}

fn audit_record(request: &WarmupRequest, reason: Option<String>) -> AuditRecord {
    let mut record = AuditRecord::new("warmup");
    match reason {
        Some(reason) => {
            record.detail = Some(format!("{reason}; {}", request.describe()));
            record.automatic()
        }
        None => {
            record.detail = Some(request.describe());
            record
        }
    }
}
