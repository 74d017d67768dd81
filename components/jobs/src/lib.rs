//! `/api/cache/jobs`: lists jobs. Below it, `/{id}` shows one, `/{id}/cancel`, `/pause` and `/resume`
//! change its state, and `/execute` executes a dry run.

use edge_cache_admin::Role;
use edge_cache_admin::jobs::{
    ExecuteRequest, JobChange, JobPageRequest, JobReport, follow_job, read_job,
};
use edge_cache_spin::{
    Call, HandlerResult, HostResponse, Method, Request, Response, Route, serve, serve_not_found,
};

const LIST_METHODS: &[Method] = &[Method::new("GET", Role::Viewer).with_query()];
const READ_METHODS: &[Method] = &[Method::new("GET", Role::Viewer)];
const CHANGE_METHODS: &[Method] = &[Method::new("POST", Role::Operator)];
const EXECUTE_METHODS: &[Method] = &[Method::new("POST", Role::Operator).with_body()];
/// The path of all routes.
const PATH: &str = "/api/cache/jobs";

edge_cache_spin::http_service!(handle);

async fn handle(request: Request) -> HostResponse {
    let path = request.route_path().to_owned();
    let rest = path.strip_prefix(PATH).unwrap_or_default();
    let segments: Vec<&str> = rest.split('/').skip(1).collect();

    match segments.as_slice() {
        [] => serve(request, Route::new(LIST_METHODS).named(PATH), list).await,
        [id] => {
            let route = Route::new(READ_METHODS).named("/api/cache/jobs/{id}");
            serve(request, route, async |call: &Call| show(call, id).await).await
        }
        [id, "cancel"] => change(request, id, JobChange::Cancel).await,
        [id, "pause"] => change(request, id, JobChange::Pause).await,
        [id, "resume"] => change(request, id, JobChange::Resume).await,
        [id, "execute"] => {
            let route = Route::new(EXECUTE_METHODS).named("/api/cache/jobs/{id}/execute");
            serve(request, route, async |call: &Call| {
                Box::pin(execute(call, id)).await
            })
            .await
        }
        _ => serve_not_found(request).await,
    }
}

async fn execute(call: &Call, id: &str) -> HandlerResult {
    let request = ExecuteRequest::parse(&call.body().await?)?;
    let redis = call.redis();
    let prepared = request.prepare(&redis, id).await;
    if let Err(error) = &prepared {
        let record = ExecuteRequest::record_of_failure(id);
        call.record_not_started(record, error).await;
    }
    let execution = prepared?;
    call.require_role(execution.role()).await?;

    let record = execution.record();
    let share = execution.measure_share(&redis).await;
    call.permit_removal(&record, share).await?;
    let check = execution.check_count(&redis);
    call.check_count(&record, execution.confirmation(), check)
        .await?;
    Ok(Box::pin(call.begin_job(execution.into_job(), record)).await?)
}

async fn list(call: &Call) -> HandlerResult {
    let request = JobPageRequest::parse(call.query())?;
    Ok(Response::data(request.run(&call.redis()).await?))
}

async fn show(call: &Call, id: &str) -> HandlerResult {
    let job = read_job(&call.redis(), id).await?;
    if call.wants_events() {
        return Ok(Response::event_stream(follow_job(call.owned_redis(), id)));
    }
    Ok(Response::data(JobReport::from(job)))
}

async fn change(request: Request, id: &str, change: JobChange) -> HostResponse {
    let name = match change {
        JobChange::Cancel => "/api/cache/jobs/{id}/cancel",
        JobChange::Pause => "/api/cache/jobs/{id}/pause",
        JobChange::Resume => "/api/cache/jobs/{id}/resume",
    };
    let route = Route::new(CHANGE_METHODS).named(name);
    serve(request, route, async |call: &Call| {
        Ok(call.change_job(id, change).await?)
    })
    .await
}
