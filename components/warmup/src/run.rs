//! The plan of the configuration file, and warmups by it.

use edge_cache::keyspace::ttl::TtlTable;
use edge_cache_admin::Error;
use edge_cache_admin::admin::audit::AuditRecord;
use edge_cache_admin::configuration::Configuration;
use edge_cache_admin::warmup::{Plan, Warmup, WarmupLimits, WarmupRequest, WarmupStatus};
use edge_cache_spin::{Call, Problem, Sources};

/// The sections of the configuration file that a warmup needs.
pub(crate) struct ConfiguredPlan {
    pub(crate) plan: Plan,
    /// The TTLs of keys whose plan entry has none.
    ttl_table: TtlTable,
}

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

/// Reads the plan and the TTL table.
pub(crate) fn read_plan(call: &Call) -> Result<ConfiguredPlan, Problem> {
    Ok(ConfiguredPlan {
        plan: call.configured(Configuration::plan)?,
        ttl_table: call.configured(Configuration::ttls)?,
    })
}
