//! `GET /api/cache/metrics`: what Prometheus scrapes.

use edge_cache::access::Role;
use edge_cache::metrics;
use edge_cache_spin::{Answer, Call, Outcome, serve};
use spin_sdk::http::{IntoResponse, Request};
use spin_sdk::http_service;

#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    serve(request, &["GET"], show).await
}

async fn show(call: &Call) -> Outcome {
    call.require(Role::Viewer).await?;
    Ok(Answer::metrics(metrics::run(&call.cache(), &call.audit()).await))
}
