//! `DELETE` and `POST /api/cache/invalidate`: removes keys by name, pattern and tag, or marks them stale.

use std::time::Instant;

use edge_cache_admin::Role;
use edge_cache_admin::admin::audit::AuditRecord;
use edge_cache_admin::admin::invalidate::InvalidateRequest;
use edge_cache_admin::jobs::{Job, NewJob};
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
    let began = Instant::now();
    let request = InvalidateRequest::parse(&call.body().await?)?;
    call.require_role(request.role()).await?;

    let redis = call.redis();
    // Where no job is possible, a client that merely prefers one gets the answer itself.
    let waits = call.preferred_wait().is_some() && request.is_change_by_one_pattern();
    let is_preferred = (call.prefers_job() || waits) && NewJob::of_invalidation(&request).is_ok();
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
        let check = request.check_count(&redis);
        call.check_count(&record, request.confirmation(), check)
            .await?;
    }
    if becomes_job {
        let new = NewJob::of_invalidation(&request)?;
        if !request.is_change_by_one_pattern() {
            return Ok(call.begin_job(new, record).await?);
        }
        let respond = |job: &Job| call.respond_invalidated(&request, job, began.elapsed());
        return Ok(Box::pin(call.begin_job_and_wait(new, record, respond)).await?);
    }
    call.invalidate(&request, request.run(&redis)).await
}
