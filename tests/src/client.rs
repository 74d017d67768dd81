//! A client that checks every response against the contract before a test sees it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use serde_json::Value;
use ureq::Agent;
use ureq::http::Request;

use crate::caller::Caller;
use crate::contract::{Observed, contract};
use crate::shop::Shop;

/// The path prefix of all routes.
pub const BASE: &str = "/api/cache";
/// Longer than any response may take. Tests assert tighter limits themselves.
const TIMEOUT: Duration = Duration::from_secs(120);

/// The content type of downloads.
const BYTES: &str = "application/octet-stream";
/// The longest stream that a test reads.
const MAX_STREAM_BYTES: u64 = 1 << 30;

/// Sends requests with one caller's token.
#[derive(Debug, Clone)]
pub struct Client {
    agent: Agent,
    origin: String,
    shop: Option<Arc<Shop>>,
    caller: Caller,
    headers: Vec<(String, String)>,
}

/// A checked response.
#[derive(Debug)]
pub struct Response {
    /// The method and path of the request.
    pub request: String,
    /// The status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body; null for `HEAD`, a string for text and bytes.
    pub body: Value,
    /// The time from sending the request to the end of the response.
    pub took: Duration,
}

impl Client {
    pub(crate) fn new(address: &str, caller: Caller) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .max_redirects(0)
            .proxy(None)
            .timeout_global(Some(TIMEOUT));

        Self {
            agent: config.build().into(),
            origin: format!("http://{address}"),
            shop: None,
            caller,
            headers: Vec::new(),
        }
    }

    /// Sends requests below the shop's paths to this shop.
    pub(crate) fn with_shop(mut self, shop: &Arc<Shop>) -> Self {
        self.shop = Some(Arc::clone(shop));
        self
    }

    /// Sends this header with every request.
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// `GET` of a path below [`BASE`].
    pub fn get(&self, path: &str) -> Response {
        self.send("GET", &format!("{BASE}{path}"), None)
    }

    /// `POST` of JSON to a path below [`BASE`].
    pub fn post(&self, path: &str, body: &Value) -> Response {
        self.send(
            "POST",
            &format!("{BASE}{path}"),
            Some(body.to_string().as_bytes()),
        )
    }

    /// `DELETE` with JSON of a path below [`BASE`].
    pub fn delete(&self, path: &str, body: &Value) -> Response {
        self.send(
            "DELETE",
            &format!("{BASE}{path}"),
            Some(body.to_string().as_bytes()),
        )
    }

    /// `PUT` of JSON to a path below [`BASE`].
    pub fn put(&self, path: &str, body: &Value) -> Response {
        self.send(
            "PUT",
            &format!("{BASE}{path}"),
            Some(body.to_string().as_bytes()),
        )
    }

    /// `PATCH` with JSON of a path below [`BASE`].
    pub fn patch(&self, path: &str, body: &Value) -> Response {
        self.send(
            "PATCH",
            &format!("{BASE}{path}"),
            Some(body.to_string().as_bytes()),
        )
    }

    /// Sends a request with any method, full path and body. Requests below the shop's paths go to
    /// the sample shop.
    ///
    /// # Panics
    /// If there is no response, or one that violates the contract.
    pub fn send(&self, method: &str, path: &str, body: Option<&[u8]>) -> Response {
        let request_id = self
            .given("x-request-id")
            .map_or_else(next_id, str::to_owned);
        let shop = self.shop.as_ref().filter(|_| Shop::serves(path));
        let origin = shop.map_or_else(
            || self.origin.clone(),
            |shop| format!("http://{}", shop.address()),
        );
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{origin}{path}"));

        if self.given("x-request-id").is_none() {
            request = request.header("x-request-id", &request_id);
        }

        for (name, value) in &self.headers {
            request = request.header(name, value);
        }

        if let Some(token) = self.caller.token() {
            request = request.header("authorization", format!("Bearer {token}"));
        }

        if body.is_some() {
            request = request.header("content-type", "application/json");
        }

        let started = Instant::now();
        let sent = match body {
            Some(body) => self
                .agent
                .run(request.body(body).expect("a well-formed request")),
            None => self
                .agent
                .run(request.body(()).expect("a well-formed request")),
        };

        let received = sent.unwrap_or_else(|error| panic!("{method} {path}: no response: {error}"));
        let status = received.status().as_u16();
        let headers = headers(received.headers());
        let bytes = received
            .into_body()
            .into_with_config()
            .limit(1 << 30)
            .read_to_vec();
        let bytes = bytes
            .unwrap_or_else(|error| panic!("{method} {path}: the response is incomplete: {error}"));
        let took = started.elapsed();
        let response = Response::new(format!("{method} {path}"), status, headers, &bytes, took);
        response.check(method, path, &bytes, &request_id);

        response
    }

    /// Reads server-sent events of a path below [`BASE`] to their end, and returns names and data.
    ///
    /// # Panics
    /// If there is no stream, or a part of it is not an event with JSON.
    pub fn events(&self, path: &str) -> Vec<(String, Value)> {
        let (headers, text) = self.stream(path, "text/event-stream");
        assert_eq!(headers["cache-control"], "no-store");
        assert_eq!(
            headers["x-accel-buffering"], "no",
            "a proxy must not buffer events"
        );

        let event = |event: &str| {
            let (name, data) = event.split_once("\ndata: ").expect("an event with data");
            let name = name.strip_prefix("event: ").expect("an event with a name");
            (
                name.to_owned(),
                serde_json::from_str(data).expect("JSON data"),
            )
        };
        // A comment only keeps the stream open.
        text.split_terminator("\n\n")
            .filter(|part| !part.starts_with(':'))
            .map(event)
            .collect()
    }

    /// Reads lines of JSON of a path below [`BASE`] to their end.
    ///
    /// # Panics
    /// If there is no such stream, or a line is not JSON.
    pub fn lines(&self, path: &str) -> Vec<Value> {
        let (_, text) = self.stream(path, "application/x-ndjson");
        text.lines()
            .map(|line| serde_json::from_str(line).expect("a line of JSON"))
            .collect()
    }

    /// Downloads the bytes of a path below [`BASE`], and returns headers and bytes.
    ///
    /// # Panics
    /// If there is no such response.
    pub fn download(&self, path: &str) -> (BTreeMap<String, String>, Vec<u8>) {
        self.receive(path, BYTES)
    }

    /// Reads a stream of a type to its end, and returns headers and text.
    fn stream(&self, path: &str, content_type: &str) -> (BTreeMap<String, String>, String) {
        let (headers, bytes) = self.receive(path, content_type);
        (headers, String::from_utf8(bytes).expect("text"))
    }

    /// Reads a response of a type to its end, and returns headers and bytes.
    fn receive(&self, path: &str, content_type: &str) -> (BTreeMap<String, String>, Vec<u8>) {
        let mut request = Request::builder().uri(format!("{}{BASE}{path}", self.origin));
        request = request.header("accept", content_type);
        if let Some(token) = self.caller.token() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let received = self
            .agent
            .run(request.body(()).expect("a well-formed request"))
            .expect("a response");

        let headers = headers(received.headers());
        assert_eq!(
            (received.status().as_u16(), headers["content-type"].as_str()),
            (200, content_type)
        );
        let body = received.into_body().into_with_config();
        let bytes = body.limit(MAX_STREAM_BYTES).read_to_vec();
        (headers, bytes.expect("a response that ends"))
    }

    fn given(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// Encodes bytes as a value of a query or a segment of a path.
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    percent_encode(bytes.as_ref(), NON_ALPHANUMERIC).to_string()
}

