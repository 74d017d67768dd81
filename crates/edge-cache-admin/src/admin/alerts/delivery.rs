//! A message about an alert, and its delivery to one webhook.

use edge_cache::units;
use serde::{Deserialize, Serialize};

/// Attempts before a delivery is given up.
const MAX_ATTEMPTS: u32 = 8;
/// The pause after the first attempt; each further one is twice as long.
const FIRST_PAUSE_MS: u64 = 5_000;
/// How long a delivery is claimed. Longer than the time limit of a request.
const CLAIM_MS: u64 = 60_000;

/// The reason for a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryKind {
    /// The alert was raised.
    Raised,
    /// The alert lasts.
    Reminded,
    /// The alert is over.
    Cleared,
}

/// A message about an alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Notification {
    pub(super) kind: DeliveryKind,
    /// The alert's name: its kind, such as `memory`.
    pub(super) alert: String,
    pub(super) is_critical: bool,
    pub(super) message: String,
    pub(super) value: f64,
    pub(super) threshold: f64,
    /// When the alert was first seen.
    pub(super) since_ms: u64,
    pub(super) at_ms: u64,
    /// The changes that people made shortly before: time and text of each.
    pub(super) changes: Vec<(String, String)>,
}

/// The delivery of a message to one webhook.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Delivery {
    pub(super) id: String,
    pub(super) webhook: String,
    pub(super) kind: DeliveryKind,
    pub(super) alert: String,
    /// When it was attempted last; before that, when it became due.
    pub(super) at_ms: u64,
    pub(super) attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) error: Option<String>,
    /// The message, until it is delivered or given up.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) pending: Option<Notification>,
    /// The time before which nobody attempts it.
    pub(super) not_before_ms: u64,
}

/// A delivery, as `GET /alerts` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryReport {
    /// When it was attempted last.
    pub at: String,
    /// The reason for the message.
    pub kind: DeliveryKind,
    /// The alert's name.
    pub alert: String,
    /// The status that the webhook answered.
    pub status: Option<u16>,
    /// The number of attempts.
    pub attempts: u32,
    /// Why it failed, and whether it is tried again.
    pub error: Option<String>,
}

impl Delivery {
    pub(super) fn new(webhook: &str, id: String, notification: Notification) -> Self {
        Self {
            id,
            webhook: webhook.to_owned(),
            kind: notification.kind,
            alert: notification.alert.clone(),
            at_ms: notification.at_ms,
            attempts: 0,
            status: None,
            error: None,
            not_before_ms: 0,
            pending: Some(notification),
        }
    }

    pub(super) fn is_due(&self, now_ms: u64) -> bool {
        self.pending.is_some() && self.not_before_ms <= now_ms
    }

    /// Claims an attempt.
    pub(super) fn claim(&mut self, now_ms: u64) {
        self.attempts += 1;
        self.at_ms = now_ms;
        self.not_before_ms = now_ms + CLAIM_MS;
    }

    /// Records how the claimed attempt ended.
    pub(super) fn end_attempt(&mut self, result: &Result<u16, String>, now_ms: u64) {
        let problem = match result {
            Ok(status @ 200..=299) => {
                self.status = Some(*status);
                self.error = None;
                self.pending = None;
                return;
            }
            Ok(status) => {
                self.status = Some(*status);
                format!("it answered with status {status}")
            }
            Err(problem) => {
                self.status = None;
                problem.clone()
            }
        };

        if self.attempts >= MAX_ATTEMPTS {
            self.give_up(&problem);
            return;
        }
        let pause_ms = FIRST_PAUSE_MS << self.attempts.saturating_sub(1).min(16);
        self.not_before_ms = now_ms + pause_ms;
        self.error = Some(format!("{problem}; it is tried again"));
    }

    /// Gives up the delivery.
    pub(super) fn give_up(&mut self, problem: &str) {
        self.error = Some(format!("{problem}; it was given up"));
        self.pending = None;
    }

    pub(super) fn report(&self) -> DeliveryReport {
        DeliveryReport {
            at: units::timestamp_of_ms(self.at_ms),
            kind: self.kind,
            alert: self.alert.clone(),
            status: self.status,
            attempts: self.attempts,
            error: self.error.clone(),
        }
    }
}
