//! A request as it arrived. Its headers and its body stay with the host until they are needed.

use std::rc::Rc;
use std::time::Instant;

use spin_sdk::wasip3::http::types::{self, ErrorCode, Headers};

use crate::http::request_body::UnreadBody;
use crate::http::request_id::{is_acceptable, random_id};
use crate::http::route::normalize_path;
use crate::http::trace_context::TraceContext;

/// A request that arrived.
///
/// It wraps the host's own type. Converting it to an `http::Request` would take more calls of the
/// host, and would copy every header, of which a route reads three or four.
pub struct Request {
    pub(crate) head: Rc<RequestHead>,
    pub(crate) body: UnreadBody,
}

/// Everything about a request except its body.
pub(crate) struct RequestHead {
    pub(crate) id: String,
    pub(crate) arrived: Instant,
    method: http::Method,
    target: String,
    headers: Headers,
}

impl Request {
    /// Reads the request line and the request id.
    ///
    /// # Errors
    /// [`ErrorCode::HttpRequestMethodInvalid`] if the method is not an HTTP token.
    pub fn new(request: types::Request) -> Result<Self, ErrorCode> {
        let arrived = Instant::now();
        let method = request
            .get_method()
            .try_into()
            .map_err(|_| ErrorCode::HttpRequestMethodInvalid)?;
        let target = request.get_path_with_query().unwrap_or_default();

        let mut head = RequestHead {
            id: String::new(),
            arrived,
            method,
            target,
            headers: request.get_headers(),
        };
        head.id = head.accepted_id().unwrap_or_else(random_id);

        Ok(Self {
            head: Rc::new(head),
            body: UnreadBody::new(request),
        })
    }

    /// The path, still percent-encoded.
    pub fn path(&self) -> &str {
        self.head.path()
    }

    /// The path as hosts compare it with a route: one leading slash, no trailing one.
    pub fn route_path(&self) -> &str {
        normalize_path(self.path())
    }
}

impl RequestHead {
    /// The client's own id, if it is acceptable.
    fn accepted_id(&self) -> Option<String> {
        self.header("x-request-id").filter(|id| is_acceptable(id))
    }

    pub(crate) fn method(&self) -> &str {
        self.method.as_str()
    }

    pub(crate) fn path(&self) -> &str {
        self.target
            .split_once('?')
            .map_or(&self.target, |(path, _)| path)
    }

    pub(crate) fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    /// The trace that the request belongs to. Cost: one call of the host.
    pub(crate) fn trace(&self) -> Option<TraceContext> {
        TraceContext::read(&self.headers("traceparent"))
    }

    /// The route of the manifest by which the host found the component, such as `/api/keys/...`. The
    /// host appends its own header to those that a client sent, so the last one is meant. Cost: one
    /// call of the host.
    pub(crate) fn matched_route(&self) -> Option<String> {
        self.headers("spin-matched-route").pop()
    }

    /// The first header of this name that is text. Cost: one call of the host.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        self.headers(name).into_iter().next()
    }

    /// All headers of this name that are text. Cost: one call of the host.
    pub(crate) fn headers(&self, name: &str) -> Vec<String> {
        let values = self.raw_headers(name).into_iter();
        values
            .filter_map(|value| String::from_utf8(value).ok())
            .collect()
    }

    /// All headers of this name, even if they are no text. Cost: one call of the host.
    pub(crate) fn raw_headers(&self, name: &str) -> Vec<Vec<u8>> {
        self.headers.get(name)
    }
}

/// Exports an asynchronous function from a [`Request`] to a [`HostResponse`](crate::HostResponse)
/// as the component's HTTP service.
#[macro_export]
macro_rules! http_service {
    ($handle:path) => {
        struct Service;

        impl $crate::wasip3::exports::http::handler::Guest for Service {
            async fn handle(
                request: $crate::wasip3::http::types::Request,
            ) -> Result<$crate::wasip3::http::types::Response, $crate::wasip3::http::types::ErrorCode> {
                Ok($handle($crate::Request::new(request)?).await)
            }
        }

        $crate::wasip3::http::service::export!(Service);
    };
}
