//! `POST /api/cache/expire`: changes the TTLs of many keys, by pattern, tag or name.

// The layout of the nested futures of an expiry is deeper than the default limit.
#![recursion_limit = "256"]

use std::time::{Duration, Instant};

use edge_cache::units;
use edge_cache_admin::Role;
use edge_cache_admin::admin::audit::AuditRecord;
use edge_cache_admin::admin::expire::{ExpireReport, ExpireRequest};
use edge_cache_admin::jobs::{Job, NewJob};
use edge_cache_spin::{Call, HandlerResult, HostResponse, Method, Request, Response, serve};
use serde::Serialize;

const METHODS: &[Method] = &[Method::new("POST", Role::Admin).with_body()];

#[derive(Serialize)]
struct ExpireResponse {
    message: String,
    stats: ExpireStats,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExpireStats {
    #[serde(flatten)]
    report: ExpireReport,
    duration: String,
    duration_ms: u64,
    dry_run: bool,
}

edge_cache_spin::http_service!(handle);

async fn handle(request: Request) -> HostResponse {
    serve(request, METHODS, expire).await
}

async fn expire(call: &Call) -> HandlerResult {
    let request = ExpireRequest::parse(&call.body().await?)?;
    // Where no job is possible, a client that merely prefers one gets the answer itself.
    let waits = call.preferred_wait().is_some() && request.is_change_by_pattern();
    let is_preferred = (call.prefers_job() || waits) && NewJob::of_expiry(&request).is_ok();
    let began = Instant::now();
    if request.job_options().becomes_job(is_preferred)? {
        // Boxed: the futures of a handler are nested too deeply for the compiler.
        return Box::pin(begin_job(call, &request, began)).await;
    }

    let redis = call.redis();
    let report = match (request.is_dry_run(), request.is_walk()) {
        (true, true) => call.run_walk(request.run(&redis)).await?,
        (true, false) => request.run(&redis).await?,
        (false, _) => change(call, &request).await?,
    };

    Ok(respond(call, &request, report, began.elapsed()))
}

fn respond(
    call: &Call,
    request: &ExpireRequest,
    report: ExpireReport,
    elapsed: Duration,
) -> Response {
    let stats = ExpireStats {
        report,
        duration: units::duration(elapsed),
        duration_ms: units::milliseconds(elapsed),
        dry_run: request.is_dry_run(),
    };
    call.respond(ExpireResponse {
        message: request.message(),
        stats,
    })
}

async fn begin_job(call: &Call, request: &ExpireRequest, began: Instant) -> HandlerResult {
    let new = NewJob::of_expiry(request)?;
    let record = request.job_record();
    if request.is_dry_run() {
        return Ok(call.begin_job(new, record).await?);
    }

    let redis = call.redis();
    let share = request.measure_share(&redis).await;
    call.permit_removal(&record, share).await?;
    let check = request.check_count(&redis);
    call.check_count(&record, request.confirmation(), check)
        .await?;
    let respond_done = |job: &Job| respond(call, request, job.expire_report(), began.elapsed());
    Ok(call.begin_job_and_wait(new, record, respond_done).await?)
}

async fn change(
    call: &Call,
    request: &ExpireRequest,
) -> Result<ExpireReport, edge_cache_spin::Problem> {
    let redis = call.redis();
    let record = request.record();
    call.permit_removal(&record, request.measure_share(&redis).await)
        .await?;
    let check = request.check_count(&redis);
    call.check_count(&record, request.confirmation(), check)
        .await?;

    let count = |report: &ExpireReport, record: &mut AuditRecord| {
        record.keys_changed = Some(report.keys_changed);
    };
    let changed = call.run_audited_with(record, request.run(&redis), count);
    Ok(changed.await?)
}
