//! `POST /api/cache/warmup/scheduled`: one wake-up of the schedule.

use std::time::{Duration, Instant};

use edge_cache::keyspace::gathered;
use edge_cache::keyspace::tag::prune::PruneReport;
use edge_cache_admin::Error;
use edge_cache_admin::admin::audit::{self, AuditRecord};
use edge_cache_admin::admin::{alerts, analysis, events, slowlog};
use edge_cache_admin::jobs::{self, Waker};
use edge_cache_admin::warmup::schedule::{
    self, Relief, ScheduleCheck, ScheduleReport, TagPruning, WarmupReason,
};
use edge_cache_admin::warmup::{WarmupRequest, WarmupStatus};
use edge_cache_spin::{Call, ConfiguredPlan, HandlerResult, Webhooks};

use crate::run::run_warmup;

/// The most time that one wake-up removes keys of gathered removals.
const REMOVAL_TIME: Duration = Duration::from_secs(10);
/// How long one turn of them takes.
const TURN_TIME: Duration = Duration::from_secs(1);
/// The most time that one wake-up works on jobs before it responds.
const JOB_TIME: Duration = Duration::from_secs(15);

pub(crate) async fn run(call: &Call) -> HandlerResult {
    let redis = call.redis();
    let configured = call.configured_plan()?;
    let plan = &configured.plan;
    let check = schedule::check(&redis, &call.config().schedule, plan).await?;

    // First, because all else may take long. What fails here fails again below, where it is reported.
    let trail = call.audit_redis();
    let _ = schedule::record_history(&redis, &trail, &check).await;
    let _ = schedule::record_hot_keys(&redis, &trail, &check).await;
    let _ = slowlog::collect_entries(&redis, &trail).await;

    // The next wake-up makes up for a failure.
    let settings = &call.config().alerts;
    let thresholds = &call.config().thresholds;
    let _ = alerts::notify(&redis, &trail, &Webhooks, settings, thresholds).await;

    // A failure ends the response, not the work: on a full server the rest frees memory, or is about it.
    let relief = match check.memory_to_relieve {
        Some(usage_percent) => relieve_memory(call, usage_percent).await.map(Some),
        None => Ok(None),
    };
    let warmup = match check.reason {
        Some(reason) => warm(call, &configured, &check, reason).await,
        None => Ok(None),
    };
    let pruned = prune_tags(call, &check).await;
    let resumed = resume_removals(call).await;
    let worked = call.work_on_all_jobs_for(&configured, JOB_TIME).await;
    let plan_modules = configured.plan.modules.len();
    // Jobs that are left are advanced after the response.
    call.work_on_jobs();
    call.work_on_warmups(configured, Waker::Schedule);
    // If this fails, the next wake-up tries again.
    let interval = call.config().schedule.analysis_interval;
    let _ = analysis::run_due_analysis(&redis, &trail, interval).await;
    // If this fails, the next reader or writer of the audit trail does it.
    let _ = audit::record_overdue_changes(&trail).await;

    let relief = relief?;
    let relieved = relief.as_ref().map_or(0, |relief| relief.keys_deleted);
    resumed.map_err(|error| error.after(relieved))?;
    worked.map_err(|error| error.after(relieved))?;
    let report = ScheduleReport {
        reason: check.reason,
        plan_modules,
        warmup: warmup.map_err(|error| error.after(relieved))?,
        sweep: pruned.map_err(|error| error.after(relieved))?,
        relief,
    };
    Ok(call.respond(report))
}

async fn relieve_memory(call: &Call, usage_percent: f64) -> Result<Relief, Error> {
    let redis = call.redis();
    let mut record = AuditRecord::new("memory-relief").automatic();
    record.detail = Some(format!("{usage_percent} % of memory in use"));

    let relief = schedule::relieve_memory(&redis, &call.config().schedule, usage_percent);
    call.run_audited(record, relief, |relief: &Relief| relief.keys_deleted)
        .await
}

/// Warms all modules. Returns `None` where another warmup is running, which does the same.
async fn warm(
    call: &Call,
    configured: &ConfiguredPlan,
    check: &ScheduleCheck,
    reason: WarmupReason,
) -> Result<Option<WarmupStatus>, Error> {
    schedule::record_start(&call.redis(), check, reason).await?;

    let request = WarmupRequest::default();
    let reason = Some(format!("by the schedule: {reason}"));
    match run_warmup(call, configured, &request, "schedule", reason).await {
        Ok(status) => Ok(Some(status)),
        Err(Error::Conflict(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Removes dead members from tags' sets, and completes interrupted invalidations: each has an
/// audit record before it removes keys.
async fn prune_tags(call: &Call, check: &ScheduleCheck) -> Result<PruneReport, Error> {
    let redis = call.redis();
    let mut pruning = TagPruning::begin(check);
    while let Some(tag) = pruning.prune(&redis).await? {
        let deleted_before = pruning.keys_deleted();
        let record = schedule::interrupted_invalidation_record(&tag);
        let completion = pruning.complete_invalidation(&redis, &tag);
        call.run_audited(record, completion, |deleted| *deleted)
            .await
            .map_err(|error| error.after(deleted_before))?;
    }
    pruning.finish(&redis).await
}

/// Goes on with removals that were interrupted, and with gathered ones whose next turn got lost. Each
/// walk that ends has an audit record.
async fn resume_removals(call: &Call) -> Result<(), Error> {
    let redis = call.redis();
    let began = Instant::now();
    let of_jobs = jobs::read_open_fences(&redis).await?;
    let interrupted = gathered::resume_interrupted(&redis, &of_jobs).await?;
    for (tag, mode) in &interrupted.tags {
        let record = schedule::interrupted_invalidation_record(tag);
        let completion = schedule::complete_invalidation(&redis, tag, *mode);
        call.run_audited_with(record, completion, |report, record| {
            record.count(report.keys_invalidated(), report.keys_marked_stale());
        })
        .await?;
    }

    let mut turn = interrupted.turn;
    while let Some(next) = turn {
        let result = gathered::run_turn(&redis, next, TURN_TIME).await?;
        if let Some(walk) = &result.finished
            && let Some(mut record) = events::record_of_walk(walk)
        {
            record.detail = Some("by the schedule: gathered or interrupted removals".into());
            let done = async { Ok(walk) };
            call.run_audited_with(record, done, |walk, record| {
                record.count(walk.keys_deleted, walk.keys_marked_stale);
            })
            .await?;
        }
        turn = result.next.filter(|_| began.elapsed() < REMOVAL_TIME);
    }
    Ok(())
}
