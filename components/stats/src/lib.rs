//! `GET /api/cache/stats`: statistics of Redis, with alerts. `GET /api/cache/alerts`: the alerts, and what was
//! posted about them.

use std::time::Duration;

use edge_cache_admin::Role;
use edge_cache_admin::admin::alerts;
use edge_cache_admin::admin::audit::WithTrailPlace;
use edge_cache_admin::admin::stats;
use edge_cache_spin::{
    Call, HandlerResult, HostResponse, Method, Request, Response, Route, SharedCheck, serve,
    share_check,
};

const METHODS: &[Method] = &[Method::new("GET", Role::Viewer)];
const STATS_PATH: &str = "/api/cache/stats";
const ALERTS_PATH: &str = "/api/cache/alerts";
/// Time limit for finding the audit trail's place, counted from the request's arrival. It must not
/// double the time of the response.
const TRAIL_PLACE_LIMIT: Duration = Duration::from_millis(1800);

edge_cache_spin::http_service!(handle);

async fn handle(request: Request) -> HostResponse {
    if request.route_path() == ALERTS_PATH {
        let route = Route::new(METHODS).named(ALERTS_PATH);
        return serve(request, route, list_alerts).await;
    }
    serve(request, Route::new(METHODS).named(STATS_PATH), show).await
}

async fn show(call: &Call) -> HandlerResult {
    let read = async || {
        let report = stats::run(&call.redis(), &call.config().thresholds).await?;
        let audit_trail = call.trail_place_within(TRAIL_PLACE_LIMIT).await;
        Ok(Response::data(WithTrailPlace {
            report,
            audit_trail,
        }))
    };
    share_check(&STATS, read).await
}

async fn list_alerts(call: &Call) -> HandlerResult {
    let config = call.config();
    let webhooks = &config.alerts.webhooks;
    let report = alerts::read_alerts(&call.redis(), &config.thresholds, webhooks).await?;
    Ok(Response::data(report))
}

thread_local! {
    static STATS: SharedCheck = const { SharedCheck::new() };
}
