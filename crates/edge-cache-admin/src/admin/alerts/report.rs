//! `GET /alerts`: alerts, and what was posted about them.

use edge_cache::redis::Redis;
use edge_cache::units;
use futures_util::future::join;
use serde::Serialize;

use super::delivery::{Delivery, DeliveryReport};
use super::state::{State, is_critical};
use super::store;
use super::webhook::{Webhook, WebhookFormat};
use crate::admin::alert::Alert;
use crate::admin::stats::{self, Thresholds};
use crate::error::Error;

/// Deliveries that are shown of each webhook.
const SHOWN_DELIVERIES: usize = 20;

/// Alerts, and their deliveries to webhooks.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AlertsReport {
    /// The alerts of this moment, most urgent first.
    pub alerts: Vec<AlertReport>,
    /// The configured webhooks.
    pub webhooks: Vec<WebhookReport>,
}

/// An alert.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AlertReport {
    /// Its name, such as `memory`.
    pub name: &'static str,
    /// `critical` or `warning`.
    pub severity: &'static str,
    /// `raised`.
    pub state: &'static str,
    /// When it was first seen; null if nobody has watched it.
    pub since: Option<String>,
    /// When the schedule last posted it; null if it has not.
    pub last_notified_at: Option<String>,
    /// The problem, and what to do.
    pub message: String,
}

/// A webhook, without its address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WebhookReport {
    /// The name of its host.
    pub name: String,
    /// The form of its messages.
    pub format: WebhookFormat,
    /// The last 20 deliveries, newest first.
    pub deliveries: Vec<DeliveryReport>,
}

/// Reads alerts and deliveries: the round trips of the statistics, and one that overlaps them.
///
/// # Errors
/// Those of the connection.
pub async fn read_alerts<R: Redis>(
    redis: &R,
    thresholds: &Thresholds,
    webhooks: &[Webhook],
) -> Result<AlertsReport, Error> {
    let (report, state) = join(stats::run(redis, thresholds), store::read(redis)).await;
    let (_, state) = state?;
    let alerts = report?.alerts.into_iter();
    let webhooks = webhooks.iter();
    Ok(AlertsReport {
        alerts: alerts
            .map(|alert| AlertReport::new(alert, &state))
            .collect(),
        webhooks: webhooks
            .map(|webhook| WebhookReport::new(webhook, &state))
            .collect(),
    })
}

impl AlertReport {
    fn new(alert: Alert, state: &State) -> Self {
        let posted = state.raised.get(alert.kind);
        let known_since = posted.map(|raised| units::timestamp_of_ms(raised.since_ms));
        Self {
            name: alert.kind,
            severity: if is_critical(alert.kind) {
                "critical"
            } else {
                "warning"
            },
            state: "raised",
            since: alert.since.or(known_since),
            last_notified_at: posted.map(|raised| units::timestamp_of_ms(raised.notified_ms)),
            message: alert.message,
        }
    }
}

impl WebhookReport {
    fn new(webhook: &Webhook, state: &State) -> Self {
        let deliveries = state.deliveries.iter().rev();
        let own = deliveries.filter(|delivery| delivery.webhook == webhook.id);
        Self {
            name: webhook.host.clone(),
            format: webhook.format,
            deliveries: own.take(SHOWN_DELIVERIES).map(Delivery::report).collect(),
        }
    }
}
