//! The server: routing, and the responses of the host itself.

use std::collections::HashMap;
use std::fmt::Display;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Instant;

use anyhow::Result;
use futures_util::future::BoxFuture;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response, StatusCode};
use wasmtime::PoolConcurrencyLimitError;
use wasmtime_wasi_http::handler::{ExpirationError, InstantiationError, ProxyHandler};
use wasmtime_wasi_http::{Error, WasiBody};

use super::headers::{self, Matched};
use super::instance_queue::QueuePlace;
use super::pool::{Pool, Reuse};
use super::problem::{REQUEST_ID, body, empty, problem, unavailable};
use crate::component::Component;
use crate::log;
use crate::manifest::{HttpTrigger, Manifest, Route, StaticResponse};
use crate::outbound_http::OwnApplication;
use crate::routes::{Routes, WELL_KNOWN_PREFIX};

/// The client address of a chained request, as in Spin.
const CHAINED_CLIENT: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), 0);

/// An application behind HTTP, with instances of its own. Each serving thread has one.
pub struct Server {
    application: Arc<Application>,
    pools: HashMap<String, ProxyHandler<Pool>>,
}

/// The part of an application that its servers share.
struct Application {
    routes: Routes<Target>,
    components: Vec<Arc<Component>>,
    info: String,
    address: OnceLock<SocketAddr>,
    reuse: Reuse,
    /// Logged when no instance is free.
    full: log::RateLimitedError,
}

/// The target of a route.
enum Target {
    Component(String),
    Static(StaticResponse),
}

impl Target {
    fn of(trigger: &HttpTrigger) -> Option<Self> {
        if let Some(id) = trigger.component() {
            return Some(Self::Component(id.to_owned()));
        }
        let response = trigger.static_response.clone()?;
        Some(Self::Static(response))
    }
}

impl Server {
    /// Checks and prepares every HTTP trigger.
    ///
    /// # Errors
    /// An invalid or duplicate route.
    pub fn new(
        manifest: &Manifest,
        components: &HashMap<String, Arc<Component>>,
        reuse: Reuse,
    ) -> Result<Arc<Self>> {
        let mut routes = Vec::new();
        let mut served = HashMap::new();
        for trigger in &manifest.triggers.http {
            let Some(target) = Target::of(trigger) else {
                continue;
            };
            if let Target::Component(id) = &target
                && let Some(component) = components.get(id)
            {
                served.insert(id.clone(), component.clone());
            }
            if let Route::Public(route) = &trigger.route {
                routes.push((route.clone(), target));
            }
        }

        Ok(Self::with_own_instances(Arc::new(Application {
            routes: Routes::build(routes)?,
            components: served.into_values().collect(),
            info: info(manifest),
            address: OnceLock::new(),
            reuse,
            full: log::RateLimitedError::default(),
        })))
    }

    fn with_own_instances(application: Arc<Application>) -> Arc<Self> {
        Arc::new_cyclic(|own: &Weak<Self>| {
            let pool = |component: &Arc<Component>| {
                let pool = Pool::new(component.clone(), application.reuse, own.clone());
                (component.id.clone(), ProxyHandler::new(pool))
            };
            Self {
                pools: application.components.iter().map(pool).collect(),
                application,
            }
        })
    }

    /// Returns the same application with other instances.
    pub fn for_another_thread(&self) -> Arc<Self> {
        Self::with_own_instances(self.application.clone())
    }

    /// Sets the address on which the application listens. The first call counts.
    pub fn set_address(&self, address: SocketAddr) {
        let _ = self.application.address.set(address);
    }

    /// Compiles every component before a request needs it.
    ///
    /// # Errors
    /// A component that does not compile, or handles no HTTP requests.
    pub async fn prepare(&self) -> Result<()> {
        for pool in self.pools.values() {
            pool.state().prepare().await?;
        }
        Ok(())
    }

