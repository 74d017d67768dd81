//! `GET /api/cache/metrics`: what Prometheus scrapes.

use edge_cache::access::Role;
use edge_cache::metrics;
use edge_cache_spin::{Answer, Call, Outcome, Request, Response, serve};

edge_cache_spin::http_service!(handle);

async fn handle(request: Request) -> Response {
    serve(request, &["GET"], show).await
}

async fn show(call: &Call) -> Outcome {
    call.require(Role::Viewer).await?;
    Ok(Answer::metrics(metrics::run(&call.cache(), &call.audit()).await))
}
