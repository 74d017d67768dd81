//! `GET /api/cache/stats`: what Redis says of itself, with alerts.

use std::cell::RefCell;

use edge_cache::access::Role;
use edge_cache::stats::{self, Sample};
use edge_cache_spin::{Answer, Call, Outcome, Question, Request, Response, serve, store, together};

/// Where the eviction counter's earlier value is kept.
const SAMPLE: &str = "stats:evictions";

edge_cache_spin::http_service!(handle);

async fn handle(request: Request) -> Response {
    serve(request, &["GET"], show).await
}

async fn show(call: &Call) -> Outcome {
    call.require(Role::Viewer).await?;
    let mut newer = None;
    let outcome = together(&STATS, async || {
        let earlier = match KEPT.with_borrow(Clone::clone) {
            None => store::recall(SAMPLE).await,
            kept => kept,
        };
        let report;
        (report, newer) = stats::run(&call.cache(), &call.config().thresholds, earlier.clone()).await?;
        KEPT.set(newer.clone().or(earlier));
        Ok(Answer::data(report))
    })
    .await;
    if let Some(sample) = newer {
        store::remember(SAMPLE, &sample).await;
    }
    outcome
}

thread_local! {
    static STATS: Question = const { Question::new() };
    /// The earlier value as this instance last saw it. Any instance's will do: a rate is judged between two times.
    static KEPT: RefCell<Option<Sample>> = const { RefCell::new(None) };
}
