//! `GET /api/cache/metrics`: metrics for Prometheus.

use edge_cache_admin::Role;
use edge_cache_admin::admin::metrics;
use edge_cache_spin::{Call, HandlerResult, HostResponse, Method, Request, Response, serve};

const METHODS: &[Method] = &[Method::new("GET", Role::Viewer)];

edge_cache_spin::http_service!(handle);

async fn handle(request: Request) -> HostResponse {
    serve(request, METHODS, show).await
}

async fn show(call: &Call) -> HandlerResult {
    Ok(Response::metrics(
        metrics::run(
            &call.redis(),
            &call.audit_redis(),
            &call.config().thresholds,
        )
        .await?,
    ))
}
