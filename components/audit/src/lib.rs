//! `GET /api/cache/audit`: the audit records of changes and denied attempts, newest first, a page at a
//! time or all of them, one a line.
//! `GET /api/cache/operations/{id}`: the record of one change. `POST /api/cache/operations/{id}/undo` undoes
//! the edit of a value.

use edge_cache_admin::Role;
use edge_cache_admin::admin::audit::{AuditPageRequest, OperationRequest};
use edge_cache_spin::{
    Call, HandlerResult, HostResponse, Method, Request, Response, Route, serve, serve_not_found,
};

const LIST_METHODS: &[Method] = &[Method::new("GET", Role::Admin).with_query()];
const OPERATION_METHODS: &[Method] = &[Method::new("GET", Role::Viewer)];
const UNDO_METHODS: &[Method] = &[Method::new("POST", Role::Admin)];
const LIST_PATH: &str = "/api/cache/audit";
const OPERATION_PREFIX: &str = "/api/cache/operations/";

edge_cache_spin::http_service!(handle);

async fn handle(request: Request) -> HostResponse {
    let path = request.route_path().to_owned();
    if path == LIST_PATH {
        return serve(request, Route::new(LIST_METHODS).named(LIST_PATH), list).await;
    }
    let rest = path.strip_prefix(OPERATION_PREFIX);
    match rest.map(|rest| rest.split_once('/').unwrap_or((rest, ""))) {
        Some((id, "undo")) => {
            let route = Route::new(UNDO_METHODS).named("/api/cache/operations/{id}/undo");
            serve(request, route, async |call: &Call| undo(call, id).await).await
        }
        Some((id, "")) => {
            let route = Route::new(OPERATION_METHODS).named("/api/cache/operations/{id}");
            serve(request, route, async |call: &Call| {
                show_operation(call, id).await
            })
            .await
        }
        _ => serve_not_found(request).await,
    }
}

async fn list(call: &Call) -> HandlerResult {
    if call.wants_lines() {
        let request = AuditPageRequest::parse_export(call.query())?;
        let lines = request.export(call.owned_audit_redis()).await?;
        return Ok(Response::json_lines(lines));
    }
    let request = AuditPageRequest::parse(call.query())?;
    let page = request.run(&call.audit_redis()).await?;
    Ok(Response::data(page.kept_in(call.trail_place().await?)))
}

async fn show_operation(call: &Call, id: &str) -> HandlerResult {
    let request = OperationRequest::parse(id)?;
    let report = request.run(&call.audit_redis(), call.role()).await?;
    Ok(Response::data(report))
}

async fn undo(call: &Call, id: &str) -> HandlerResult {
    call.require_value_editing()?;
    call.undo_edit(id).await
}
