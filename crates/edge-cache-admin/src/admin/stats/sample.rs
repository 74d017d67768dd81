//! Samples: the counters at one moment, stored so that recent rates can be computed.

use serde::{Deserialize, Serialize};

use super::judgement::AlertStates;
use crate::admin::rows::milliseconds_of;

/// Samples kept: those of the window and some more.
pub(super) const MAX_SAMPLES: u64 = 32;

/// The counters at one moment, as stored in Redis.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sample {
    /// The server process whose counters they are.
    pub(super) run_id: String,
    /// Lookups that the server counted; `None` if it does not report them.
    pub(super) server: Option<LookupCounts>,
    /// Keys evicted.
    pub(super) evicted: Option<u64>,
    /// Lookups that the library counted.
    pub(super) services: LookupCounts,
    /// Own reads, which the server's count includes.
    pub(super) own: LookupCounts,
    /// How long `PING` took, in microseconds.
    #[serde(default)]
    pub(super) latency_us: Option<u64>,
    /// How alerts stand.
    #[serde(skip_serializing_if = "AlertStates::is_empty", default)]
    pub(super) alerts: AlertStates,
}

/// A sample with its time.
#[derive(Debug)]
pub(super) struct TimedSample {
    pub(super) at_ms: u64,
    pub(super) sample: Sample,
}

/// Lookups that found their key, and those that did not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LookupCounts {
    pub(super) hits: u64,
    pub(super) misses: u64,
}

impl TimedSample {
    /// Reads an entry of the stream: its id and its JSON.
    pub(super) fn parse(id: &str, json: &[u8]) -> Option<Self> {
        Some(Self {
            at_ms: milliseconds_of(id)?,
            sample: serde_json::from_slice(json).ok()?,
        })
    }
}

impl LookupCounts {
    pub(super) fn lookups(self) -> u64 {
        self.hits.saturating_add(self.misses)
    }

    /// Lookups since `earlier`; all of them if the counters were reset since.
    pub(super) fn since(self, earlier: Self) -> Self {
        let hits = self.hits.checked_sub(earlier.hits);
        let misses = self.misses.checked_sub(earlier.misses);
        match (hits, misses) {
            (Some(hits), Some(misses)) => Self { hits, misses },
            _ => self,
        }
    }

    /// Lookups without own reads.
    pub(super) fn without(self, own: Self) -> Self {
        Self {
            hits: self.hits.saturating_sub(own.hits),
            misses: self.misses.saturating_sub(own.misses),
        }
    }
}
