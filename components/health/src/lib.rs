//! `GET /api/cache/health`, and the probes `/health/live` and `/health/ready` below it.

use std::cell::Cell;
use std::time::{Duration, SystemTime};

use edge_cache::{format, health};
use edge_cache_spin::{Answer, Call, Outcome, Problem, Question, Request, Response, serve, store, together};

/// When Redis last answered.
const LAST_SEEN: &str = "health:last-seen";
/// How precisely that is known, in seconds: it is not written more often.
const LAST_SEEN_PRECISION: u64 = 5;
/// `/health` promises an answer within 2 s, `/health/ready` within 1 s.
const HEALTH_WITHIN: Duration = Duration::from_millis(1800);
const READY_WITHIN: Duration = Duration::from_millis(800);

edge_cache_spin::http_service!(handle);

async fn handle(request: Request) -> Response {
    serve(request, &["GET"], check).await
}

async fn check(call: &Call) -> Outcome {
    match call.path() {
        "/api/cache/health" => together(&HEALTH, async || health(call).await).await,
        "/api/cache/health/live" => Ok(Answer::plain(200, [("status", "live")].into_iter().collect::<Status>())),
        "/api/cache/health/ready" => together(&READY, async || ready(call).await).await,
        path => Err(Problem::no_route(path)),
    }
}

type Status = std::collections::BTreeMap<&'static str, &'static str>;

async fn ready(call: &Call) -> Outcome {
    health::ready(&call.cache_within(READY_WITHIN)).await?;
    Ok(Answer::plain(200, [("status", "ready")].into_iter().collect::<Status>()))
}

async fn health(call: &Call) -> Outcome {
    let report = health::run(&call.cache_within(HEALTH_WITHIN), &call.config().thresholds).await;
    if report.is_up() {
        seen().await;
        return Ok(Answer::plain(200, report));
    }
    let last_seen: Option<u64> = store::recall(LAST_SEEN).await;
    let last_seen = last_seen.map(|seconds| format::timestamp(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)));
    Ok(Answer::plain(503, report.with_last_seen(last_seen)))
}

thread_local! {
    static HEALTH: Question = const { Question::new() };
    static READY: Question = const { Question::new() };
    /// When the time was last kept, as far as this instance knows.
    static KEPT: Cell<u64> = const { Cell::new(0) };
}

async fn seen() {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let is_due = |kept: u64| now.abs_diff(kept) >= LAST_SEEN_PRECISION;
    let kept = KEPT.get();
    if !is_due(kept) {
        return;
    }
    KEPT.set(now);
    // Under load an instance lives for less than that, and reading is cheaper than writing for each.
    let by_others = if kept == 0 { store::recall(LAST_SEEN).await } else { None };
    match by_others.filter(|at| !is_due(*at)) {
        Some(at) => KEPT.set(at),
        None => store::remember(LAST_SEEN, &now).await,
    }
}
