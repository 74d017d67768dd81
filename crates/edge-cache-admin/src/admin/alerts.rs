//! Alerts that reach people: the schedule posts to webhooks when an alert is raised, while it lasts, and
//! when it is cleared.
//!
//! Alerts themselves are judged by [`stats`](super::stats). Here is what was posted about them: a state in
//! Redis (`cache:alerts`) that all schedules share. Each wake-up reads it, works out what is due, and
//! stores it with its claims if nobody has changed it meanwhile; then it posts what it has claimed.
//!
//! ```text
//! 12:00:00  memory is raised      posted to each webhook: raised
//! 12:00:00  hooks.example.com answers 500       tried again after 5 s, then 10, 20, ...: 8 times
//! 13:00:00  memory is still raised              posted: reminded
//! 13:10:30  memory is cleared                   posted: cleared
//! ```
//!
//! A delivery is claimed for a minute, so two schedules never post the same one. If the claim ends without
//! a result, because an instance died or lost Redis while it posted, it is posted again under the same
//! `Alert-Id`.

mod delivery;
mod format;
mod notify;
mod report;
mod signature;
mod state;
mod store;
mod webhook;

pub use delivery::{DeliveryKind, DeliveryReport};
pub use notify::{PostRequest, Poster, notify};
pub use report::{AlertReport, AlertsReport, WebhookReport, read_alerts};
pub(crate) use store::ALERTS;
pub use webhook::{AlertSettings, SecretText, Webhook, WebhookFormat};
