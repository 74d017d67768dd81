//! `GET /api/cache/audit`: who changed or tried to change what, newest first.

use edge_cache::access::Role;
use edge_cache::audit;
use edge_cache_spin::{Answer, Call, Outcome, Request, Response, serve};

edge_cache_spin::http_service!(handle);

async fn handle(request: Request) -> Response {
    serve(request, &["GET"], list).await
}

async fn list(call: &Call) -> Outcome {
    call.require(Role::Admin).await?;
    let request = audit::Request::parse(call.query())?;
    Ok(Answer::data(request.run(&call.audit()).await?))
}
