//! `DELETE` and `POST /api/cache/invalidate`: removes named keys, and those of patterns and tags.

use std::time::Instant;

use edge_cache::access::Role;
use edge_cache::audit::Record;
use edge_cache::format;
use edge_cache::invalidate::{Report, Request as Invalidation};
use edge_cache_spin::{Call, Outcome, Request, Response, serve};
use serde::Serialize;

#[derive(Serialize)]
struct Body {
    message: &'static str,
    stats: Stats,
    details: Report,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Stats {
    keys_invalidated: u64,
    patterns_processed: usize,
    tags_processed: usize,
    duration: String,
    duration_ms: u64,
    dry_run: bool,
}

edge_cache_spin::http_service!(handle);

async fn handle(request: Request) -> Response {
    serve(request, &["DELETE", "POST"], invalidate).await
}

async fn invalidate(call: &Call) -> Outcome {
    call.require(Role::Operator).await?;
    let request = Invalidation::parse(&call.body().await?)?;
    call.require(request.role()).await?;
    let (started, cache, dry_run) = (Instant::now(), call.cache(), request.is_dry_run());
    let details = if dry_run {
        request.run(&cache).await?
    } else {
        call.audited(Record::of("invalidate", &request), request.run(&cache), Report::keys_invalidated).await?
    };
    let elapsed = started.elapsed();
    let stats = Stats {
        keys_invalidated: details.keys_invalidated(),
        patterns_processed: details.patterns.len(),
        tags_processed: details.tags.len(),
        duration: format::duration(elapsed),
        duration_ms: format::milliseconds(elapsed),
        dry_run,
    };
    let message = if dry_run { "Dry run; nothing was invalidated" } else { "Cache invalidated" };
    Ok(call.report(Body { message, stats, details }))
}
