//! `GET /api/cache/audit`: who changed or tried to change what, newest first.

use edge_cache::access::Role;
use edge_cache::audit;
use edge_cache_spin::{Answer, Call, Outcome, serve};
use spin_sdk::http::{IntoResponse, Request};
use spin_sdk::http_service;

#[http_service]
async fn handle(request: Request) -> impl IntoResponse {
    serve(request, &["GET"], list).await
}

async fn list(call: &Call) -> Outcome {
    call.require(Role::Admin).await?;
    let request = audit::Request::parse(call.query())?;
    Ok(Answer::data(request.run(&call.audit()).await?))
}
