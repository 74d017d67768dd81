//! The state that schedules share: alerts that were posted, and deliveries. Pure: it is given the time and
//! the alerts, and says what is due.

use std::collections::BTreeMap;

use edge_cache::units;
use serde::{Deserialize, Serialize};

use super::delivery::{Delivery, DeliveryKind, Notification};
use super::webhook::{AlertSettings, Webhook};
use crate::admin::alert::Alert;
use crate::input::time::parse_rfc3339;

/// Deliveries kept for each webhook.
const KEPT_DELIVERIES: usize = 20;
/// Alerts that somebody should look at in the night.
const CRITICAL: [&str; 4] = ["slots", "node", "replica", "memory"];

/// Alerts that were posted, and deliveries.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    #[serde(default)]
    pub(super) raised: BTreeMap<String, Raised>,
    /// Oldest first.
    #[serde(default)]
    pub(super) deliveries: Vec<Delivery>,
    /// The number of the last delivery.
    #[serde(default)]
    number: u64,
}

/// An alert that was posted as raised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Raised {
    pub(super) since_ms: u64,
    pub(super) notified_ms: u64,
    message: String,
    value: f64,
    threshold: f64,
    /// Since when the alert is not raised any more.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    over_since_ms: Option<u64>,
}

/// The figures and settings of one wake-up of the schedule.
pub(super) struct WakeUp<'a> {
    pub(super) now_ms: u64,
    pub(super) alerts: &'a [Alert],
    /// The changes that people made lately: time and text of each.
    pub(super) changes: &'a [(String, String)],
    pub(super) settings: &'a AlertSettings,
}

/// Returns whether somebody should look at an alert in the night.
pub(super) fn is_critical(alert: &str) -> bool {
    CRITICAL.contains(&alert)
}

impl State {
    /// Brings the state up to date: messages about alerts that were raised, last or are over.
    pub(super) fn advance(&mut self, wake_up: &WakeUp<'_>) {
        for alert in wake_up.alerts {
            self.note_raised(alert, wake_up);
        }
        let over: Vec<String> = self
            .raised
            .keys()
            .filter(|name| wake_up.alerts.iter().all(|alert| alert.kind != **name))
            .cloned()
            .collect();
        for name in over {
            self.note_over(&name, wake_up);
        }
        self.forget_old(&wake_up.settings.webhooks);
    }

    fn note_raised(&mut self, alert: &Alert, wake_up: &WakeUp<'_>) {
        let now_ms = wake_up.now_ms;
        let since = alert.since.as_deref().and_then(parse_rfc3339);
        let since_ms = since.map(|since| since.duration_since(std::time::UNIX_EPOCH));
        let since_ms = since_ms.and_then(Result::ok).map(units::milliseconds);

        let known = self.raised.get(alert.kind);
        let raised = Raised {
            since_ms: known.map_or(since_ms.unwrap_or(now_ms), |known| known.since_ms),
            notified_ms: known.map_or(now_ms, |known| known.notified_ms),
            message: alert.message.clone(),
            value: alert.value,
            threshold: alert.threshold,
            over_since_ms: None,
        };
        let remind_ms = units::milliseconds(wake_up.settings.remind_after);
        let kind = match known {
            None => Some(DeliveryKind::Raised),
            Some(known) if now_ms >= known.notified_ms + remind_ms => Some(DeliveryKind::Reminded),
            Some(_) => None,
        };

        self.raised.insert(alert.kind.to_owned(), raised);
        if let Some(kind) = kind {
            self.post(alert.kind, kind, wake_up);
        }
    }

    fn note_over(&mut self, name: &str, wake_up: &WakeUp<'_>) {
        let Some(raised) = self.raised.get_mut(name) else {
            return;
        };
        let over_since_ms = *raised.over_since_ms.get_or_insert(wake_up.now_ms);
        let clear_ms = units::milliseconds(wake_up.settings.clear_after);
        // The figures of a window are only back after they were for a while. States are not.
        if wake_up.now_ms >= over_since_ms + clear_ms {
            self.post(name, DeliveryKind::Cleared, wake_up);
            self.raised.remove(name);
        }
    }

    /// Adds a delivery to each webhook. What is not delivered yet of the same alert is replaced.
    fn post(&mut self, name: &str, kind: DeliveryKind, wake_up: &WakeUp<'_>) {
        let Some(raised) = self.raised.get_mut(name) else {
            return;
        };
        raised.notified_ms = wake_up.now_ms;
        let notification = Notification {
            kind,
            alert: name.to_owned(),
            is_critical: is_critical(name),
            message: raised.message.clone(),
            value: raised.value,
            threshold: raised.threshold,
            since_ms: raised.since_ms,
            at_ms: wake_up.now_ms,
            changes: wake_up.changes.to_vec(),
        };

        for webhook in &wake_up.settings.webhooks {
            let open = |delivery: &&mut Delivery| {
                let is_same = delivery.webhook == webhook.id && delivery.alert == name;
                is_same && delivery.pending.is_some()
            };
            let open: Vec<&mut Delivery> = self.deliveries.iter_mut().filter(open).collect();
            // The alert is news there still; reminding of it is not.
            if kind == DeliveryKind::Reminded && !open.is_empty() {
                continue;
            }
            for delivery in open {
                delivery.give_up("there was a newer message before it could be delivered");
            }
            self.number += 1;
            let id = format!("{}-{}", wake_up.now_ms, self.number);
            let delivery = Delivery::new(&webhook.id, id, notification.clone());
            self.deliveries.push(delivery);
        }
    }

    /// Claims the deliveries that are due.
    pub(super) fn claim_due(&mut self, now_ms: u64) -> Vec<Delivery> {
        let due = self.deliveries.iter_mut();
        due.filter(|delivery| delivery.is_due(now_ms))
            .map(|delivery| {
                delivery.claim(now_ms);
                delivery.clone()
            })
            .collect()
    }

    /// Records how attempts ended.
    pub(super) fn end_attempts(&mut self, results: &[(String, Result<u16, String>)], now_ms: u64) {
        for (id, result) in results {
            let mut deliveries = self.deliveries.iter_mut();
            if let Some(delivery) = deliveries.find(|delivery| delivery.id == *id) {
                delivery.end_attempt(result, now_ms);
            }
        }
    }

    /// Removes deliveries to webhooks that are not configured any more, and old ones.
    fn forget_old(&mut self, webhooks: &[Webhook]) {
        let mut kept: BTreeMap<&str, usize> = BTreeMap::new();
        for webhook in webhooks {
            kept.insert(&webhook.id, 0);
        }
        let mut newest_first: Vec<Delivery> = Vec::new();
        for delivery in self.deliveries.drain(..).rev() {
            let Some(count) = kept.get_mut(delivery.webhook.as_str()) else {
                continue;
            };
            *count += 1;
            if *count <= KEPT_DELIVERIES || delivery.pending.is_some() {
                newest_first.push(delivery);
            }
        }
        newest_first.reverse();
        self.deliveries = newest_first;
    }
}

#[cfg(test)]
mod tests;