    /// Iterates over all routes with the ids of their components.
    pub fn routes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.application
            .routes
            .iter()
            .map(|(route, target)| match target {
                Target::Component(id) => (route, id.as_str()),
                Target::Static(_) => (route, "(static response)"),
            })
    }

    /// Handles one request.
    pub async fn handle(
        &self,
        mut request: Request<WasiBody>,
        client: SocketAddr,
    ) -> Response<WasiBody> {
        headers::strip(request.headers_mut());
        let path = request.uri().path().to_owned();
        if let Some(name) = path.strip_prefix(WELL_KNOWN_PREFIX) {
            return self.well_known(name);
        }
        let Some(found) = self.application.routes.find(&path) else {
            return empty(StatusCode::NOT_FOUND);
        };

        let checked =
            headers::check(request.headers()).and_then(|()| headers::complete_uri(&mut request));
        if let Err(error) = checked {
            let request_id = request.headers().get(REQUEST_ID);
            return problem(StatusCode::BAD_REQUEST, &error.to_string(), request_id);
        }

        match found.target() {
            Target::Component(id) => self.run(id, request, &Matched::from(&found), client).await,
            Target::Static(response) => static_response(response),
        }
    }

    fn well_known(&self, name: &str) -> Response<WasiBody> {
        match name {
            "health" => Response::new(body("OK")),
            "info" => {
                let mut response = Response::new(body(self.application.info.clone()));
                response
                    .headers_mut()
                    .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                response
            }
            _ => empty(StatusCode::NOT_FOUND),
        }
    }

    /// Passes a request to a component, and answers for the component if it fails.
    async fn run(
        &self,
        id: &str,
        mut request: Request<WasiBody>,
        matched: &Matched,
        client: SocketAddr,
    ) -> Response<WasiBody> {
        let Some(pool) = self.pools.get(id) else {
            return empty(StatusCode::INTERNAL_SERVER_ERROR);
        };
        let failing = FailingRequest {
            component_id: id,
            route: &matched.based,
            request_id: request.headers().get(REQUEST_ID).cloned(),
        };
        headers::add(&mut request, matched, client);

        // Time for compiling and queueing does not count as the component's.
        let place = match pool.state().wait_for_instance().await {
            Ok(place) => place,
            Err(error) => return failing.component_failed(&format_args!("{error:#}")),
        };

        let started = Instant::now();
        match pool.handle(place, request).await {
            Ok(response) => response,
            Err(error) if self.has_timed_out(&error, started) => failing.timed_out(),
            Err(error) if is_full(&error) => failing.found_no_instance(&self.application, &error),
            Err(error) => failing.component_failed(&error),
        }
    }

    /// Returns true if a request failed because of its time limit. A component that never yields
    /// ends with its instance, which looks like a trap.
    fn has_timed_out(&self, error: &wasmtime::Error, started: Instant) -> bool {
        let limit = self.application.reuse.request_timeout;
        error.is::<ExpirationError>() || limit.is_some_and(|limit| started.elapsed() >= limit)
    }
}

/// A request whose component has not responded: the responses of the host, with their log lines.
struct FailingRequest<'a> {
    component_id: &'a str,
    route: &'a str,
    request_id: Option<HeaderValue>,
}

impl FailingRequest<'_> {
    fn component_failed(&self, error: &dyn Display) -> Response<WasiBody> {
        let Self {
            component_id,
            route,
            request_id,
        } = self;
        log::error(format_args!(
            "component `{component_id}` failed on {route}: {error}"
        ));
        let detail = "the component failed; the log of the host has the reason";

        problem(
            StatusCode::INTERNAL_SERVER_ERROR,
            detail,
            request_id.as_ref(),
        )
    }

    fn timed_out(&self) -> Response<WasiBody> {
        let Self {
            component_id,
            route,
            request_id,
        } = self;
        log::error(format_args!(
            "component `{component_id}` did not answer {route} in time"
        ));
        let detail = "the component did not answer in time";
        problem(StatusCode::GATEWAY_TIMEOUT, detail, request_id.as_ref())
    }

    fn found_no_instance(
        &self,
        application: &Application,
        error: &wasmtime::Error,
    ) -> Response<WasiBody> {
        let component_id = self.component_id;
        application.full.log(format_args!(
            "no room for another instance of component `{component_id}`: {error}"
        ));
        let detail = "the host serves as many requests as it can; try again shortly";
        unavailable(detail, self.request_id.as_ref())
    }
}

/// Returns true if a request failed only because all instances are in use.
fn is_full(error: &wasmtime::Error) -> bool {
    let failed = error.downcast_ref::<InstantiationError<Option<QueuePlace>>>();
    let cause = failed.map_or(error, |failed| failed.error.as_ref());
    cause.is::<PoolConcurrencyLimitError>()
}

/// Returns the body of `/.well-known/spin/info`.
fn info(manifest: &Manifest) -> String {
    let application = &manifest.application;
    let mut info = serde_json::json!({ "name": application.name });
    if !application.version.is_empty() {
        info["version"] = application.version.as_str().into();
    }
    format!("{info:#}")
}

fn static_response(declared: &StaticResponse) -> Response<WasiBody> {
    let mut builder = Response::builder().status(declared.status_code.unwrap_or(200));
    for (name, value) in &declared.headers {
        builder = builder.header(name, value);
    }

    let body = body(declared.body.clone().unwrap_or_default());
    builder
        .body(body)
        .unwrap_or_else(|_| empty(StatusCode::INTERNAL_SERVER_ERROR))
}

impl OwnApplication for Server {
    fn address(&self) -> SocketAddr {
        self.application
            .address
            .get()
            .copied()
            .unwrap_or(CHAINED_CLIENT)
    }

    fn call(
        self: Arc<Self>,
        component: String,
        mut request: Request<WasiBody>,
    ) -> BoxFuture<'static, Result<Response<WasiBody>, Error>> {
        Box::pin(async move {
            if !self.pools.contains_key(&component) {
                return Err(Error::DestinationNotFound);
            }

            headers::complete_uri(&mut request).map_err(|_| Error::HttpRequestUriInvalid)?;
            request.headers_mut().remove(http::header::HOST);
            let matched = Matched::chained(request.uri().path());

            Ok(self
                .run(&component, request, &matched, CHAINED_CLIENT)
                .await)
        })
    }
}
