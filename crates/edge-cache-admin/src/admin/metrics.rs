//! Metrics in the text format of Prometheus, from counters alone: a scrape never walks over keys.
//!
//! A metric that redis_exporter has, too, has its name (`redis_...`); all others are
//! `edge_cache_...`. Of a Cluster they are those of all primaries together; `edge_cache_node_...` has
//! each.

mod administration;
mod lookups;
mod nodes;
mod reading;
mod server;
mod text;

use edge_cache::RedisError;
use edge_cache::redis::Redis;

use crate::admin::stats::Thresholds;
use reading::Reading;
use text::{Kind, Text};

/// Reads all counters and renders them. Eight commands that overlap, or on a Cluster seven and four to each
/// primary; one of them goes to the audit trail's database, where changes are counted. A further one,
/// which adds a sample of the counters, at most every 15 seconds; `thresholds` decide how alerts stand
/// in it. If Redis does not answer `INFO`, `redis_up` is 0. Counters that cannot be read are omitted and
/// counted in `edge_cache_scrape_errors`.
///
/// # Errors
/// [`RedisError::is_unsupported`] for a server that edge-cache cannot use.
pub async fn run<R: Redis, A: Redis>(
    redis: &R,
    audit: &A,
    thresholds: &Thresholds,
) -> Result<String, RedisError> {
    let reading = Reading::read(redis, audit, thresholds).await?;
    let mut text = Text::default();

    write_scrape(&reading, &mut text);
    if let Some(server) = &reading.server {
        server::write(&server.info, server.latency, &mut text);
    }
    if let Some(cluster) = &reading.cluster {
        nodes::write(cluster, &mut text);
    }
    if let Some(window) = &reading.window {
        lookups::write_window(window, &mut text);
    }
    if let Some(lookups) = &reading.lookups {
        lookups::write(lookups, &mut text);
    }
    if let Some(changes) = &reading.changes {
        administration::write_changes(changes, &mut text);
    }
    if let Some(events) = &reading.events {
        administration::write_events(events, &mut text);
    }
    if let (Some(removals), Some(server)) = (&reading.removals, &reading.server) {
        administration::write_removals(removals, &server.info, &mut text);
    }
    if let Some(warmup) = &reading.warmup {
        administration::write_warmup(warmup, &mut text);
    }
    Ok(text.finish())
}

/// Metrics of the scrape itself.
fn write_scrape(reading: &Reading, text: &mut Text) {
    let is_up = if reading.server.is_some() { 1.0 } else { 0.0 };
    text.metric(
        "redis_up",
        Kind::Gauge,
        "1 if Redis answers, else 0.",
        is_up,
    );
    text.metric(
        "edge_cache_scrape_errors",
        Kind::Gauge,
        "Commands of this scrape that failed; their metrics are missing.",
        f64::from(reading.errors),
    );
}
