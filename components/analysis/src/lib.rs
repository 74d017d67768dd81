//! `POST /api/cache/analysis`: finds out what fills the cache. `GET /api/cache/analysis`: what was found.

use edge_cache_admin::Role;
use edge_cache_admin::admin::analysis::{AnalysisPageRequest, AnalysisRequest};
use edge_cache_admin::jobs::NewJob;
use edge_cache_spin::{Call, HandlerResult, HostResponse, Method, Request, Response, serve};

const METHODS: &[Method] = &[
    Method::new("GET", Role::Viewer).with_query(),
    Method::new("POST", Role::Admin).with_body(),
];

edge_cache_spin::http_service!(handle);

async fn handle(request: Request) -> HostResponse {
    serve(request, METHODS, respond).await
}

async fn respond(call: &Call) -> HandlerResult {
    if call.method() == "GET" {
        show(call).await
    } else {
        analyse(call).await
    }
}

async fn show(call: &Call) -> HandlerResult {
    let request = AnalysisPageRequest::parse(call.query())?;
    Ok(Response::data(request.run(&call.audit_redis()).await?))
}

async fn analyse(call: &Call) -> HandlerResult {
    let request = AnalysisRequest::parse(&call.body().await?)?;
    if request.is_full() {
        let new = NewJob::of_analysis(&request);
        return Ok(call.begin_job(new, request.record()).await?);
    }

    let (redis, trail) = (call.redis(), call.audit_redis());
    let by = call.caller_name();
    let analysis = request.run(&redis, &trail, &by);
    let report = call.run_audited(request.record(), analysis, |_| 0).await?;
    Ok(call.respond_with_data(report))
}
