//! `GET /api/cache/health`, and the probes `/health/live` and `/health/ready`.

mod last_seen;

use std::time::Duration;

use edge_cache_admin::admin::audit::WithTrailPlace;
use edge_cache_admin::admin::health;
use edge_cache_spin::{
    Call, HandlerResult, HostResponse, Method, Problem, Request, Response, Route, SharedCheck,
    serve, serve_not_found, share_check,
};
use serde::Serialize;

const METHODS: &[Method] = &[Method::public("GET")];
const HEALTH_PATH: &str = "/api/cache/health";
const LIVE_PATH: &str = "/api/cache/health/live";
const READY_PATH: &str = "/api/cache/health/ready";

/// Time limit of `/health`, which promises a response within 2 s.
const HEALTH_TIME_LIMIT: Duration = Duration::from_millis(1800);
/// Time limit of `/health/ready`, which promises a response within 1 s.
const READY_TIME_LIMIT: Duration = Duration::from_millis(800);

#[derive(Serialize)]
struct ProbeStatus {
    status: &'static str,
}

thread_local! {
    static HEALTH: SharedCheck = const { SharedCheck::new() };
    static READY: SharedCheck = const { SharedCheck::new() };
}

edge_cache_spin::http_service!(handle);

async fn handle(request: Request) -> HostResponse {
    let mut paths = [HEALTH_PATH, LIVE_PATH, READY_PATH].into_iter();
    match paths.find(|path| *path == request.route_path()) {
        Some(path) => serve(request, Route::new(METHODS).named(path), route).await,
        None => serve_not_found(request).await,
    }
}

async fn route(call: &Call) -> HandlerResult {
    match call.route_path() {
        HEALTH_PATH => share_check(&HEALTH, async || check_health(call).await).await,
        LIVE_PATH => Ok(probe_succeeded("live")),
        READY_PATH => share_check(&READY, async || check_ready(call).await).await,
        path => Err(Problem::no_route(path)),
    }
}

fn probe_succeeded(status: &'static str) -> Response {
    Response::with_status(200, ProbeStatus { status })
}

async fn check_ready(call: &Call) -> HandlerResult {
    health::ready(&call.redis_within(READY_TIME_LIMIT)).await?;
    Ok(probe_succeeded("ready"))
}

async fn check_health(call: &Call) -> HandlerResult {
    let redis = call.redis_within(HEALTH_TIME_LIMIT);
    let report = health::run(&redis, &call.config().thresholds).await;
    if let Some(refusal) = &report.refusal {
        return Err(refusal.clone().into());
    }

    let address = call.config().redis_address();
    if report.answered() {
        last_seen::record(address).await;
    }
    if report.is_up() {
        let audit_trail = call.trail_place_within(HEALTH_TIME_LIMIT).await;
        let report = WithTrailPlace {
            report,
            audit_trail,
        };
        return Ok(Response::with_status(200, report));
    }

    let last_seen = last_seen::read(address).await;
    Ok(Response::with_status(503, report.with_last_seen(last_seen)))
}
