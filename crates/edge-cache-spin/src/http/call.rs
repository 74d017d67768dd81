//! One request while it is served: its parts, its caller, and the connections of its instance.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use edge_cache::{Cache, HostRuntime, Observer, Redis};
use edge_cache_admin::admin::walks;
use edge_cache_admin::configuration::Configuration;
use edge_cache_admin::input::FileError;
use edge_cache_admin::{Error, Role};
use futures_util::{Stream, StreamExt};
use serde::Serialize;

use crate::auth::Caller;
use crate::config::Config;
use crate::configuration;
use crate::http::problem::Problem;
use crate::http::request::RequestHead;
use crate::http::request_body::{AnnouncedBody, UnreadBody};
use crate::http::request_id::random_id;
use crate::http::response::{DataBody, JSON_LINES, Response};
use crate::http::route::normalize_path;
use crate::http::timing::RedisTiming;
use crate::instance::Instance;
use crate::log;

/// A request being served.
pub struct Call {
    pub(crate) head: Rc<RequestHead>,
    body: RefCell<Option<UnreadBody>>,
    /// A body that was read and not taken yet.
    read_body: RefCell<Vec<u8>>,
    pub(crate) client_address: String,
    pub(crate) instance: Rc<Instance>,
    /// Set as soon as a token is recognised.
    pub(crate) caller: RefCell<Option<Caller>>,
    /// The id of the operation, from the moment at which its intent is recorded.
    pub(crate) operation_id: RefCell<Option<String>>,
    /// Failures beside the point of the request, for the response.
    pub(crate) warnings: RefCell<Vec<String>>,
    pub(crate) timing: RedisTiming,
}

