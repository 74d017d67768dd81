//! One request from arrival to answer: identity, method, body, errors, headers, and its line in the log.

use std::cell::RefCell;
use std::convert::Infallible;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use edge_cache::access::{Caller, Role, client_address};
use edge_cache::{Cache, KeyName, Redis, Runtime};
use futures_util::StreamExt;
use http::request::Parts;
use http_body_util::{BodyExt, StreamBody};
use serde::Serialize;
use spin_sdk::http::{FullBody, Request};
use spin_sdk::wasip3::http::types::{Fields, Response};
use spin_sdk::wasip3::http_compat::{BodyWriter, IncomingRequestBody};
use spin_sdk::wit_bindgen;

use crate::Outcome;
use crate::answer::{Answer, Body, Events};
use crate::config::Config;
use crate::instance::{Instance, instance};
use crate::log;
use crate::problem::Problem;
use crate::timing::Timing;

/// The largest body accepted, in bytes.
const MAX_BODY: usize = 1 << 20;
/// Up to here a body that is too large is read and dropped: a client that is still sending would not see the answer.
const MAX_DRAINED: usize = 16 << 20;
/// The longest request id taken over from a client.
const MAX_REQUEST_ID: usize = 128;

type Frames = std::pin::Pin<Box<dyn futures_util::Stream<Item = Result<http_body::Frame<Bytes>, Infallible>>>>;

fn streamed(events: Events) -> StreamBody<Frames> {
    StreamBody::new(Box::pin(events.map(|event| Ok(http_body::Frame::data(event.into())))))
}

/// A request being served.
pub struct Call {
    pub(crate) body: RefCell<Option<IncomingRequestBody>>,
    pub(crate) parts: Parts,
    pub(crate) request_id: String,
    pub(crate) ip: String,
    pub(crate) instance: Rc<Instance>,
    pub(crate) caller: RefCell<Option<Caller>>,
    pub(crate) warnings: RefCell<Vec<String>>,
    pub(crate) timing: Timing,
    pub(crate) started: Instant,
}

/// What is known of a call once it was handled.
#[derive(Default)]
struct Handled {
    who: String,
    /// Of whoever's token was recognised.
    role: Option<Role>,
    ip: String,
    timing: Option<String>,
}

/// Serves a request: refuses methods that are not `allowed`, runs the handler, and renders what comes of it.
///
/// Every answer has a request id, `cache-control: no-store` and a `content-length`; every failure is a problem body. One for
/// which Redis was asked says in `server-timing` how often and how long.
pub async fn serve(request: Request, allowed: &[&str], handler: impl AsyncFnOnce(&Call) -> Outcome) -> Response {
    let started = Instant::now();
    let (parts, body) = request.into_parts();
    let request_id = request_id(&parts.headers);
    let head = Head { method: parts.method.to_string(), path: parts.uri.path().to_owned(), request_id, started };
    let mut handled = Handled::default();
    let outcome = match (instance().await, is_allowed(&head.method, allowed)) {
        (Err(bad), _) => Err(Problem::bad_variable(&bad)),
        (Ok(_), false) => Err(Problem::method_not_allowed(&head.method, allowed)),
        (Ok(instance), true) => {
            let call = Call::new(parts, body, &head, instance);
            let outcome = handler(&call).await;
            let role = call.caller.borrow().as_ref().map(|caller| caller.role);
            handled = Handled { who: call.who(), role, timing: call.timing.header(), ip: call.ip };
            outcome
        }
    };
    head.respond(outcome, &handled)
}

fn is_allowed(method: &str, allowed: &[&str]) -> bool {
    allowed.contains(&method) || (method == "HEAD" && allowed.contains(&"GET"))
}

