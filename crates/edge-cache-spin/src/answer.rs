//! Answers: the envelope of the contract around what an operation reports.

use std::time::SystemTime;

use edge_cache::format;
use serde::Serialize;

/// An answer ready to be sent.
#[derive(Debug)]
pub struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    pub(crate) headers: Vec<(&'static str, String)>,
}

#[derive(Serialize)]
struct Envelope<'a, T> {
    success: bool,
    #[serde(flatten)]
    report: T,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    warnings: &'a [String],
    timestamp: String,
}

#[derive(Serialize)]
struct Data<T> {
    data: T,
}

#[derive(Serialize)]
struct Plain<T> {
    #[serde(flatten)]
    report: T,
    timestamp: String,
}

impl Answer {
    /// `{"success": true, ...report, "timestamp": ...}`, with warnings where something beside the point failed.
    pub(crate) fn report(report: impl Serialize, warnings: &[String]) -> Self {
        let timestamp = format::timestamp(SystemTime::now());
        Self::json(200, &Envelope { success: true, report, warnings, timestamp })
    }

    /// `{"success": true, "data": ..., "timestamp": ...}`.
    pub fn data(data: impl Serialize) -> Self {
        Self::report(Data { data }, &[])
    }

    /// `{...report, "timestamp": ...}` with a status of its own, as the health checks answer.
    pub fn plain(status: u16, report: impl Serialize) -> Self {
        let timestamp = format::timestamp(SystemTime::now());
        Self::json(status, &Plain { report, timestamp })
    }

    /// The body alone, as a service answers that is not part of the administration.
    pub fn bare(body: impl Serialize) -> Self {
        Self::json(200, &body)
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn json(status: u16, body: &impl Serialize) -> Self {
        // Reports are plain structures with string keys, which always serialize.
        Self { status, body: serde_json::to_vec(body).unwrap_or_default(), headers: Vec::new() }
    }
}
