//! The server: routing, and the answers of the host itself.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Instant;

use anyhow::{Context as _, Result};
use futures_util::future::BoxFuture;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Request, Response, StatusCode};
use tokio::net::TcpListener;
use wasmtime::PoolConcurrencyLimitError;
use wasmtime_wasi_http::handler::{ExpirationError, InstantiationError, ProxyHandler};
use wasmtime_wasi_http::{Error, WasiBody};

use super::entrance::Entering;
use super::headers::{self, BadRequest, Matched};
use super::listening::Listening;
use super::pool::{Pool, Reuse};
use super::problem::{REQUEST_ID, body, empty, problem};
use crate::component::Component;
use crate::log;
use crate::manifest::{Manifest, Route, StaticResponse};
use crate::outbound_http::OwnApplication;
use crate::routes::{Routes, WELL_KNOWN_PREFIX};

/// Where a chained request says it comes from, as in Spin.
const CHAINED_CLIENT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), 0);

/// An application behind HTTP, with instances of its own: every thread that serves has one.
pub struct Server {
    application: Arc<Application>,
    pools: HashMap<String, ProxyHandler<Pool>>,
}

/// What the servers of an application share.
struct Application {
    routes: Routes<Target>,
    components: Vec<Arc<Component>>,
    info: String,
    address: OnceLock<SocketAddr>,
    reuse: Reuse,
    /// What is said when there is no room.
    full: log::Seldom,
}

/// What answers a route.
enum Target {
    Component(String),
    Static(StaticResponse),
}

impl Server {
    /// Checks and prepares every HTTP trigger.
    ///
    /// # Errors
    /// A bad or doubled route.
    pub fn new(manifest: &Manifest, components: &HashMap<String, Arc<Component>>, reuse: Reuse) -> Result<Arc<Self>> {
        let mut routes = Vec::new();
        let mut served = HashMap::new();
        for trigger in &manifest.triggers.http {
            let target = match (trigger.component(), &trigger.static_response) {
                (Some(id), _) => Target::Component(id.to_owned()),
                (None, Some(response)) => Target::Static(response.clone()),
                (None, None) => continue,
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
        let mut info = serde_json::json!({ "name": manifest.application.name });
        if !manifest.application.version.is_empty() {
            info["version"] = manifest.application.version.as_str().into();
        }
        Ok(Self::of(Arc::new(Application {
            routes: Routes::build(routes)?,
            components: served.into_values().collect(),
            info: format!("{info:#}"),
            address: OnceLock::new(),
            reuse,
            full: log::Seldom::default(),
        })))
    }

    fn of(application: Arc<Application>) -> Arc<Self> {
        Arc::new_cyclic(|own: &Weak<Self>| {
            let pool = |component: &Arc<Component>| {
                let pool = Pool::new(component.clone(), application.reuse, own.clone());
                (component.id.clone(), ProxyHandler::new(pool))
            };
            Self { pools: application.components.iter().map(pool).collect(), application }
        })
    }

    /// The same application with other instances.
    pub fn again(&self) -> Arc<Self> {
        Self::of(self.application.clone())
    }

    /// Compiles every component before there is a request for it.
    ///
    /// # Errors
    /// A component that does not compile, or handles no HTTP requests.
    pub async fn prepare(&self) -> Result<()> {
        for pool in self.pools.values() {
            pool.state().prepare().await?;
        }
        Ok(())
    }

    /// Every route with the component behind it, if there is one.
    pub fn routes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.application.routes.iter().map(|(route, target)| match target {
            Target::Component(id) => (route, id.as_str()),
            Target::Static(_) => (route, "(static response)"),
        })
    }

    /// Takes the address; requests are served from [`Listening::serve`] on.
    ///
    /// # Errors
    /// The address is in use or not this machine's.
    pub async fn listen(self: Arc<Self>, address: SocketAddr) -> Result<Listening> {
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("cannot listen on {address}; choose another address with --listen"))?;
        // Nothing else sets it.
        let _ = self.application.address.set(listener.local_addr()?);
        Ok(Listening::new(self, listener))
    }

