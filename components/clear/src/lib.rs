//! `POST /api/cache/clear`: removes the keys of a pattern, or all keys. Also serves the deprecated
//! paths of older systems, which the configuration file lists.

use std::time::Instant;

use edge_cache::units;
use edge_cache_admin::Role;
use edge_cache_admin::admin::audit::AuditRecord;
use edge_cache_admin::admin::clear::{ClearReport, ClearRequest};
use edge_cache_admin::jobs::NewJob;
use edge_cache_spin::{
    Call, HandlerResult, HostResponse, Method, Request, alias, serve, serve_misconfigured,
    serve_not_found,
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
    // Jobs cannot have conditions, so the preference for a job is then ignored.
    let is_preferred = call.prefers_job() && request.conditions().is_none();
    if request.job_options().becomes_job(is_preferred)? {
        return begin_job(call, &request).await;
    }
    run(call, request).await
}

async fn begin_job(call: &Call, request: &ClearRequest) -> HandlerResult {
    let new = NewJob::of_clear(request)?;
    let mut record = AuditRecord::new("job-begin");
    record.pattern = Some(request.pattern());
    record.detail = Some("clear".to_owned());
    if !request.is_dry_run() {
        let share = request.measure_share(&call.redis()).await;
        call.permit_removal(&record, share).await?;
    }
    Ok(call.begin_job(new, record).await?)
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
        record.detail = request.conditions();
        call.permit_removal(&record, request.measure_share(&redis).await)
            .await?;
        call.run_audited(record, change, ClearReport::keys_deleted)
            .await?
    };

    let elapsed = began.elapsed();
    let stats = ClearStats {
        in_force_at: report
            .in_force_at(call.fence_interval())
            .map(units::timestamp),
        report,
        duration: units::duration(elapsed),
        duration_ms: units::milliseconds(elapsed),
        dry_run: request.is_dry_run(),
    };
    Ok(call.respond(ClearResponse {
        message: request.message(),
        stats,
    }))
}
