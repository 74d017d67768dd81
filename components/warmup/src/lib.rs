//! `/api/cache/warmup`: `POST` runs a warmup or begins a job, `GET` returns the progress. Below it, `/cancel` stops
//! a warmup, `/plan` shows the plan, and `/scheduled` is called by the schedule.

mod run;
mod scheduled;

use edge_cache::Redis;
use edge_cache_admin::Role;
use edge_cache_admin::admin::audit::AuditRecord;
use edge_cache_admin::jobs::{NewJob, Waker};
use edge_cache_admin::warmup::{self, WarmupRequest, WarmupStatus};
use edge_cache_spin::{
    Call, ConfiguredPlan, HandlerResult, HostResponse, Method, Problem, Request, Response, Route,
    SharedCheck, serve, serve_not_found, share_recent_check,
};
use serde::Serialize;

use run::run_warmup;

const WARMUP_METHODS: &[Method] = &[
    Method::new("GET", Role::Viewer),
    Method::new("POST", Role::Admin).with_body(),
];
const READ_METHODS: &[Method] = &[Method::new("GET", Role::Viewer)];
const CHANGE_METHODS: &[Method] = &[Method::new("POST", Role::Admin)];
const ROUTES: [(&str, &[Method]); 4] = [
    ("/api/cache/warmup", WARMUP_METHODS),
    ("/api/cache/warmup/plan", READ_METHODS),
    ("/api/cache/warmup/cancel", CHANGE_METHODS),
    ("/api/cache/warmup/scheduled", CHANGE_METHODS),
];

#[derive(Serialize)]
struct WarmupBody<'a> {
    message: String,
    stats: WarmupStats<'a>,
    details: &'a WarmupStatus,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WarmupStats<'a> {
    modules_warmed: Vec<&'a str>,
    keys_created: u64,
    keys_skipped: u64,
    bytes: u64,
    duration: &'a str,
    duration_ms: u64,
    errors: u64,
}

#[derive(Serialize)]
struct CancelBody {
    message: String,
}

thread_local! {
    /// The progress for all streams of this instance: one of them reads it from Redis.
    static PROGRESS: SharedCheck<Result<Option<WarmupStatus>, String>> =
        const { SharedCheck::new() };
}

edge_cache_spin::http_service!(handle);

async fn handle(request: Request) -> HostResponse {
    let mut routes = ROUTES.into_iter();
    match routes.find(|(path, _)| *path == request.route_path()) {
        Some((path, methods)) => serve(request, Route::new(methods).named(path), route).await,
        None => serve_not_found(request).await,
    }
}

async fn route(call: &Call) -> HandlerResult {
    match (call.route_path(), call.method()) {
        ("/api/cache/warmup", "POST") => run(call).await,
        ("/api/cache/warmup", _) => show_progress(call).await,
        ("/api/cache/warmup/cancel", _) => cancel(call).await,
        ("/api/cache/warmup/plan", _) => show_plan(call).await,
        ("/api/cache/warmup/scheduled", _) => scheduled::run(call).await,
        (path, _) => Err(Problem::no_route(path)),
    }
}

async fn show_progress(call: &Call) -> HandlerResult {
    if !call.wants_events() {
        let progress = warmup::read_progress(&call.redis()).await?;
        return Ok(Response::data(progress));
    }

    let redis = call.owned_redis();
    let read = async move || {
        share_recent_check(&PROGRESS, warmup::FOLLOW_INTERVAL, async || {
            read_progress(&redis).await
        })
        .await
    };
    let events = warmup::follow_with(call.owned_redis(), read);
    Ok(Response::event_stream(events))
}

async fn read_progress(redis: &impl Redis) -> Result<Option<WarmupStatus>, String> {
    warmup::read_progress(redis)
        .await
        .map_err(|error| error.to_string())
}

async fn show_plan(call: &Call) -> HandlerResult {
    let plan = call.configured_plan()?.plan;
    let settings = &call.config().schedule;
    let overview = warmup::read_overview(&call.redis(), &plan, settings).await?;
    Ok(Response::data(overview))
}

async fn cancel(call: &Call) -> HandlerResult {
    let redis = call.redis();
    let record = AuditRecord::new("warmup-cancel");
    let running = call
        .run_audited(record, warmup::cancel(&redis), |_| 0)
        .await?;

    let message = format!(
        "The warmup that {} started at {} is being cancelled",
        running.by, running.started_at
    );
    Ok(call.respond(CancelBody { message }))
}

async fn run(call: &Call) -> HandlerResult {
    let configured = call.configured_plan()?;
    let request = WarmupRequest::parse(&call.body().await?, &configured.plan)?;
    if request.is_async || call.prefers_job() {
        return begin_job(call, configured, &request).await;
    }
    let status = run_warmup(call, &configured, &request, &call.caller_name(), None).await?;

    let stats = WarmupStats {
        modules_warmed: status.modules_warmed(),
        keys_created: status.keys_created,
        keys_skipped: status.keys_skipped,
        bytes: status.bytes,
        duration: &status.duration,
        duration_ms: status.duration_ms,
        errors: status.errors,
    };
    Ok(call.respond(WarmupBody {
        message: status.message(),
        stats,
        details: &status,
    }))
}

async fn begin_job(
    call: &Call,
    configured: ConfiguredPlan,
    request: &WarmupRequest,
) -> HandlerResult {
    let mut record = AuditRecord::new("job-begin");
    record.detail = Some(format!("warmup, {}", request.describe()));
    let new = NewJob::of_warmup(request);
    let response = Box::pin(call.begin_job(new, record)).await?;
    call.work_on_warmups(configured, Waker::Request);
    Ok(response)
}