/// The client's own id where it is a plain one, else a random one.
fn request_id(headers: &http::HeaderMap) -> String {
    let given = headers.get("x-request-id").and_then(|value| value.to_str().ok());
    let plain = |id: &&str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
        (1..=MAX_REQUEST_ID).contains(&id.len()) && id.bytes().all(allowed)
    };
    given.filter(plain).map_or_else(random_id, str::to_owned)
}

/// 128 random bits in hexadecimal.
fn random_id() -> String {
    let mut bytes = [0_u8; 16];
    // Without randomness ids repeat, which harms nobody but the reader of the log.
    let _ = getrandom::fill(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What is known of a request before anything is checked.
struct Head {
    method: String,
    path: String,
    request_id: String,
    started: Instant,
}

impl Head {
    fn respond(&self, outcome: Outcome, handled: &Handled) -> Response {
        let (status, content_type, body, headers) = match outcome {
            Ok(answer) => (answer.status, answer.content_type, answer.body, answer.headers),
            Err(problem) => {
                if problem.status >= 500 {
                    log::failure(&self.request_id, "request.failed", problem.detail());
                }
                let body = problem.body(&self.request_id).to_string().into();
                (problem.status, "application/problem+json", Body::Whole(body), problem.headers)
            }
        };
        log::served(&log::Served {
            request_id: &self.request_id,
            method: &self.method,
            path: &self.path,
            status,
            duration_ms: (self.started.elapsed().as_secs_f64() * 1e6).round() / 1e3,
            who: &handled.who,
            ip: &handled.ip,
        });
        let mut fields: Vec<(String, Vec<u8>)> = Vec::with_capacity(8 + headers.len());
        let mut field = |name: &str, value: &str| fields.push((name.to_owned(), value.as_bytes().to_vec()));
        field("x-content-type-options", "nosniff");
        field("x-request-id", &self.request_id);
        // An answer without a body has nothing to describe.
        if status != 304 {
            field("content-type", content_type);
            if let Body::Whole(whole) = &body {
                field("content-length", &whole.len().to_string());
            }
        }
        if !headers.iter().any(|(name, _)| *name == "cache-control") {
            field("cache-control", "no-store");
        }
        if let Some(role) = handled.role {
            field("x-caller", &handled.who);
            field("x-caller-role", role.name());
        }
        if let Some(timing) = &handled.timing {
            field("server-timing", timing);
        }
        for (name, value) in &headers {
            field(name, value);
        }
        response(status, &fields, body)
    }
}

fn response(status: u16, fields: &[(String, Vec<u8>)], body: Body) -> Response {
    let (writer, contents, trailers) = BodyWriter::new();
    // All names and values are valid; an answer without any is the fallback that cannot fail.
    let headers = Fields::from_list(fields).unwrap_or_else(|_| Fields::new());
    let (response, _sent) = Response::new(headers, Some(contents), trailers);
    let _ = response.set_status_code(status);
    // A client that goes away before the end is its own business.
    wit_bindgen::spawn(async move {
        let _ = match body {
            Body::Whole(whole) => writer.send_http_body(&mut FullBody::new(whole)).await,
            Body::Events(events) => writer.send_http_body(&mut streamed(events)).await,
        };
    });
    response
}

impl Call {
    fn new(parts: Parts, body: IncomingRequestBody, head: &Head, instance: Rc<Instance>) -> Self {
        // The host appends its own to what a client may have sent under the same name: only the last is the host's word.
        let peer = parts.headers.get_all("spin-client-addr").iter().next_back();
        let peer = peer.and_then(|value| value.to_str().ok()).unwrap_or("");
        let hops = parts.headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
        let hops = hops.collect::<Vec<_>>().join(",");
        let ip = client_address(peer, &hops, instance.config.trusted_proxies);
        Self {
            ip,
            body: RefCell::new(Some(body)),
            parts,
            request_id: head.request_id.clone(),
            instance,
            caller: RefCell::new(None),
            warnings: RefCell::new(Vec::new()),
            timing: Timing::default(),
            started: head.started,
        }
    }

    /// The request's method.
    pub fn method(&self) -> &str {
        self.parts.method.as_str()
    }

    /// The path, still percent-encoded.
    pub fn path(&self) -> &str {
        self.parts.uri.path()
    }

    /// The query string, still encoded; empty where there is none.
    pub fn query(&self) -> &str {
        self.parts.uri.query().unwrap_or("")
    }

    /// A header of the request; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    /// The key named by what follows `prefix` in the path, decoded to bytes; `None` when the path is not below it.
    pub fn key_below(&self, prefix: &str) -> Option<KeyName> {
        // The host drops slashes before a path when it looks for a route.
        let path = self.path().trim_start_matches('/');
        let segment = path.strip_prefix(prefix.trim_start_matches('/'))?;
        Some(KeyName::new(percent_encoding::percent_decode_str(segment).collect::<Vec<u8>>()))
    }

    /// The request's id.
    pub fn request_id(&self) -> &str {
        &self.request_id
    }

    /// Whose token it came with, `-` before or without recognition.
    pub fn who(&self) -> String {
        self.caller.borrow().as_ref().map_or_else(|| "-".to_owned(), |caller| caller.name.clone())
    }

    /// The component's settings.
    pub fn config(&self) -> &Config {
        &self.instance.config
    }

    /// The cache's database.
    pub fn cache(&self) -> impl Redis + Runtime {
        self.timing.of(self.instance.cache.as_ref())
    }

    /// The cache's database, for what goes on after the call.
    pub fn cache_kept(&self) -> impl Redis + Runtime + use<> {
        Rc::clone(&self.instance.cache)
    }

    /// Whether the client asks for server-sent events.
    pub fn wants_events(&self) -> bool {
        let accept = self.parts.headers.get("accept").and_then(|value| value.to_str().ok());
        accept.is_some_and(|accept| accept.split(',').any(|kind| kind.trim().starts_with("text/event-stream")))
    }

    /// The cache as services use it.
    pub fn read_through(&self) -> &Cache<impl Redis + Runtime> {
        &self.instance.read_through
    }

    /// The cache's database, with the whole answer due within `limit` of the request's arrival.
    pub fn cache_within(&self, limit: Duration) -> impl Redis {
        self.timing.of(self.instance.cache.within(limit.saturating_sub(self.started.elapsed())))
    }

    /// The audit trail's database.
    pub fn audit(&self) -> impl Redis {
        self.timing.of(&self.instance.audit)
    }

    /// Reads the body, once.
    ///
    /// # Errors
    /// 413 past 1 MiB, 400 when it breaks off.
    pub async fn body(&self) -> Result<Vec<u8>, Problem> {
        let declared =
            self.parts.headers.get("content-length").and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        let asks_first = self.parts.headers.contains_key("expect");
        if declared.is_some_and(|length| length > if asks_first { MAX_BODY } else { MAX_DRAINED }) {
            return Err(Problem::body_too_large(MAX_BODY));
        }
        let Some(mut body) = self.body.borrow_mut().take() else { return Ok(Vec::new()) };
        let (mut read, mut length) = (Vec::with_capacity(declared.unwrap_or(0).min(MAX_BODY)), 0);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| Problem::body_unreadable(&error.to_string()))?;
            let Ok(data) = frame.into_data() else { continue };
            length += data.len();
            if length <= MAX_BODY {
                read.extend_from_slice(&data);
            } else if length <= MAX_DRAINED {
                read.clear();
            } else {
                break;
            }
        }
        if length > MAX_BODY { Err(Problem::body_too_large(MAX_BODY)) } else { Ok(read) }
    }

    /// `{"success": true, ...report, "timestamp": ...}`, with the warnings gathered so far.
    pub fn report(&self, report: impl Serialize) -> Answer {
        Answer::report(report, &self.warnings.borrow())
    }

    /// A value that nobody else has.
    pub fn random(&self) -> String {
        random_id()
    }
}
