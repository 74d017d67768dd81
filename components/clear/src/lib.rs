//! `POST /api/cache/clear`: removes the keys of a pattern, or all keys, or marks them stale. Also serves the deprecated
//! paths of older systems, which the configuration file lists.

use std::time::{Duration, Instant};

use edge_cache::units;
use edge_cache_admin::Role;
use edge_cache_admin::admin::audit::AuditRecord;
use edge_cache_admin::admin::clear::{ClearMethod, ClearReport, ClearRequest};
use edge_cache_admin::admin::purge::PurgeFields;
use edge_cache_admin::jobs::{Job, NewJob};
use edge_cache_spin::{
    Call, HandlerResult, HostResponse, Method, Problem, Request, Response, alias, serve,
    serve_misconfigured, serve_not_found,
};
use serde::Serialize;

const METHODS: &[Method] = &[Method::new("POST", Role::Operator).with_body()];
/// The path that is not deprecated.
const PATH: &str = "/api/cache/clear";

#[derive(Serialize)]
struct ClearResponse {
    message: String,
    stats: ClearStats,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ClearStats {
    #[serde(flatten)]
    report: ClearReport,
    #[serde(flatten)]
    purge: PurgeFields,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_force_at: Option<String>,
    duration: String,
    duration_ms: u64,
    dry_run: bool,
}

edge_cache_spin::http_service!(handle);

async fn handle(request: Request) -> HostResponse {
    if request.route_path() == PATH {
        return serve(request, METHODS, clear).await;
    }
    match alias::find(request.route_path()) {
        Ok(Some(alias)) => {
            serve(request, alias.route(), async |call: &Call| {
                run(call, ClearRequest::configured(alias.pattern.clone())).await
            })
            .await
        }
        Ok(None) => serve_not_found(request).await,
        Err(error) => serve_misconfigured(request, &error).await,
    }
}

async fn clear(call: &Call) -> HandlerResult {
    let request = ClearRequest::parse(&call.body().await?)?;
    call.require_role(request.role()).await?;
    // Where no job is possible, a client that merely prefers one gets the answer itself.
    let waits = call.preferred_wait().is_some() && !request.is_dry_run();
    let is_preferred = (call.prefers_job() || waits) && NewJob::of_clear(&request).is_ok();
    if request.job_options().becomes_job(is_preferred)? {
        // Boxed: the futures of a handler are nested too deeply for the compiler.
        return Box::pin(begin_job(call, &request)).await;
    }
    run(call, request).await
}

async fn begin_job(call: &Call, request: &ClearRequest) -> HandlerResult {
    let began = Instant::now();
    let new = NewJob::of_clear(request)?;
    let mut record = AuditRecord::new("job-begin");
    record.pattern = Some(request.pattern());
    record.detail = Some("clear".to_owned());
    record.add_detail(request.detail());
    if request.is_dry_run() {
        return Ok(call.begin_job(new, record).await?);
    }

    let share = request.measure_share(&call.redis()).await;
    call.permit_removal(&record, share).await?;
    check_count(call, request, &record).await?;
    let respond = |job: &Job| respond_done(call, request, job, began.elapsed());
    Ok(call.begin_job_and_wait(new, record, respond).await?)
}

async fn check_count(
    call: &Call,
    request: &ClearRequest,
    record: &AuditRecord,
) -> Result<(), Problem> {
    let redis = call.redis();
    let check = async {
        let spares_trail = call.trail_place().await?.may_share();
        request.check_count(&redis, spares_trail).await
    };
    call.check_count(record, request.confirmation(), check)
        .await
}

/// The response of a clear whose job has ended while its client was waiting.
fn respond_done(call: &Call, request: &ClearRequest, job: &Job, elapsed: Duration) -> Response {
    let stats = ClearStats {
        report: ClearReport::Cleared {
            keys_deleted: job.keys_removed(),
            keys_marked_stale: job.keys_marked_stale(),
            exact: true,
            method: ClearMethod::Walk,
            in_force: None,
        },
        purge: request.mode().into(),
        in_force_at: job.in_force_at(),
        duration: units::duration(elapsed),
        duration_ms: units::milliseconds(elapsed),
        dry_run: false,
    };
    call.respond(ClearResponse {
        message: request.message(),
        stats,
    })
}

async fn run(call: &Call, request: ClearRequest) -> HandlerResult {
    let began = Instant::now();
    let redis = call.redis();
    let change = async {
        // The place must be known first, so that a global clear keeps a trail in the same database.
        let spares_trail = call.trail_place().await?.may_share();
        request.run(&redis, spares_trail).await
    };

    let report = if request.is_dry_run() {
        call.run_walk(change).await?
    } else {
        let mut record = AuditRecord::new("clear");
        record.pattern = Some(request.pattern());
        record.detail = request.detail();
        call.permit_removal(&record, request.measure_share(&redis).await)
            .await?;
        check_count(call, &request, &record).await?;
        let complete = |report: &ClearReport, record: &mut AuditRecord| {
            record.count(report.keys_deleted(), report.keys_marked_stale());
            record.in_force_at = report
                .in_force_at(call.fence_interval())
                .map(units::timestamp);
        };
        call.run_audited_with(record, change, complete).await?
    };

    let elapsed = began.elapsed();
    let stats = ClearStats {
        in_force_at: report
            .in_force_at(call.fence_interval())
            .map(units::timestamp),
        report,
        purge: request.mode().into(),
        duration: units::duration(elapsed),
        duration_ms: units::milliseconds(elapsed),
        dry_run: request.is_dry_run(),
    };
    Ok(call.respond(ClearResponse {
        message: request.message(),
        stats,
    }))
}
