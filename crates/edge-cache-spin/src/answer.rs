//! Answers: the envelope of the contract around what an operation reports.

use std::fmt;
use std::pin::Pin;

use bytes::Bytes;
use edge_cache::format;
use futures_util::{Stream, StreamExt};
use serde::Serialize;

/// An answer ready to be sent.
#[derive(Debug)]
pub struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) body: Body,
    pub(crate) headers: Vec<(&'static str, String)>,
}

/// The body of an answer.
pub(crate) enum Body {
    /// In one piece, with its length in the head.
    Whole(Bytes),
    /// Server-sent events, as they happen.
    Events(Events),
}

/// Server-sent events, each rendered.
pub(crate) type Events = Pin<Box<dyn Stream<Item = String>>>;

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Whole(_) => "Whole",
            Self::Events(_) => "Events",
        })
    }
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
        let timestamp = format::now();
        Self::json(200, &Envelope { success: true, report, warnings, timestamp })
    }

    /// `{"success": true, "data": ..., "timestamp": ...}`.
    pub fn data(data: impl Serialize) -> Self {
        Self::report(Data { data }, &[])
    }

    /// `{...report, "timestamp": ...}` with a status of its own, as the health checks answer.
    pub fn plain(status: u16, report: impl Serialize) -> Self {
        let timestamp = format::now();
        Self::json(status, &Plain { report, timestamp })
    }

    /// The body alone, as a service answers that is not part of the administration.
    pub fn bare(body: impl Serialize) -> Self {
        Self::json(200, &body)
    }

    /// A stream of server-sent events, each with a name and JSON data.
    pub fn events<T: Serialize>(events: impl Stream<Item = (&'static str, T)> + 'static) -> Self {
        let render = |(name, data): (&str, T)| {
            format!("event: {name}\ndata: {}\n\n", serde_json::to_string(&data).unwrap_or_default())
        };
        let body = Body::Events(Box::pin(events.map(render)));
        Self { status: 200, content_type: "text/event-stream", body, headers: Vec::new() }
    }

    /// A page of metrics in the text format of Prometheus.
    pub fn metrics(page: String) -> Self {
        let body = Body::Whole(page.into());
        Self { status: 200, content_type: "text/plain; version=0.0.4; charset=utf-8", body, headers: Vec::new() }
    }

    /// A file as it is, for a component that serves files.
    pub fn file(content_type: &'static str, body: &'static [u8]) -> Self {
        Self { status: 200, content_type, body: Body::Whole(Bytes::from_static(body)), headers: Vec::new() }
    }

    /// 304: the client has it already.
    pub fn not_modified() -> Self {
        Self { status: 304, content_type: "", body: Body::Whole(Bytes::new()), headers: Vec::new() }
    }

    /// Adds a header. A `cache-control` takes the place of `no-store`.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The same answer for another request; none where it is a stream.
    pub(crate) fn again(&self) -> Option<Self> {
        let Body::Whole(body) = &self.body else { return None };
        let (status, content_type, headers) = (self.status, self.content_type, self.headers.clone());
        Some(Self { status, content_type, body: Body::Whole(body.clone()), headers })
    }

    fn json(status: u16, body: &impl Serialize) -> Self {
        // Reports are plain structures with string keys, which always serialize.
        let body = Body::Whole(serde_json::to_vec(body).unwrap_or_default().into());
        Self { status, content_type: "application/json", body, headers: Vec::new() }
    }
}
