//! `POST /api/cache/events`: a domain event, with the same body and effect as a message of the
//! Redis channel.

use std::time::Instant;

use edge_cache_admin::Role;
use edge_cache_admin::admin::invalidate::{InvalidateReport, InvalidateStats};
use edge_cache_spin::{
    Call, HandlerResult, HostResponse, Method, Request, parse_event, run_event, serve,
};
use serde::Serialize;

const METHODS: &[Method] = &[Method::new("POST", Role::Operator).with_body()];

#[derive(Serialize)]
struct EventResponse {
    message: String,
    stats: InvalidateStats,
    details: InvalidateReport,
}

edge_cache_spin::http_service!(handle);

async fn handle(request: Request) -> HostResponse {
    serve(request, METHODS, handle_event).await
}

async fn handle_event(call: &Call) -> HandlerResult {
    let event = parse_event(call, &call.body().await?).await?;

    let began = Instant::now();
    let details = run_event(call, &event).await?;

    let in_force_at = details.in_force_at(call.fence_interval());
    Ok(call.respond(EventResponse {
        message: format!("Event {} handled", event.kind),
        stats: details.stats(began.elapsed(), Some(in_force_at)),
        details,
    }))
}
