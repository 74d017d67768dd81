//! `/api/cache/warmup`: `POST` fills the cache from its sources, `GET` tells how far that is; below it `/cancel`, `/plan` and
//! `/scheduled`, which whatever keeps the schedule calls.

mod scheduled;

use edge_cache::access::Role;
use edge_cache::audit::Record;
use edge_cache::body::Fields;
use edge_cache::warmup::{self, Limits, Plan, Request as Warmup, Status};
use edge_cache_spin::{Answer, Call, Outcome, Problem, Request, Response, Sources, serve};
use serde::Serialize;

/// warmup.toml, checked when this was built.
const PLAN: &str = include_str!(concat!(env!("OUT_DIR"), "/warmup.json"));

#[derive(Serialize)]
struct Body<'a> {
    message: String,
    stats: Stats<'a>,
    details: &'a Status,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Stats<'a> {
    modules_warmed: Vec<&'a str>,
    keys_created: u64,
    keys_skipped: u64,
    bytes: u64,
    duration: &'a str,
    duration_ms: u64,
    errors: u64,
}

#[derive(Serialize)]
struct Cancelled {
    message: String,
}

edge_cache_spin::http_service!(handle);

async fn handle(request: Request) -> Response {
    let allowed: &[&str] = match request.path() {
        "/api/cache/warmup" => &["GET", "POST"],
        "/api/cache/warmup/plan" => &["GET"],
        _ => &["POST"],
    };
    serve(request, allowed, route).await
}

async fn route(call: &Call) -> Outcome {
    match (call.path(), call.method()) {
        ("/api/cache/warmup", "POST") => run(call).await,
        ("/api/cache/warmup", _) => show(call).await,
        ("/api/cache/warmup/cancel", _) => cancel(call).await,
        ("/api/cache/warmup/plan", _) => overview(call).await,
        ("/api/cache/warmup/scheduled", _) => scheduled::run(call).await,
        (path, _) => Err(Problem::no_route(path)),
    }
}

async fn show(call: &Call) -> Outcome {
    call.require(Role::Viewer).await?;
    if call.wants_events() {
        return Ok(Answer::events(warmup::follow(call.cache_kept())));
    }
    Ok(Answer::data(warmup::progress(&call.cache()).await?))
}

async fn overview(call: &Call) -> Outcome {
    call.require(Role::Viewer).await?;
    Ok(Answer::data(warmup::overview(&call.cache(), &plan()?, &call.config().schedule).await?))
}

async fn cancel(call: &Call) -> Outcome {
    call.require(Role::Admin).await?;
    Fields::from_json(&call.body().await?)?.finish("none")?;
    let cache = call.cache();
    let running = call.audited(Record::new("warmup-cancel"), warmup::cancel(&cache), |_| 0).await?;
    let message = format!("The warmup that {} started at {} is being cancelled", running.by, running.started_at);
    Ok(call.report(Cancelled { message }))
}

async fn run(call: &Call) -> Outcome {
    call.require(Role::Admin).await?;
    let plan = plan()?;
    let request = Warmup::parse(&call.body().await?, &plan)?;
    let status = warm(call, &plan, &request, &call.who(), None).await?;
    let stats = Stats {
        modules_warmed: status.modules_warmed(),
        keys_created: status.keys_created,
        keys_skipped: status.keys_skipped,
        bytes: status.bytes,
        duration: &status.duration,
        duration_ms: status.duration_ms,
        errors: status.errors,
    };
    Ok(call.report(Body { message: status.message(), stats, details: &status }))
}

/// Runs a warmup in somebody's name; the trail has it unless it is a dry run.
async fn warm(
    call: &Call,
    plan: &Plan,
    request: &Warmup,
    by: &str,
    reason: Option<String>,
) -> Result<Status, edge_cache::Error> {
    let (cache, source, owner) = (call.cache(), Sources::of(call), call.random());
    let limits =
        Limits { keys_per_second: call.config().warmup_rate, memory_percent: call.config().thresholds.memory_percent };
    let warmup = warmup::Warmup { redis: &cache, source: &source, plan, limits, by, owner: &owner };
    if request.dry_run {
        return request.run(warmup).await;
    }
    let mut record = Record::new("warmup");
    let reason = reason.map(|reason| format!("{reason}; ")).unwrap_or_default();
    record.detail = Some(format!("{reason}{}", request.describe()));
    call.audited(record, request.run(warmup), |_| 0).await
}

fn plan() -> Result<Plan, Problem> {
    Plan::read(PLAN).map_err(|error| Problem::unavailable(format!("warmup.toml has a mistake: {error}")))
}
