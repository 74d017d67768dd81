//! `POST /api/cache/events`: a domain event, with the same body and effect as a message of the Redis channel.

use std::time::Instant;

use edge_cache::access::Role;
use edge_cache::format;
use edge_cache::invalidate::Report;
use edge_cache_spin::{Call, Outcome, Request, Response, event, serve};
use serde::Serialize;

#[derive(Serialize)]
struct Body {
    message: String,
    stats: Stats,
    details: Report,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Stats {
    keys_invalidated: u64,
    duration: String,
    duration_ms: u64,
}

edge_cache_spin::http_service!(handle);

async fn handle(request: Request) -> Response {
    serve(request, &["POST"], take).await
}

async fn take(call: &Call) -> Outcome {
    call.require(Role::Operator).await?;
    let event = event(call, &call.body().await?).await?;
    let (started, cache) = (Instant::now(), call.cache());
    let details = call.audited(event.record(), event.run(&cache), Report::keys_invalidated).await?;
    let elapsed = started.elapsed();
    let stats = Stats {
        keys_invalidated: details.keys_invalidated(),
        duration: format::duration(elapsed),
        duration_ms: format::milliseconds(elapsed),
    };
    Ok(call.report(Body { message: format!("Event {} handled", event.kind), stats, details }))
}
