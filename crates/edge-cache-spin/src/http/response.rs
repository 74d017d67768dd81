//! Responses: the report of an operation in the envelope of the HTTP contract.

use std::fmt;
use std::pin::Pin;

use bytes::Bytes;
use edge_cache::units;
use futures_util::{Stream, StreamExt};
use serde::Serialize;

/// A response that is ready to be sent.
#[derive(Debug)]
pub struct Response {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) body: Body,
    pub(crate) headers: Vec<(&'static str, String)>,
}

/// The body of a response.
pub(crate) enum Body {
    /// Sent in one piece, after a `content-length`.
    Complete(Bytes),
    /// Server-sent events, each sent as it happens.
    Events(TextStream),
    /// Text that is sent piece by piece.
    Pieces(TextStream),
    /// So many bytes, sent piece by piece after a `content-length`. `None` ends a body that failed.
    Bytes(u64, ByteStream),
}

impl Body {
    /// Its length in bytes, if that is known before it is sent.
    pub(crate) fn length(&self) -> Option<u64> {
        match self {
            Self::Complete(bytes) => Some(bytes.len() as u64),
            Self::Bytes(length, _) => Some(*length),
            Self::Events(_) | Self::Pieces(_) => None,
        }
    }
}

/// The media type of a JSON document a line.
pub(crate) const JSON_LINES: &str = "application/x-ndjson";

/// Text that is already rendered: server-sent events, or lines.
pub(crate) type TextStream = Pin<Box<dyn Stream<Item = String>>>;

/// Pieces of a body; `None` when it failed.
pub(crate) type ByteStream = Pin<Box<dyn Stream<Item = Option<Vec<u8>>>>>;

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Complete(_) => "Complete",
            Self::Events(_) => "Events",
            Self::Pieces(_) => "Pieces",
            Self::Bytes(..) => "Bytes",
        })
    }
}

#[derive(Serialize)]
struct SuccessBody<'a, T> {
    success: bool,
    #[serde(flatten)]
    report: T,
    #[serde(rename = "operationId", skip_serializing_if = "Option::is_none")]
    operation_id: Option<String>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    warnings: &'a [String],
    timestamp: String,
}

#[derive(Serialize)]
pub(crate) struct DataBody<T> {
    pub(crate) data: T,
}

#[derive(Serialize)]
struct TimestampedBody<T> {
    #[serde(flatten)]
    report: T,
    timestamp: String,
}

impl Response {
    fn new(status: u16, content_type: &'static str, body: Body) -> Self {
        Self {
            status,
            content_type,
            body,
            headers: Vec::new(),
        }
    }

    /// `{"success": true, ...report, "timestamp": ...}`, with `operationId` after a change, and
    /// `warnings` if something beside the point of the request failed.
    pub(crate) fn success(
        report: impl Serialize,
        operation_id: Option<String>,
        warnings: &[String],
    ) -> Self {
        Self::json(SuccessBody {
            success: true,
            report,
            operation_id,
            warnings,
            timestamp: units::now(),
        })
    }

    /// `{"success": true, "data": ..., "timestamp": ...}`.
    pub fn data(data: impl Serialize) -> Self {
        Self::success(DataBody { data }, None, &[])
    }

    /// `{...report, "timestamp": ...}` with any status, as health checks respond.
    pub fn with_status(status: u16, report: impl Serialize) -> Self {
        let timestamp = units::now();
        Self {
            status,
            ..Self::json(TimestampedBody { report, timestamp })
        }
    }

    /// A JSON body without an envelope, for services that are not part of the administration.
    pub fn json(body: impl Serialize) -> Self {
        // Reports are plain structures with string keys, which always serialize.
        let bytes = serde_json::to_vec(&body).unwrap_or_default();
        Self::new(200, "application/json", Body::Complete(bytes.into()))
    }

    /// A stream of server-sent events, each with a name and JSON data. Proxies must not buffer it.
    pub fn event_stream<T: Serialize>(
        events: impl Stream<Item = (&'static str, T)> + 'static,
    ) -> Self {
        let rendered = events.map(|(name, data)| {
            let json = serde_json::to_string(&data).unwrap_or_default();
            format!("event: {name}\ndata: {json}\n\n")
        });

        Self::new(200, "text/event-stream", Body::Events(Box::pin(rendered)))
            .with_header("x-accel-buffering", "no")
    }

    /// JSON documents, each in a line, that are sent piece by piece. Proxies must not buffer them.
    pub fn json_lines(pieces: impl Stream<Item = String> + 'static) -> Self {
        Self::new(200, JSON_LINES, Body::Pieces(Box::pin(pieces)))
            .with_header("x-accel-buffering", "no")
    }

    /// Bytes that are sent piece by piece, for a file. They may be anything, so no client shows them.
    pub(crate) fn bytes(length: u64, pieces: ByteStream) -> Self {
        let body = Body::Bytes(length, pieces);
        Self::new(200, "application/octet-stream", body)
            .with_header("content-disposition", "attachment")
    }

    /// Metrics in the text format of Prometheus.
    pub fn metrics(text: String) -> Self {
        Self::new(
            200,
            "text/plain; version=0.0.4; charset=utf-8",
            Body::Complete(text.into()),
        )
    }

    /// An answer that was kept.
    pub(crate) fn kept(status: u16, json: String) -> Self {
        let body = Body::Complete(json.into());
        Self::new(status, "application/json", body)
    }

    /// A file as it is, for a component that serves files.
    pub fn file(content_type: &'static str, bytes: &'static [u8]) -> Self {
        Self::new(200, content_type, Body::Complete(Bytes::from_static(bytes)))
    }

    /// 304: the client already has this content.
    pub fn not_modified() -> Self {
        Self::new(304, "", Body::Complete(Bytes::new()))
    }

    /// A problem's body.
    pub(crate) fn problem(status: u16, json: String, headers: Vec<(&'static str, String)>) -> Self {
        Self {
            headers,
            ..Self::new(
                status,
                "application/problem+json",
                Body::Complete(json.into()),
            )
        }
    }

    /// Turns it into a 202 with the address of the job.
    #[must_use]
    pub(crate) fn accepted(self, location: String) -> Self {
        Self {
            status: 202,
            ..self.with_header("location", location)
        }
    }

    /// Adds a header. A `cache-control` replaces the default `no-store`.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Adds the headers of a route.
    pub(crate) fn add_headers(&mut self, headers: &[(&'static str, &'static str)]) {
        let added = headers
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()));
        self.headers.extend(added);
    }

    /// Returns a copy for another request; `None` for a stream, which has one reader.
    pub(crate) fn try_clone(&self) -> Option<Self> {
        let Body::Complete(bytes) = &self.body else {
            return None;
        };

        Some(Self {
            status: self.status,
            content_type: self.content_type,
            body: Body::Complete(bytes.clone()),
            headers: self.headers.clone(),
        })
    }
}
