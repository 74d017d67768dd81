//! `GET`, `PUT` and `DELETE /api/cache/rules`: the rules for domain events in force, and their
//! overrides.

use edge_cache_admin::Role;
use edge_cache_admin::admin::audit::AuditRecord;
use edge_cache_admin::admin::rule_table::{self, ChangeRuleRequest};
use edge_cache_admin::configuration::Configuration;
use edge_cache_spin::{Call, HandlerResult, HostResponse, Method, Request, Response, serve};

const METHODS: &[Method] = &[
    Method::new("GET", Role::Viewer),
    Method::new("PUT", Role::Admin).with_body(),
    Method::new("DELETE", Role::Admin).with_body().with_query(),
];

edge_cache_spin::http_service!(handle);

async fn handle(request: Request) -> HostResponse {
    serve(request, METHODS, route).await
}

async fn route(call: &Call) -> HandlerResult {
    match call.method() {
        "PUT" => {
            let request = ChangeRuleRequest::parse_put(&call.body().await?)?;
            change(call, request).await
        }
        "DELETE" => {
            let request = ChangeRuleRequest::parse_delete(&call.body().await?, call.query())?;
            change(call, request).await
        }
        _ => {
            let configured = call.configured(Configuration::rules)?;
            let table = rule_table::read(&call.redis(), &configured).await?;
            Ok(Response::data(table))
        }
    }
}

async fn change(call: &Call, request: ChangeRuleRequest) -> HandlerResult {
    let mut record = AuditRecord::new("rules");
    record.detail = Some(request.describe());

    let configured = call.configured(Configuration::rules)?;
    let redis = call.redis();
    let change = request.run(&redis, &configured);
    let table = call.run_audited(record, change, |_| 0).await?;
    Ok(call.respond_with_data(table))
}
