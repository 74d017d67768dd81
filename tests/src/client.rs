//! A client that trusts nothing: every answer is held against the contract before a test sees it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use serde_json::Value;
use ureq::Agent;
use ureq::http::Request;

use crate::caller::Caller;
use crate::contract::{Observed, contract};

/// The path all routes are under.
pub const BASE: &str = "/api/cache";
/// Longer than any answer may take; what was promised is asserted where it was.
const PATIENCE: Duration = Duration::from_secs(120);

/// Sends requests in one caller's name.
#[derive(Debug, Clone)]
pub struct Client {
    agent: Agent,
    origin: String,
    caller: Caller,
    headers: Vec<(String, String)>,
}

/// A checked answer.
#[derive(Debug)]
pub struct Answer {
    /// What was asked.
    pub request: String,
    /// The status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The body; null for the answer to `HEAD`, a string where it is text.
    pub body: Value,
    /// How long it took.
    pub took: Duration,
}

impl Client {
    pub(crate) fn new(address: &str, caller: Caller) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .max_redirects(0)
            .proxy(None)
            .timeout_global(Some(PATIENCE));
        Self { agent: config.build().into(), origin: format!("http://{address}"), caller, headers: Vec::new() }
    }

    /// Sends this header with every request.
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// `GET` of a path below [`BASE`].
    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", &format!("{BASE}{path}"), None)
    }

    /// `POST` of JSON to a path below [`BASE`].
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", &format!("{BASE}{path}"), Some(body.to_string().as_bytes()))
    }

    /// `DELETE` with JSON of a path below [`BASE`].
    pub fn delete(&self, path: &str, body: &Value) -> Answer {
        self.send("DELETE", &format!("{BASE}{path}"), Some(body.to_string().as_bytes()))
    }

    /// `PATCH` with JSON of a path below [`BASE`].
    pub fn patch(&self, path: &str, body: &Value) -> Answer {
        self.send("PATCH", &format!("{BASE}{path}"), Some(body.to_string().as_bytes()))
    }

    /// Any method, whole path and body.
    ///
    /// # Panics
    /// When there is no answer, or one that is not as the contract says.
    pub fn send(&self, method: &str, path: &str, body: Option<&[u8]>) -> Answer {
        let request_id = self.given("x-request-id").map_or_else(next_id, str::to_owned);
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.origin));
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
            Some(body) => self.agent.run(request.body(body).expect("a well-formed request")),
            None => self.agent.run(request.body(()).expect("a well-formed request")),
        };
        let response = sent.unwrap_or_else(|error| panic!("{method} {path}: no answer: {error}"));
        let status = response.status().as_u16();
        let headers = headers(response.headers());
        let bytes = response.into_body().into_with_config().limit(1 << 30).read_to_vec();
        let bytes = bytes.unwrap_or_else(|error| panic!("{method} {path}: the answer breaks off: {error}"));
        let took = started.elapsed();
        let answer = Answer::new(format!("{method} {path}"), status, headers, &bytes, took);
        answer.check(method, path, &bytes, &request_id);
        answer
    }

    /// Follows server-sent events of a path below [`BASE`] to their end: names and data.
    ///
    /// # Panics
    /// When there is no stream, or something in it is no event with JSON.
    pub fn events(&self, path: &str) -> Vec<(String, Value)> {
        let mut request = Request::builder().uri(format!("{}{BASE}{path}", self.origin));
        request = request.header("accept", "text/event-stream");
        if let Some(token) = self.caller.token() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let response = self.agent.run(request.body(()).expect("a well-formed request")).expect("an answer");
        let headers = headers(response.headers());
        assert_eq!((response.status().as_u16(), headers["content-type"].as_str()), (200, "text/event-stream"));
        assert_eq!(headers["cache-control"], "no-store");
        let text = response.into_body().read_to_string().expect("a stream that ends");
        let event = |event: &str| {
            let (name, data) = event.split_once("\ndata: ").expect("an event with data");
            let name = name.strip_prefix("event: ").expect("an event with a name");
            (name.to_owned(), serde_json::from_str(data).expect("JSON data"))
        };
        text.split_terminator("\n\n").map(event).collect()
    }

    fn given(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// Any bytes as a value of a query or a segment of a path.
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    percent_encode(bytes.as_ref(), NON_ALPHANUMERIC).to_string()
}

fn next_id() -> String {
    static SENT: AtomicU64 = AtomicU64::new(1);
    format!("test-{}", SENT.fetch_add(1, Ordering::Relaxed))
}

fn headers(all: &ureq::http::HeaderMap) -> BTreeMap<String, String> {
    all.iter().map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())).collect()
}

impl Answer {
    fn new(request: String, status: u16, headers: BTreeMap<String, String>, bytes: &[u8], took: Duration) -> Self {
        let is_text = headers.get("content-type").is_some_and(|kind| kind.starts_with("text/"));
        let body = match bytes {
            [] => Ok(Value::Null),
            text if is_text => Ok(Value::String(String::from_utf8_lossy(text).into_owned())),
            json => serde_json::from_slice(json),
        };
        let body =
            body.unwrap_or_else(|error| panic!("{request}: {status}: not JSON ({error}): {}", bytes.escape_ascii()));
        Self { request, status, headers, body, took }
    }

    /// What holds for every answer; the schema says the rest.
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
        let length = self.header("content-length").and_then(|length| length.parse().ok());
        assert!(is_head || length == Some(bytes.len()), "content-length is wrong: {self:#?}");
        let id = self.header("x-request-id").unwrap_or_default();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        if (1..=128).contains(&sent_id.len()) && sent_id.bytes().all(plain) {
            assert_eq!(id, sent_id, "the request's own id must come back: {self:#?}");
        } else {
            assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "no id was made: {self:#?}");
        }
        if content_type == "application/problem+json" && !is_head {
            assert_eq!((&self.body["status"], &self.body["requestId"]), (&self.status.into(), &id.into()), "{self:#?}");
        }
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The body of a success.
    ///
    /// # Panics
    /// When it is something else.
    #[track_caller]
    pub fn ok(self) -> Value {
        self.with_status(200)
    }

    /// `data` of a success.
    ///
    /// # Panics
    /// When it is something else.
    #[track_caller]
    pub fn data(self) -> Value {
        self.ok()["data"].take()
    }

    /// The body of an answer with this status.
    ///
    /// # Panics
    /// When it has another.
    #[track_caller]
    pub fn with_status(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:#?}");
        self.body
    }
}
