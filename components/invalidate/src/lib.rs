//! `DELETE` and `POST /api/cache/invalidate`: removes keys by name, pattern and tag.

use edge_cache_admin::Role;
use edge_cache_admin::admin::audit::AuditRecord;
use edge_cache_admin::admin::invalidate::InvalidateRequest;
use edge_cache_admin::jobs::NewJob;
use edge_cache_spin::{Call, HandlerResult, HostResponse, Method, Request, serve};

const METHODS: &[Method] = &[
    Method::new("DELETE", Role::Operator).with_body(),
    Method::new("POST", Role::Operator).with_body(),
];

edge_cache_spin::http_service!(handle);

async fn handle(request: Request) -> HostResponse {
    serve(request, METHODS, invalidate).await
}

async fn invalidate(call: &Call) -> HandlerResult {
    let request = InvalidateRequest::parse(&call.body().await?)?;
    call.require_role(request.role()).await?;

    let redis = call.redis();
    // Where no job is possible, a client that merely prefers one gets the answer itself.
    let is_preferred = call.prefers_job() && NewJob::of_invalidation(&request).is_ok();
    let becomes_job = request.job_options().becomes_job(is_preferred)?;
    let action = if becomes_job {
        "job-begin"
    } else {
        "invalidate"
    };
    let record = AuditRecord::of_invalidation(action, &request);
    if !request.is_dry_run() {
        let share = request.measure_share(&redis).await;
        call.permit_removal(&record, share).await?;
    }
    if becomes_job {
        let new = NewJob::of_invalidation(&request)?;
        return Ok(call.begin_job(new, record).await?);
    }
    call.invalidate(&request, request.run(&redis)).await
}
