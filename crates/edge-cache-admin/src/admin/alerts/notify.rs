//! One wake-up: brings the state up to date, and posts what is due.

use edge_cache::redis::Redis;
use edge_cache::units;
use futures_util::future::join_all;

use super::delivery::Delivery;
use super::state::WakeUp;
use super::webhook::{AlertSettings, Webhook};
use super::{format, signature, store};
use crate::admin::history;
use crate::admin::stats::{self, Thresholds};
use crate::error::Error;

/// How far back a message looks for changes.
const CHANGES_MS: u64 = 15 * 60_000;
/// The most changes in a message: the newest.
const MAX_CHANGES: usize = 5;

/// A request to a webhook.
#[derive(Debug)]
pub struct PostRequest<'a> {
    webhook: &'a Webhook,
    /// The names and values of its headers, besides those of its body.
    pub headers: Vec<(&'static str, String)>,
    /// Its body, which is JSON.
    pub body: Vec<u8>,
}

impl PostRequest<'_> {
    /// The address, whose path may be a secret. Never log it.
    pub fn url(&self) -> &str {
        self.webhook.url.expose()
    }

    /// The scheme, host and port of the address, as in `allowed_outbound_hosts`.
    pub fn origin(&self) -> String {
        self.webhook.origin()
    }
}

/// Posts to webhooks.
pub trait Poster {
    /// Posts a request. Returns the status of the answer, or why there is none, without the address.
    fn post(&self, request: PostRequest<'_>) -> impl Future<Output = Result<u16, String>>;
}

/// Posts what is due about alerts, and records how that ended. Without webhooks nothing. Round trips:
/// those of the statistics, one for recent changes, two for the state; if something is due, two more. A
/// server that cannot be reached has nobody to tell: watch `/health` from outside.
///
/// # Errors
/// Those of the connections.
pub async fn notify<R: Redis, A: Redis>(
    redis: &R,
    trail: &A,
    poster: &impl Poster,
    settings: &AlertSettings,
    thresholds: &Thresholds,
) -> Result<usize, Error> {
    if settings.webhooks.is_empty() {
        return Ok(0);
    }
    let report = stats::run(redis, thresholds).await?;
    let now_ms = units::now_ms();
    let changes = recent_changes(trail, now_ms).await;
    let due = store::update(redis, |state| {
        state.advance(&WakeUp {
            now_ms,
            alerts: &report.alerts,
            changes: &changes,
            settings,
        });
        state.claim_due(now_ms)
    });
    let due = due.await?.unwrap_or_default();
    if due.is_empty() {
        return Ok(0);
    }

    let posting = due.iter().map(async |delivery| {
        let result = post(poster, settings, delivery).await;
        (delivery.id.clone(), result)
    });
    let results = join_all(posting).await;
    store::update(redis, |state| state.end_attempts(&results, units::now_ms())).await?;
    Ok(results.len())
}

async fn post(
    poster: &impl Poster,
    settings: &AlertSettings,
    delivery: &Delivery,
) -> Result<u16, String> {
    let mut webhooks = settings.webhooks.iter();
    let webhook = webhooks.find(|webhook| webhook.id == delivery.webhook);
    let (Some(webhook), Some(message)) = (webhook, &delivery.pending) else {
        return Err("the webhook is not configured any more".to_owned());
    };

    let timestamp = units::now_ms() / 1000;
    let body = format::body(webhook, &delivery.id, &settings.source, message);
    let mut headers = vec![
        ("alert-id", delivery.id.clone()),
        ("alert-timestamp", timestamp.to_string()),
    ];
    let signature = signature::sign(settings.key.expose(), timestamp, &body);
    headers.extend(signature.map(|signature| ("alert-signature", signature)));
    let request = PostRequest {
        webhook,
        headers,
        body,
    };
    poster.post(request).await
}

/// The newest changes, newest first. A trail that cannot be read has none: the alert matters more.
async fn recent_changes<A: Redis>(trail: &A, now_ms: u64) -> Vec<(String, String)> {
    let from_ms = now_ms.saturating_sub(CHANGES_MS);
    let marks = history::read_changes(trail, from_ms, now_ms).await;
    let mut marks = marks.unwrap_or_default();
    marks.sort_by(|one, other| other.at.cmp(&one.at));
    let marks = marks.into_iter().take(MAX_CHANGES);
    marks.map(|mark| (mark.at, mark.text)).collect()
}