    /// Answers one request.
    ///
    /// # Errors
    /// A request without a usable host: the connection is closed, as in Spin.
    pub async fn handle(
        &self,
        mut request: Request<WasiBody>,
        client: SocketAddr,
    ) -> Result<Response<WasiBody>, BadRequest> {
        headers::strip(request.headers_mut());
        let path = request.uri().path().to_owned();
        if let Some(name) = path.strip_prefix(WELL_KNOWN_PREFIX) {
            return Ok(self.well_known(name));
        }
        let Some(found) = self.application.routes.find(&path) else {
            return Ok(empty(StatusCode::NOT_FOUND));
        };
        headers::complete_uri(&mut request)?;
        match found.target() {
            Target::Component(id) => Ok(self.run(id, request, &Matched::from(&found), client).await),
            Target::Static(response) => Ok(static_response(response)),
        }
    }

    fn well_known(&self, name: &str) -> Response<WasiBody> {
        match name {
            "health" => Response::new(body("OK")),
            "info" => {
                let mut response = Response::new(body(self.application.info.clone()));
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                response
            }
            _ => empty(StatusCode::NOT_FOUND),
        }
    }

    /// Gives a request to a component and answers for it when it does not.
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
        let request_id = request.headers().get(REQUEST_ID).cloned();
        let failed = |status, detail: &str| problem(status, detail, request_id.as_ref());
        if let Err(error) = headers::add(&mut request, matched, client) {
            return failed(StatusCode::INTERNAL_SERVER_ERROR, &error.to_string());
        }
        let broken = |error: &dyn std::fmt::Display| {
            log::problem(format_args!("component `{id}` failed on {}: {error}", matched.based));
            failed(StatusCode::INTERNAL_SERVER_ERROR, "the component failed; the log of the host says why")
        };
        // What compiling and its turn take is not the component's time.
        let entering = match pool.state().enter().await {
            Ok(entering) => entering,
            Err(error) => return broken(&format_args!("{error:#}")),
        };
        let started = Instant::now();
        match pool.handle(entering, request).await {
            Ok(response) => response,
            // One that never yields is ended with its instance, which looks like a trap.
            Err(error)
                if error.is::<ExpirationError>()
                    || self.application.reuse.request_timeout.is_some_and(|t| started.elapsed() >= t) =>
            {
                log::problem(format_args!("component `{id}` did not answer {} in time", matched.based));
                failed(StatusCode::GATEWAY_TIMEOUT, "the component did not answer in time")
            }
            Err(error) if is_full(&error) => {
                self.application.full.say(format_args!("no room for another instance of component `{id}`: {error}"));
                let detail = "the host serves as many requests as it can; try again shortly";
                let mut response = failed(StatusCode::SERVICE_UNAVAILABLE, detail);
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
                response
            }
            Err(error) => broken(&error),
        }
    }
}

/// Whether the one thing wrong is that other instances have all the room there is.
fn is_full(error: &wasmtime::Error) -> bool {
    let failed = error.downcast_ref::<InstantiationError<Option<Entering>>>();
    failed.map_or(error, |failed| failed.error.as_ref()).is::<PoolConcurrencyLimitError>()
}

fn static_response(answer: &StaticResponse) -> Response<WasiBody> {
    let mut builder = Response::builder().status(answer.status_code.unwrap_or(200));
    for (name, value) in &answer.headers {
        builder = builder.header(name, value);
    }
    let body = body(answer.body.clone().unwrap_or_default());
    builder.body(body).unwrap_or_else(|_| empty(StatusCode::INTERNAL_SERVER_ERROR))
}

impl OwnApplication for Server {
    fn address(&self) -> SocketAddr {
        self.application.address.get().copied().unwrap_or(CHAINED_CLIENT)
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
            Ok(self.run(&component, request, &matched, CHAINED_CLIENT).await)
        })
    }
}
