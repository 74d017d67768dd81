//! `GET /api/cache/slowlog`: the slow commands of each node, without their values, newest first.

use edge_cache_admin::Role;
use edge_cache_admin::admin::slowlog::SlowlogRequest;
use edge_cache_spin::{Call, HandlerResult, HostResponse, Method, Request, Response, serve};

const METHODS: &[Method] = &[Method::new("GET", Role::Operator).with_query()];

edge_cache_spin::http_service!(handle);

async fn handle(request: Request) -> HostResponse {
    serve(request, METHODS, list).await
}

async fn list(call: &Call) -> HandlerResult {
    let request = SlowlogRequest::parse(call.query())?;
    let page = request.run(&call.redis(), &call.audit_redis()).await?;
    Ok(Response::data(page))
}
