//! The plan of this build, and warmups by it.

use edge_cache_admin::Error;
use edge_cache_admin::admin::audit::AuditRecord;
use edge_cache_admin::warmup::{Plan, Warmup, WarmupLimits, WarmupRequest, WarmupStatus};
use edge_cache_spin::{Call, Problem, Sources};

/// The compiled plan, which was checked when this component was built.
const PLAN: &str = include_str!(concat!(env!("OUT_DIR"), "/warmup.json"));

/// Runs a warmup for `by`. Unless it is a dry run, it has an audit record; `reason` marks it as
/// started by the schedule.
pub(crate) async fn run_warmup(
    call: &Call,
    plan: &Plan,
    request: &WarmupRequest,
    by: &str,
    reason: Option<String>,
) -> Result<WarmupStatus, Error> {
    let warmup = Warmup {
        redis: &call.redis(),
        source: &Sources::new(call),
        plan,
        limits: WarmupLimits {
            keys_per_second: call.config().warmup_rate,
            memory_percent: call.config().thresholds.memory_percent,
        },
        by,
        id: &call.random_id(),
    };
    if request.dry_run {
        return request.run(warmup).await;
    }

    let record = audit_record(request, reason);
    call.run_audited_as(record, request.run(warmup), |_| 0, WarmupStatus::outcome)
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

/// Reads the plan of this build.
pub(crate) fn read_plan() -> Result<Plan, Problem> {
    Plan::read(PLAN).map_err(|error| Problem::unavailable(format!("invalid warmup plan: {error}")))
}
