//! `GET /api/cache/stats`: what Redis says of itself, with alerts.

use edge_cache::access::Role;
use edge_cache::stats::{self, Sample};
use edge_cache_spin::{Answer, Call, Outcome, serve, store};
use spin_sdk::http::{IntoResponse, Request};
use spin_sdk::http_service;

/// Where the eviction counter's earlier value is kept.
const SAMPLE: &str = "stats:evictions";

#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    serve(request, &["GET"], show).await
}

async fn show(call: &Call) -> Outcome {
    call.require(Role::Viewer).await?;
    let earlier: Option<Sample> = store::recall(SAMPLE).await;
    let (report, newer) = stats::run(&call.cache(), &call.config().thresholds, earlier).await?;
    if let Some(sample) = newer {
        store::remember(SAMPLE, &sample).await;
    }
    Ok(Answer::data(report))
}