impl Call {
    pub(crate) fn new(head: Rc<RequestHead>, body: UnreadBody, instance: Rc<Instance>) -> Self {
        Self {
            client_address: client_address(&head, &instance.config),
            head,
            body: RefCell::new(Some(body)),
            read_body: RefCell::default(),
            instance,
            caller: RefCell::new(None),
            operation_id: RefCell::new(None),
            warnings: RefCell::new(Vec::new()),
            timing: RedisTiming::default(),
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

    /// The part of the path after `prefix`, still percent-encoded; empty if the path does not start
    /// with it.
    pub fn path_after(&self, prefix: &str) -> &str {
        // Hosts ignore repeated leading slashes when they look for a route.
        let path = self.path().trim_start_matches('/');
        path.strip_prefix(prefix.trim_start_matches('/'))
            .unwrap_or_default()
    }

    /// The path as hosts compare it with a route: one leading slash, no trailing one.
    pub fn route_path(&self) -> &str {
        normalize_path(self.path())
    }

    /// The query string, still encoded; empty if there is none.
    pub fn query(&self) -> &str {
        self.head.query()
    }

    /// A header of the request; empty if there is none.
    pub fn header(&self, name: &str) -> String {
        self.head.header(name).unwrap_or_default()
    }

    /// True if the client requests server-sent events.
    pub fn wants_events(&self) -> bool {
        self.accepts("text/event-stream")
    }

    /// True if the client requests a JSON document a line.
    pub fn wants_lines(&self) -> bool {
        self.accepts(JSON_LINES)
    }

    fn accepts(&self, media_type: &str) -> bool {
        self.header("accept")
            .split(',')
            .any(|accepted| accepted.trim().starts_with(media_type))
    }

    /// Reads the body. A second call returns an empty one.
    ///
    /// # Errors
    /// 413 past 1 MiB, 400 if the body ends early.
    pub async fn body(&self) -> Result<Vec<u8>, Problem> {
        let Some(body) = self.body.borrow_mut().take() else {
            return Ok(self.read_body.take());
        };
        let announced = AnnouncedBody {
            length: self.header("content-length").parse().ok(),
            waits_for_permission: self.head.header("expect").is_some(),
        };

        body.read(&announced).await
    }

    /// Reads the body, and leaves it for [`Call::body`].
    ///
    /// # Errors
    /// Those of [`Call::body`].
    pub(crate) async fn peek_body(&self) -> Result<Vec<u8>, Problem> {
        let body = self.body().await?;
        self.read_body.replace(body.clone());
        Ok(body)
    }

    /// The request's id.
    pub fn request_id(&self) -> &str {
        &self.head.id
    }

    /// The name of the caller's token; `-` as long as no token was recognised.
    pub fn caller_name(&self) -> String {
        self.caller
            .borrow()
            .as_ref()
            .map_or_else(|| "-".to_owned(), |caller| caller.name.clone())
    }

    /// The role of the caller's token; that of a viewer as long as no token was recognised.
    pub fn role(&self) -> Role {
        let caller = self.caller.borrow();
        caller.as_ref().map_or(Role::Viewer, |caller| caller.role)
    }

    /// The component's settings.
    pub fn config(&self) -> &Config {
        &self.instance.config
    }

    /// How often instances ask for new fences.
    pub fn fence_interval(&self) -> Duration {
        self.config().cache.fence_interval
    }

    /// The cache as services use it, with the TTL table of the configuration file.
    ///
    /// # Errors
    /// 503 for a mistake in the TTL table of the configuration file.
    pub fn cache(&self) -> Result<&Cache<impl Redis + HostRuntime, impl Observer>, Problem> {
        let cache = self.instance.configured_cache();
        cache
            .map(Rc::as_ref)
            .map_err(|error| Problem::bad_file(&error))
    }

    /// Reads a section of the configuration file, such as `Configuration::plan`.
    ///
    /// # Errors
    /// 503 for a mistake in the file.
    pub fn configured<T>(
        &self,
        section: impl FnOnce(&Configuration<'static>) -> Result<T, FileError>,
    ) -> Result<T, Problem> {
        configuration::read(section).map_err(|error| Problem::bad_file(&error))
    }

    /// The Redis database of the cache. Its commands are counted in `server-timing`.
    pub fn redis(&self) -> impl Redis + HostRuntime {
        self.timing.measure(self.instance.redis.as_ref())
    }

    /// The Redis database of the cache, with a deadline `limit` after the request's arrival.
    pub fn redis_within(&self, limit: Duration) -> impl Redis {
        let remaining = self.remaining(limit);
        self.timing.measure(self.instance.redis.within(remaining))
    }

    /// The Redis database of the cache, for work that goes on after the handler returned.
    pub fn owned_redis(&self) -> impl Redis + HostRuntime + use<> {
        Rc::clone(&self.instance.redis)
    }

    /// The Redis database of the audit trail. Its commands are counted in `server-timing`.
    pub fn audit_redis(&self) -> impl Redis {
        self.timing.measure(self.instance.audit.as_ref())
    }

    /// The Redis database of the audit trail, for work that goes on after the handler returned.
    pub fn owned_audit_redis(&self) -> impl Redis + use<> {
        Rc::clone(&self.instance.audit)
    }

    /// Runs a read-only walk over the whole keyspace; see [`walks::run_admitted`].
    ///
    /// # Errors
    /// 429 if too many walks are running, 503 if it takes too long, and those of the walk.
    pub async fn run_walk<T>(
        &self,
        walk: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        walks::run_admitted(&self.audit_redis(), self.instance.redis.as_ref(), walk).await
    }

    /// The id of the operation; `None` before a change has begun.
    pub fn operation_id(&self) -> Option<String> {
        self.operation_id.borrow().clone()
    }

    /// `{"success": true, ...report, "timestamp": ...}`, with the id of the operation and the warnings
    /// of this call.
    pub fn respond(&self, report: impl Serialize) -> Response {
        Response::success(report, self.operation_id(), &self.warnings.borrow())
    }

    /// `{"success": true, "data": ..., "timestamp": ...}`, with the id of the operation and the
    /// warnings of this call.
    pub fn respond_with_data(&self, data: impl Serialize) -> Response {
        self.respond(DataBody { data })
    }

    /// So many bytes, sent piece by piece. A failure is logged, and cuts the response off, which the client
    /// notices by its `content-length`.
    pub fn respond_with_bytes(
        &self,
        length: u64,
        pieces: impl Stream<Item = Result<Vec<u8>, String>> + 'static,
    ) -> Response {
        let id = self.request_id().to_owned();
        let pieces = pieces.map(move |piece| {
            let report = |problem: &String| log::failure(&id, "response.cut", problem);
            piece.inspect_err(report).ok()
        });
        Response::bytes(length, Box::pin(pieces))
    }

    /// Returns 128 random bits in hexadecimal.
    pub fn random_id(&self) -> String {
        random_id()
    }

    /// The rest of a time limit that began when the request arrived.
    pub(crate) fn remaining(&self, limit: Duration) -> Duration {
        limit.saturating_sub(self.head.arrived.elapsed())
    }
}

fn client_address(head: &RequestHead, config: &Config) -> String {
    // The host appends its own header to those that a client sent under the same name, so only the
    // last one can be trusted.
    let peer = head.headers("spin-client-addr").pop().unwrap_or_default();
    let proxies = &config.proxies;
    let forwarded_for = if proxies.is_empty() {
        String::new()
    } else {
        head.headers("x-forwarded-for").join(",")
    };

    proxies.client_address(&peer, &forwarded_for)
}