fn next_id() -> String {
    static SENT: AtomicU64 = AtomicU64::new(1);
    format!("test-{}", SENT.fetch_add(1, Ordering::Relaxed))
}

fn headers(all: &ureq::http::HeaderMap) -> BTreeMap<String, String> {
    all.iter()
        .map(|(name, value)| {
            (
                name.to_string(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
        .collect()
}

impl Response {
    fn new(
        request: String,
        status: u16,
        headers: BTreeMap<String, String>,
        bytes: &[u8],
        took: Duration,
    ) -> Self {
        let is_text = headers
            .get("content-type")
            .is_some_and(|kind| kind.starts_with("text/") || kind == BYTES);
        let body = match bytes {
            [] => Ok(Value::Null),
            text if is_text => Ok(Value::String(String::from_utf8_lossy(text).into_owned())),
            json => serde_json::from_slice(json),
        };

        let body = body.unwrap_or_else(|error| {
            panic!(
                "{request}: {status}: not JSON ({error}): {}",
                bytes.escape_ascii()
            )
        });

        Self {
            request,
            status,
            headers,
            body,
            took,
        }
    }

    /// Checks the properties of every response that the schema does not express.
    fn check(&self, method: &str, path: &str, bytes: &[u8], sent_id: &str) {
        let (path, _) = path.split_once('?').unwrap_or((path, ""));
        let is_head = method == "HEAD";
        let content_type = self.header("content-type").unwrap_or_default();
        contract().check(&Observed {
            method,
            path,
            status: self.status,
            content_type,
            headers: &self.headers,
            body: (!is_head).then_some(&self.body),
        });
        let length = self
            .header("content-length")
            .and_then(|length| length.parse().ok());

        assert!(
            is_head || length == Some(bytes.len()),
            "content-length is wrong: {self:#?}"
        );

        let id = self.header("x-request-id").unwrap_or_default();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        if (1..=128).contains(&sent_id.len()) && sent_id.bytes().all(plain) {
            assert_eq!(id, sent_id, "the request's id is not returned: {self:#?}");
        } else {
            assert!(
                id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()),
                "no id was generated: {self:#?}"
            );
        }

        if content_type == "application/problem+json" && !is_head {
            assert_eq!(
                (&self.body["status"], &self.body["requestId"]),
                (&self.status.into(), &id.into()),
                "{self:#?}"
            );
        }
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The body of a success.
    ///
    /// # Panics
    /// If it is not a success.
    #[track_caller]
    pub fn ok(self) -> Value {
        self.with_status(200)
    }

    /// `data` of a success.
    ///
    /// # Panics
    /// If it is not a success.
    #[track_caller]
    pub fn data(self) -> Value {
        self.ok()["data"].take()
    }

    /// The body of a response with this status.
    ///
    /// # Panics
    /// If it has another status.
    #[track_caller]
    pub fn with_status(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:#?}");
        self.body
    }
}
