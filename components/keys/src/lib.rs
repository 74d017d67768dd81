//! `GET /api/cache/keys`, and `GET` and `PATCH /api/cache/keys/{key}`: the key browser.

use edge_cache::access::Role;
use edge_cache::audit::Record;
use edge_cache::{KeyName, browse, inspect};
use edge_cache_spin::{Answer, Call, Outcome, Request, Response, serve};

/// Without the slash before it.
const ROUTE: &str = "api/cache/keys";
const BELOW: &str = "/api/cache/keys/";

edge_cache_spin::http_service!(handle);

async fn handle(request: Request) -> Response {
    // The host drops slashes around a path when it looks for a route.
    let is_list = request.path().trim_start_matches('/') == ROUTE;
    serve(request, if is_list { &["GET"] } else { &["GET", "PATCH"] }, browse).await
}

async fn browse(call: &Call) -> Outcome {
    match (call.key_below(BELOW), call.method()) {
        (None, _) => list(call).await,
        (Some(key), "PATCH") => change(call, key).await,
        (Some(key), _) => inspect(call, key).await,
    }
}

async fn list(call: &Call) -> Outcome {
    call.require(Role::Viewer).await?;
    let request = browse::Request::parse(call.query())?;
    Ok(Answer::data(request.run(&call.cache()).await?))
}

async fn inspect(call: &Call, key: KeyName) -> Outcome {
    // Where the audit trail is in this database, it is still for administrators alone.
    call.require(if key.is_trail() { Role::Admin } else { Role::Operator }).await?;
    let request = inspect::Request::parse(key, call.query())?;
    Ok(Answer::data(request.run(&call.cache()).await?))
}

async fn change(call: &Call, key: KeyName) -> Outcome {
    call.require(Role::Admin).await?;
    let mut record = Record::new("expire").with_keys([key.display()].into_iter());
    let request = inspect::Expiry::parse(key, &call.body().await?)?;
    record.detail = Some(request.describe());
    let cache = call.cache();
    let report = call.audited(record, request.run(&cache), |_| 0).await?;
    #[derive(serde::Serialize)]
    struct Body {
        data: inspect::ExpiryReport,
    }
    Ok(call.report(Body { data: report }))
}
