//! HTTP requests of components: to allowed hosts, and to their own application through `self` and
//! `<component>.spin.internal`.

use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::header::HOST;
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::BodyExt;
use wasmtime_wasi_http::{Error, RequestOptions, Result, WasiBody, WasiHttpHooks};

use crate::allowed_hosts::{AllowedHosts, chained_component};

/// The application a component belongs to, as the target of its requests.
pub trait OwnApplication: Send + Sync {
    /// The address on which the application listens.
    fn address(&self) -> SocketAddr;

    /// Passes a request to a component directly, without a route and without the network.
    fn call(
        self: Arc<Self>,
        component: String,
        request: Request<WasiBody>,
    ) -> BoxFuture<'static, Result<Response<WasiBody>>>;
}

/// The HTTP client of one instance.
pub struct OutboundHttp {
    allowed_hosts: Arc<AllowedHosts>,
    own: Option<Arc<dyn OwnApplication>>,
}

/// The way an allowed request takes.
enum Route {
    Network(Request<WasiBody>),
    Component(String, Request<WasiBody>),
}

impl OutboundHttp {
    pub fn new(allowed_hosts: Arc<AllowedHosts>, own: Option<Arc<dyn OwnApplication>>) -> Self {
        Self { allowed_hosts, own }
    }

    fn route(&self, request: Request<WasiBody>) -> Result<Route> {
        let host = request.uri().host().unwrap_or_default().to_owned();
        // A relative URL has no host. Libraries that require one write `self.alt`.
        if host.is_empty() || host == "self.alt" {
            return self.route_to_self(request);
        }

        if !self
            .allowed_hosts
            .allow(&request.uri().to_string(), "https")
        {
            return Err(Error::HttpRequestDenied);
        }
        match chained_component(&host) {
            Some(id) => Ok(Route::Component(id.to_owned(), request)),
            None => Ok(Route::Network(request)),
        }
    }

    fn route_to_self(&self, mut request: Request<WasiBody>) -> Result<Route> {
        if !self.allowed_hosts.allow_self() {
            return Err(Error::HttpRequestDenied);
        }

        let own = self.own.as_ref().ok_or(Error::HttpRequestUriInvalid)?;
        let authority = own.address().to_string();
        let path = request.uri().path_and_query().cloned();
        *request.uri_mut() = local_uri(&authority, path)?;

        let host = HeaderValue::from_str(&authority).map_err(|_| Error::HttpRequestUriInvalid)?;
        request.headers_mut().insert(HOST, host);
        Ok(Route::Network(request))
    }
}

fn local_uri(authority: &str, path: Option<PathAndQuery>) -> Result<Uri> {
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = authority.parse::<Authority>().ok();
    parts.path_and_query = path.or_else(|| Some(PathAndQuery::from_static("/")));
    Uri::from_parts(parts).map_err(|_| Error::HttpRequestUriInvalid)
}

/// Completes when the connection of a request has done its work.
type Finished = Box<dyn Future<Output = Result<()>> + Send>;

impl WasiHttpHooks for OutboundHttp {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        _consumed: Finished,
    ) -> Box<dyn Future<Output = Result<(Response<WasiBody>, Finished)>> + Send> {
        let route = self.route(request);
        let own = self.own.clone();

        Box::new(async move {
            match route? {
                Route::Network(request) => {
                    let (response, io) =
                        wasmtime_wasi_http::default_send_request(request, options).await?;
                    let finished: Finished = Box::new(io);
                    Ok((response.map(BodyExt::boxed_unsync), finished))
                }
                Route::Component(id, request) => {
                    let own = own.ok_or(Error::HttpRequestUriInvalid)?;
                    let response = own.call(id, request).await?;
                    let finished: Finished = Box::new(std::future::ready(Ok(())));
                    Ok((response, finished))
                }
            }
        })
    }
}
