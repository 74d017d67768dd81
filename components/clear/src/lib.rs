//! `POST /api/cache/clear`: removes the keys of a pattern, or all; and the addresses of older systems that did so.

use std::time::Instant;

use edge_cache::access::Role;
use edge_cache::alias::{self, Alias};
use edge_cache::audit::Record;
use edge_cache::clear::{Report, Request as Clear};
use edge_cache::{Pattern, format};
use edge_cache_spin::{Answer, Call, Outcome, Problem, Request, Response, serve};
use serde::Serialize;

#[derive(Serialize)]
struct Body {
    message: String,
    stats: Stats,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Stats {
    #[serde(flatten)]
    report: Report,
    duration: String,
    duration_ms: u64,
    dry_run: bool,
}

edge_cache_spin::http_service!(handle);

async fn handle(request: Request) -> Response {
    // The host drops slashes around a path when it looks for a route.
    let alias = alias::at(&format!("/{}", request.path().trim_matches('/')));
    serve(request, alias.map_or(&["POST"], |alias| alias.methods), async |call: &Call| match alias {
        None => clear(call).await,
        // To ask what an answer would be like must change nothing.
        Some(alias) if call.method() == "HEAD" => Err(Problem::method_not_allowed("HEAD", alias.methods)),
        Some(alias) => old_address(call, alias).await,
    })
    .await
}

async fn old_address(call: &Call, alias: Alias) -> Outcome {
    let headers = [("deprecation", alias::DEPRECATED), ("sunset", alias::SUNSET), ("link", alias::SUCCESSOR)];
    let tell = |told: Answer, (name, value)| told.header(name, value);
    let tell_too = |told: Problem, (name, value)| told.header(name, value);
    let outcome = clear_module(call, alias).await;
    outcome
        .map(|answer| headers.into_iter().fold(answer, tell))
        .map_err(|problem| headers.into_iter().fold(problem, tell_too))
}

async fn clear_module(call: &Call, alias: Alias) -> Outcome {
    call.require(Role::Operator).await?;
    run(call, Clear::pattern_only(Pattern::parse("pattern", alias.pattern)?)).await
}

async fn clear(call: &Call) -> Outcome {
    call.require(Role::Operator).await?;
    let request = Clear::parse(&call.body().await?)?;
    call.require(request.role()).await?;
    run(call, request).await
}

async fn run(call: &Call, request: Clear) -> Outcome {
    let started = Instant::now();
    let cache = call.cache();
    let change = request.run(&cache, call.config().audit_shares_database);
    let report = if request.is_dry_run() {
        change.await?
    } else {
        let mut record = Record::new("clear");
        record.pattern = Some(request.pattern());
        call.audited(record, change, Report::keys_deleted).await?
    };
    let elapsed = started.elapsed();
    let (duration, duration_ms) = (format::duration(elapsed), format::milliseconds(elapsed));
    let stats = Stats { report, duration, duration_ms, dry_run: request.is_dry_run() };
    Ok(call.report(Body { message: request.message(), stats }))
}
