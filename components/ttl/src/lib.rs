//! `GET`, `PUT` and `DELETE /api/cache/ttl`: the TTL table in force, and its overrides.

use edge_cache::access::Role;
use edge_cache::audit::Record;
use edge_cache::ttl::{self, Change, Report};
use edge_cache_spin::{Answer, Call, Outcome, Request, Response, serve};
use serde::Serialize;

#[derive(Serialize)]
struct Body {
    data: Report,
}

edge_cache_spin::http_service!(handle);

async fn handle(request: Request) -> Response {
    serve(request, &["GET", "PUT", "DELETE"], table).await
}

async fn table(call: &Call) -> Outcome {
    if !["PUT", "DELETE"].contains(&call.method()) {
        call.require(Role::Viewer).await?;
        return Ok(Answer::data(ttl::show(&call.cache()).await?));
    }
    call.require(Role::Admin).await?;
    let body = call.body().await?;
    let change = if call.method() == "PUT" { Change::put(&body)? } else { Change::delete(&body, call.query())? };
    let mut record = Record::new("ttl");
    record.detail = Some(change.describe());
    let cache = call.cache();
    let data = call.audited(record, change.run(&cache), |_| 0).await?;
    Ok(call.report(Body { data }))
}
