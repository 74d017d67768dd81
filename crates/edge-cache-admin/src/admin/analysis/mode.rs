//! How an analysis is made.

use serde::{Deserialize, Serialize};

/// How an analysis is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AnalysisMode {
    /// From some keys.
    Sample,
    /// From all keys, as a job.
    Full,
}
