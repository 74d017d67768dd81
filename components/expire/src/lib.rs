//! `POST /api/cache/expire`: changes the TTLs of many keys, by pattern, tag or name.

use std::time::Instant;

use edge_cache::units;
use edge_cache_admin::Role;
use edge_cache_admin::admin::audit::AuditRecord;
use edge_cache_admin::admin::expire::{ExpireReport, ExpireRequest};
use edge_cache_spin::{Call, HandlerResult, HostResponse, Method, Request, serve};
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
    let began = Instant::now();
    let redis = call.redis();
    let report = match (request.is_dry_run(), request.is_walk()) {
        (true, true) => call.run_walk(request.run(&redis)).await?,
        (true, false) => request.run(&redis).await?,
        (false, _) => change(call, &request).await?,
    };

    let elapsed = began.elapsed();
    let stats = ExpireStats {
        report,
        duration: units::duration(elapsed),
        duration_ms: units::milliseconds(elapsed),
        dry_run: request.is_dry_run(),
    };
    Ok(call.respond(ExpireResponse {
        message: request.message(),
        stats,
    }))
}

async fn change(
    call: &Call,
    request: &ExpireRequest,
) -> Result<ExpireReport, edge_cache_spin::Problem> {
    let redis = call.redis();
    let record = request.record();
    call.permit_removal(&record, request.measure_share(&redis).await)
        .await?;

    let count = |report: &ExpireReport, record: &mut AuditRecord| {
        record.keys_changed = Some(report.keys_changed);
    };
    let changed = call.run_audited_with(record, request.run(&redis), count);
    Ok(changed.await?)
}
