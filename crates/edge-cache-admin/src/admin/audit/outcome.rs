//! Outcomes of changes: one list for writing the trail and for reading it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The outcome of a change or an attempt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuditOutcome {
    /// Carried out.
    #[default]
    Ok,
    /// Failed, and changed nothing.
    Failed,
    /// Failed after some keys had been removed.
    Partial,
    /// Stopped by an admin.
    Cancelled,
    /// Not allowed.
    Denied,
    /// Begun and not ended: an intent.
    Running,
    /// Begun, and no end was recorded.
    Interrupted,
    /// A summary record.
    Summed,
    /// Read from a record that this version does not understand; never written.
    #[serde(skip_deserializing)]
    Unknown,
}

impl AuditOutcome {
    /// All outcomes, in the order of `openapi.yaml`.
    pub const ALL: [Self; 9] = [
        Self::Ok,
        Self::Failed,
        Self::Partial,
        Self::Cancelled,
        Self::Denied,
        Self::Running,
        Self::Interrupted,
        Self::Summed,
        Self::Unknown,
    ];

    /// Its name in records, responses and counters.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Partial => "partial",
            Self::Cancelled => "cancelled",
            Self::Denied => "denied",
            Self::Running => "running",
            Self::Interrupted => "interrupted",
            Self::Summed => "summed",
            Self::Unknown => "unknown",
        }
    }

    /// True if the change failed, wholly or in part.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::Partial)
    }
}

impl fmt::Display for AuditOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_has_one_name_everywhere() {
        for outcome in AuditOutcome::ALL {
            let json = serde_json::to_string(&outcome).unwrap();

            assert_eq!(json.trim_matches('"'), outcome.as_str());
            assert_eq!(outcome.to_string(), outcome.as_str());
        }
    }

    #[test]
    fn every_outcome_but_unknown_is_read_back() {
        for outcome in AuditOutcome::ALL {
            let json = serde_json::to_string(&outcome).unwrap();
            let read = serde_json::from_str::<AuditOutcome>(&json).ok();
            let expected = (outcome != AuditOutcome::Unknown).then_some(outcome);

            assert_eq!(read, expected, "{outcome}");
        }
    }

    #[test]
    fn the_api_description_lists_all_outcomes() {
        let described = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../openapi.yaml"));
        let names: Vec<&str> = AuditOutcome::ALL
            .iter()
            .map(|outcome| outcome.as_str())
            .collect();

        let listed = format!("enum: [{}]", names.join(", "));
        assert!(described.contains(&listed), "{names:?}");
    }
}
