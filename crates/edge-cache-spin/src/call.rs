//! One request from arrival to answer: identity, method, body, errors, headers, and its line in the log.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use edge_cache::access::{Caller, Role, client_address};
use edge_cache::{Cache, KeyName, Redis, Runtime};
use futures_util::StreamExt;
use http_body_util::BodyExt;
use serde::Serialize;
use spin_sdk::wasip3::http::types::{ErrorCode, Fields, Response};
use spin_sdk::wasip3::{wit_bindgen, wit_future, wit_stream};

use crate::Outcome;
use crate::answer::{Answer, Body};
use crate::config::Config;
use crate::instance::{Instance, instance};
use crate::log;
use crate::problem::Problem;
use crate::request::{Head, Request, Unread, random_id};
use crate::timing::Timing;

/// The largest body accepted, in bytes.
const MAX_BODY: usize = 1 << 20;
/// Up to here a body that is too large is read and dropped: a client that is still sending would not see the answer.
const MAX_DRAINED: usize = 16 << 20;

/// A request being served.
pub struct Call {
    pub(crate) head: Rc<Head>,
    body: RefCell<Option<Unread>>,
    pub(crate) ip: String,
    pub(crate) instance: Rc<Instance>,
    pub(crate) caller: RefCell<Option<Caller>>,
    pub(crate) warnings: RefCell<Vec<String>>,
    pub(crate) timing: Timing,
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
    let Request { head, body } = request;
    let mut handled = Handled::default();
    let outcome = match (instance().await, is_allowed(head.method(), allowed)) {
        (Err(bad), _) => Err(Problem::bad_variable(&bad)),
        (Ok(_), false) => Err(Problem::method_not_allowed(head.method(), allowed)),
        (Ok(instance), true) => {
            let call = Call::new(Rc::clone(&head), body, instance);
            let outcome = handler(&call).await;
            let role = call.caller.borrow().as_ref().map(|caller| caller.role);
            handled = Handled { who: call.who(), role, timing: call.timing.header(), ip: call.ip };
            outcome
        }
    };
    respond(&head, outcome, &handled)
}

fn is_allowed(method: &str, allowed: &[&str]) -> bool {
    allowed.contains(&method) || (method == "HEAD" && allowed.contains(&"GET"))
}

fn respond(head: &Head, outcome: Outcome, handled: &Handled) -> Response {
    let (status, content_type, body, headers) = match outcome {
        Ok(answer) => (answer.status, answer.content_type, answer.body, answer.headers),
        Err(problem) => {
            if problem.status >= 500 {
                log::failure(&head.id, "request.failed", problem.detail());
            }
            let body = problem.body(&head.id).to_string().into();
            (problem.status, "application/problem+json", Body::Whole(body), problem.headers)
        }
    };
    log::served(&log::Served {
        request_id: &head.id,
        method: head.method(),
        path: head.path(),
        status,
        duration_ms: (head.started.elapsed().as_secs_f64() * 1e6).round() / 1e3,
        who: &handled.who,
        ip: &handled.ip,
    });
    let mut fields: Vec<(String, Vec<u8>)> = Vec::with_capacity(8 + headers.len());
    let mut field = |name: &str, value: &str| fields.push((name.to_owned(), value.as_bytes().to_vec()));
    field("x-content-type-options", "nosniff");
    field("x-request-id", &head.id);
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

fn response(status: u16, fields: &[(String, Vec<u8>)], body: Body) -> Response {
    // All names and values are valid; an answer without any is the fallback that cannot fail.
    let headers = Fields::from_list(fields).unwrap_or_else(|_| Fields::new());
    let (mut contents, reader) = wit_stream::new();
    let (ended, trailers) = wit_future::new(|| Err(ErrorCode::InternalError(None)));
    let (response, _sent) = Response::new(headers, Some(reader), trailers);
    if status != 200 {
        let _ = response.set_status_code(status);
    }
    // A client that goes away before the end is its own business.
    wit_bindgen::spawn(async move {
        match body {
            // An answer such as 304 has nothing to write.
            Body::Whole(whole) if whole.is_empty() => {}
            Body::Whole(whole) => drop(contents.write_all(whole.into()).await),
            Body::Events(mut events) => {
                while let Some(event) = events.next().await {
                    if !contents.write_all(event.into()).await.is_empty() {
                        break;
                    }
                }
            }
        }
        drop(contents);
        let _ = ended.write(Ok(None)).await;
    });
    response
}

impl Call {
    fn new(head: Rc<Head>, body: Unread, instance: Rc<Instance>) -> Self {
        // The host appends its own to what a client may have sent under the same name: only the last is the host's word.
        let peer = head.headers("spin-client-addr").pop().unwrap_or_default();
        let proxies = instance.config.trusted_proxies;
        let hops = if proxies > 0 { head.headers("x-forwarded-for").join(",") } else { String::new() };
        let ip = client_address(&peer, &hops, proxies);
        Self {
            ip,
            head,
            body: RefCell::new(Some(body)),
            instance,
            caller: RefCell::new(None),
            warnings: RefCell::new(Vec::new()),
            timing: Timing::default(),
        }
    }

    /// The request's method.
    pub fn method(&self) -> &str {
        self.head.method()
    }

    /// The path, still percent-encoded.
    pub fn path(&self) -> &str {
        self.head.path()
    }

    /// The query string, still encoded; empty where there is none.
    pub fn query(&self) -> &str {
        self.head.query()
    }

    /// A header of the request; empty where there is none.
    pub fn header(&self, name: &str) -> String {
        self.head.header(name).unwrap_or_default()
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
        &self.head.id
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
        self.head
            .header("accept")
            .is_some_and(|accept| accept.split(',').any(|kind| kind.trim().starts_with("text/event-stream")))
    }

    /// The cache as services use it.
    pub fn read_through(&self) -> &Cache<impl Redis + Runtime> {
        &self.instance.read_through
    }

    /// The cache's database, with the whole answer due within `limit` of the request's arrival.
    pub fn cache_within(&self, limit: Duration) -> impl Redis {
        self.timing.of(self.instance.cache.within(limit.saturating_sub(self.head.started.elapsed())))
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
        let declared = self.head.header("content-length").and_then(|value| value.parse::<usize>().ok());
        let asks_first = self.head.header("expect").is_some();
        if declared.is_some_and(|length| length > if asks_first { MAX_BODY } else { MAX_DRAINED }) {
            return Err(Problem::body_too_large(MAX_BODY));
        }
        let Some(body) = self.body.borrow_mut().take() else { return Ok(Vec::new()) };
        let unreadable = |error: ErrorCode| Problem::body_unreadable(&error.to_string());
        let mut body = body.open().map_err(unreadable)?;
        let (mut read, mut length) = (Vec::with_capacity(declared.unwrap_or(0).min(MAX_BODY)), 0);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(unreadable)?;
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
