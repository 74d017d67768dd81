//! `POST /api/cache/warmup` fills the cache from its sources; `GET` tells how far that is.

use edge_cache::access::Role;
use edge_cache::audit::Record;
use edge_cache::warmup::{self, Plan, Request as Warmup, Status};
use edge_cache_spin::{Answer, Call, Outcome, Problem, Sqlite, serve};
use serde::Serialize;
use spin_sdk::http::{IntoResponse, Request};
use spin_sdk::http_service;

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
    duration: &'a str,
    duration_ms: u64,
    errors: u64,
}

#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    serve(request, &["GET", "POST"], warm).await
}

async fn warm(call: &Call) -> Outcome {
    if call.method() == "POST" {
        return run(call).await;
    }
    call.require(Role::Viewer).await?;
    Ok(Answer::data(warmup::progress(&call.cache()).await?))
}

async fn run(call: &Call) -> Outcome {
    call.require(Role::Admin).await?;
    let plan = plan()?;
    let request = Warmup::parse(&call.body().await?, &plan)?;
    let source = Sqlite::open().await.map_err(Problem::unavailable)?;
    let mut record = Record::new("warmup");
    record.detail = Some(format!("modules: {}; force: {}", request.describe(), request.force));
    let (cache, by, owner) = (call.cache(), call.who(), call.random());
    let warmup = warmup::Warmup { redis: &cache, source: &source, plan: &plan, by: &by, owner: &owner };
    let status = call.audited(record, request.run(warmup), |_| 0).await?;
    let stats = Stats {
        modules_warmed: status.modules_warmed(),
        keys_created: status.keys_created,
        keys_skipped: status.keys_skipped,
        duration: &status.duration,
        duration_ms: status.duration_ms,
        errors: status.errors,
    };
    Ok(call.report(Body { message: status.message(), stats, details: &status }))
}

fn plan() -> Result<Plan, Problem> {
    Plan::read(PLAN).map_err(|error| Problem::unavailable(format!("warmup.toml has a mistake: {error}")))
}
