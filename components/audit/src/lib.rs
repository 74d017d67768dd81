//! `GET /api/cache/audit`: the audit records of changes and denied attempts, newest first.

use edge_cache_admin::Role;
use edge_cache_admin::admin::audit::AuditPageRequest;
use edge_cache_spin::{Call, HandlerResult, HostResponse, Method, Request, Response, serve};

const METHODS: &[Method] = &[Method::new("GET", Role::Admin).with_query()];

edge_cache_spin::http_service!(handle);

async fn handle(request: Request) -> HostResponse {
    serve(request, METHODS, list).await
}

async fn list(call: &Call) -> HandlerResult {
    let request = AuditPageRequest::parse(call.query())?;
    let page = request.run(&call.audit_redis()).await?;
    Ok(Response::data(page.kept_in(call.trail_place().await?)))
}
