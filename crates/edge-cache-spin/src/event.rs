//! Domain events: over HTTP, and as messages of a Redis channel. Rules are compiled in; both ways use the same.

use std::time::Instant;

use edge_cache::events::{self, Request, Rules};
use edge_cache::invalidate::Report;
use edge_cache::{Command, Redis};

use crate::call::Call;
use crate::guard::{LONG, lost, with_trace};
use crate::instance::instance;
use crate::log;
use crate::problem::Problem;

/// invalidation.toml, checked when this was built.
const RULES: &str = include_str!(concat!(env!("OUT_DIR"), "/invalidation.json"));

/// Handles a message of the channel: invalidates what its rules name. What is wrong with it is logged and counted, and
/// never stops the next.
///
/// # Errors
/// What went wrong, for the host's log.
pub async fn handle_event(payload: &[u8]) -> Result<(), String> {
    let instance = instance().await.map_err(|bad| format!("the variable {} {}", bad.name, bad.problem))?;
    let rules = Rules::read(RULES).map_err(|error| error.to_string())?;
    let outcome = match Request::parse(payload, &rules) {
        Ok(event) => {
            let started = Instant::now();
            let mut record = event.record();
            (record.who, record.request_id) = ("channel".into(), "-".into());
            let result = with_trace(&record, &*instance.cache, &instance.audit, event.run(&instance.cache)).await;
            record.finish(started.elapsed(), result.as_ref().map(Report::keys_invalidated));
            // One that failed, or left a trace while it ran, is recorded however many there are.
            let is_one_of_many = result.is_ok() && started.elapsed() < LONG;
            let written = match is_one_of_many {
                true => record.write_automatic(&instance.audit).await,
                false => record.write(&instance.audit).await,
            };
            // What was removed is removed, recorded or not.
            if let Err(error) = written {
                lost(&record, &error);
            }
            result.map(|report| (event.kind, report))
        }
        Err(error) => {
            // Counting is beside the point of the message; its own failure must not hide what is wrong with it.
            let _ = events::count(&instance.cache, "refused").await;
            Err(error)
        }
    };
    match outcome {
        Ok((kind, report)) => {
            log::event(&kind, report.keys_invalidated());
            Ok(())
        }
        Err(error) => {
            log::failure("-", "event.failed", &error.to_string());
            Err(error.to_string())
        }
    }
}

/// Reads an event that came over HTTP; one that is refused is counted.
///
/// # Errors
/// Those of [`Request::parse`].
pub async fn event(call: &Call, payload: &[u8]) -> Result<Request, Problem> {
    let rules = Rules::read(RULES).map_err(|error| Problem::unavailable(error.to_string()))?;
    match Request::parse(payload, &rules) {
        Ok(event) => Ok(event),
        Err(error) => {
            // Counting is beside the point of the request.
            let _ = events::count(&call.cache(), "refused").await;
            Err(error.into())
        }
    }
}

/// Tells other services of an event. Pub/sub reaches who listens now and nobody else, so a failure is logged, not told.
pub async fn publish(call: &Call, payload: &str) {
    let told = Command::new("PUBLISH").arg(call.config().events_channel.as_str()).arg(payload);
    if let Err(error) = call.cache().execute(told).await {
        log::failure(call.request_id(), "event.unpublished", &error.message);
    }
}
