//! `/api/cache/keys`: the list of keys. One key is `/keys/entry`, or `/keys/{key}` if its name is
//! plain enough for a path.

use edge_cache_admin::admin::audit::AuditRecord;
use edge_cache_admin::admin::change_expiry::ChangeExpiryRequest;
use edge_cache_admin::admin::edit_key::EditKeyRequest;
use edge_cache_admin::admin::inspect_key::InspectKeyRequest;
use edge_cache_admin::admin::invalidate::InvalidateRequest;
use edge_cache_admin::admin::list_keys::ListKeysRequest;
use edge_cache_admin::{Error, Role};
use edge_cache_spin::{
    Call, HandlerResult, HostResponse, Method, Request, Response, Route, key_from_path, serve,
};

const LIST_PATH: &str = "/api/cache/keys";
const KEY_PREFIX: &str = "/api/cache/keys/";
/// The list.
const LIST: Route<'_> =
    Route::new(&[Method::new("GET", Role::Viewer).with_query()]).named(LIST_PATH);
/// A key that the path names.
const KEY: Route<'_> = Route::new(&[
    Method::new("GET", Role::Operator).with_query(),
    Method::new("PUT", Role::Admin).with_body(),
    Method::new("PATCH", Role::Admin).with_body(),
])
.named("/api/cache/keys/{key}");
/// A key that the query or the body names.
const ENTRY: Route<'_> = Route::new(&[
    Method::new("GET", Role::Operator).with_query(),
    Method::new("POST", Role::Operator)
        .with_body()
        .only_reading(),
    Method::new("PUT", Role::Admin).with_body(),
    Method::new("PATCH", Role::Admin).with_body(),
    Method::new("DELETE", Role::Operator).with_body(),
])
.named("/api/cache/keys/entry");

edge_cache_spin::http_service!(handle);

async fn handle(request: Request) -> HostResponse {
    match request.route_path().strip_prefix(LIST_PATH) {
        Some("/entry") => serve(request, ENTRY, route_entry).await,
        Some(below) if !below.is_empty() => serve(request, KEY, route_key).await,
        _ => serve(request, LIST, list).await,
    }
}

async fn list(call: &Call) -> HandlerResult {
    let request = ListKeysRequest::parse(call.query())?;
    let redis = call.redis();
    let page = if request.is_walk() {
        call.run_walk(request.run(&redis)).await?
    } else {
        request.run(&redis).await?
    };
    Ok(Response::data(page))
}

async fn route_entry(call: &Call) -> HandlerResult {
    match call.method() {
        "POST" => inspect(call, InspectKeyRequest::parse_body(&call.body().await?)?).await,
        "PUT" => edit(call, EditKeyRequest::parse_entry(&call.body().await?)).await,
        "PATCH" => change(call, ChangeExpiryRequest::parse_entry(&call.body().await?)?).await,
        "DELETE" => remove(call, InvalidateRequest::parse_entry(&call.body().await?)?).await,
        _ => inspect(call, InspectKeyRequest::parse_entry(call.query())?).await,
    }
}

async fn route_key(call: &Call) -> HandlerResult {
    let key = key_from_path(call.path_after(KEY_PREFIX))?;
    match call.method() {
        "PUT" => edit(call, EditKeyRequest::parse(key, &call.body().await?)).await,
        "PATCH" => change(call, ChangeExpiryRequest::parse(key, &call.body().await?)?).await,
        _ => inspect(call, InspectKeyRequest::parse(key, call.query())?).await,
    }
}

async fn inspect(call: &Call, request: InspectKeyRequest) -> HandlerResult {
    // The audit trail may be in the same database, and only an admin may read it.
    if request.key().is_trail() {
        call.require_role(Role::Admin).await?;
    }
    if let Some((bytes, pieces)) = request.download(call.owned_redis()).await? {
        return Ok(call.respond_with_bytes(bytes, pieces.into_stream()));
    }
    // Hashes are for edits.
    let may_edit = call.config().value_editing && call.role() == Role::Admin;
    let request = request.with_hashes(may_edit);
    Ok(Response::data(request.run(&call.redis()).await?))
}

async fn edit(call: &Call, request: Result<EditKeyRequest, Error>) -> HandlerResult {
    call.require_value_editing()?;
    call.edit_value("edit", &request?).await
}

async fn change(call: &Call, request: ChangeExpiryRequest) -> HandlerResult {
    let mut record = AuditRecord::new("expire").with_keys(std::slice::from_ref(request.key()));
    record.detail = Some(request.describe());

    let redis = call.redis();
    let report = call.run_audited(record, request.run(&redis), |_| 0).await?;
    Ok(call.respond_with_data(report))
}

async fn remove(call: &Call, request: InvalidateRequest) -> HandlerResult {
    call.require_role(request.role()).await?;

    let redis = call.redis();
    let removal = async { request.require_found(request.run(&redis).await?) };
    call.invalidate(&request, removal).await
}
