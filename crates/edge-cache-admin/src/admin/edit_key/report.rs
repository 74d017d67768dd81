//! The response of an edit.

use std::time::{Duration, SystemTime};

use edge_cache::keyspace::edit::Replaced;
use edge_cache::units;
use serde::Serialize;

use super::request::EditKeyRequest;
use crate::admin::audit::ValueDifference;

/// How long an edit can be undone.
pub(super) const UNDO_TIME: Duration = Duration::from_secs(15 * 60);

/// An edited value.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EditReport {
    /// The name; see [`edge_cache::KeyName::display`].
    pub key: String,
    /// The name in base64, if `key` shows it escaped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_base64: Option<String>,
    /// `string`, or `hash` for a field.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Identifies the new value.
    pub hash: String,
    /// The remaining time to live; null: for ever.
    pub ttl_seconds: Option<u64>,
    /// Until then the edit can be undone; null if its operation has no id.
    pub undo_until: Option<String>,
    /// The changed part, for the audit trail.
    #[serde(skip)]
    pub difference: ValueDifference,
}

impl EditReport {
    pub(super) fn new(
        request: &EditKeyRequest,
        replaced: Replaced,
        difference: ValueDifference,
        can_be_undone: bool,
    ) -> Self {
        let undo_until = units::timestamp(SystemTime::now() + UNDO_TIME);
        Self {
            key: request.key.display(),
            key_base64: request.key.base64(),
            kind: if request.field.is_some() {
                "hash"
            } else {
                "string"
            },
            hash: replaced.hash,
            ttl_seconds: replaced.ttl.map(|ttl| ttl.as_secs()),
            undo_until: can_be_undone.then_some(undo_until),
            difference,
        }
    }
}
