//! `GET /api/cache/history`: figures of the past, with marks of changes. `GET /api/cache/hotkeys`: the keys
//! that services look up most.

use std::time::SystemTime;

use edge_cache_admin::Role;
use edge_cache_admin::admin::history::HistoryRequest;
use edge_cache_admin::admin::hot_keys::HotKeysRequest;
use edge_cache_spin::{Call, HandlerResult, HostResponse, Method, Request, Response, Route, serve};

const METHODS: &[Method] = &[Method::new("GET", Role::Viewer).with_query()];
const HISTORY_PATH: &str = "/api/cache/history";
const HOT_KEYS_PATH: &str = "/api/cache/hotkeys";

edge_cache_spin::http_service!(handle);

async fn handle(request: Request) -> HostResponse {
    if request.route_path() == HOT_KEYS_PATH {
        let route = Route::new(METHODS).named(HOT_KEYS_PATH);
        return serve(request, route, list_hot_keys).await;
    }
    serve(
        request,
        Route::new(METHODS).named(HISTORY_PATH),
        show_history,
    )
    .await
}

async fn show_history(call: &Call) -> HandlerResult {
    let request = HistoryRequest::parse(call.query(), SystemTime::now())?;
    Ok(Response::data(request.run(&call.audit_redis()).await?))
}

async fn list_hot_keys(call: &Call) -> HandlerResult {
    let request = HotKeysRequest::parse(call.query())?;
    let report = request
        .run(&call.redis(), &call.audit_redis(), SystemTime::now())
        .await?;
    Ok(Response::data(report))
}
