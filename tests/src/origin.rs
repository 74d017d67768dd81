//! A web server that warmups read from, with typical faults.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::runtime::Builder;

/// The token it requires.
pub const ORIGIN_TOKEN: &str = "an-origin-token";

type Body = UnsyncBoxBody<Bytes, std::io::Error>;

/// The running server; it ends with the test's process.
#[derive(Debug, Clone)]
pub struct Origin {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
    traces: Arc<Mutex<Vec<String>>>,
}

impl Origin {
    /// Starts it on a port of its own.
    ///
    /// # Panics
    /// If the loopback interface has no free port.
    pub fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener
            .set_nonblocking(true)
            .expect("a non-blocking listener");
        let address = listener
            .local_addr()
            .expect("the address of a bound socket");
        let requests = Arc::new(AtomicUsize::new(0));
        let traces = Arc::default();
        let origin = Self {
            address,
            requests: Arc::clone(&requests),
            traces: Arc::clone(&traces),
        };

        thread::spawn(move || {
            let runtime = Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(serve(listener, requests, traces));
        });

        origin
    }

    /// The value for the variable `warmup_origin`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The number of requests so far.
    pub fn request_count(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    /// The trace headers of the requests so far, as `traceparent tracestate`; `-` for an absent one.
    pub fn traces(&self) -> Vec<String> {
        let traces = self.traces.lock().unwrap_or_else(PoisonError::into_inner);
        traces.clone()
    }
}

fn trace_of(request: &Request<Incoming>) -> String {
    let header = |name| {
        let value = request.headers().get(name);
        value.and_then(|value| value.to_str().ok()).unwrap_or("-")
    };
    format!("{} {}", header("traceparent"), header("tracestate"))
}

async fn serve(
    listener: std::net::TcpListener,
    requests: Arc<AtomicUsize>,
    traces: Arc<Mutex<Vec<String>>>,
) {
    let listener = TcpListener::from_std(listener).expect("a listener of the runtime");
    while let Ok((stream, _)) = listener.accept().await {
        let (requests, traces) = (Arc::clone(&requests), Arc::clone(&traces));
        let service = service_fn(move |request| {
            requests.fetch_add(1, Ordering::Relaxed);
            let mut traces = traces.lock().unwrap_or_else(PoisonError::into_inner);
            traces.push(trace_of(&request));
            respond(request)
        });
        // A client may go away at any time.
        tokio::spawn(async move {
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn respond(request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    let token = request
        .headers()
        .get("authorization")
        .and_then(|value| value.to_str().ok());
    if token != Some(&format!("Bearer {ORIGIN_TOKEN}")) {
        return Ok(whole(401, "no"));
    }

    let path = request
        .uri()
        .path_and_query()
        .map_or("", |path| path.as_str());

    Ok(match path {
        "/products?top=3" => {
            let items = [
                json!({ "id": "a", "score": 3 }),
                json!({ "id": "b", "score": 2.5 }),
                json!({ "id": "c", "score": 1 }),
            ];
            whole(200, json!({ "data": { "items": items } }).to_string())
        }
        "/settings" => whole(200, json!({ "theme": "dark", "retries": 3 }).to_string()),
        "/words" => whole(200, json!(["one", 2, null]).to_string()),
        "/text" => whole(200, "<html>an error page with the status 200</html>"),
        "/cut" => Response::builder()
            .header("content-length", 1000)
            .body(cut())
            .expect("a well-formed response"),
        "/endless" => Response::new(endless()),
        "/silent" => std::future::pending().await,
        _ => whole(503, "away"),
    })
}

fn whole(status: u16, body: impl Into<Bytes>) -> Response<Body> {
    let body = Full::new(body.into())
        .map_err(|never| match never {})
        .boxed_unsync();
    Response::builder()
        .status(status)
        .body(body)
        .expect("a well-formed response")
}

/// A body that is shorter than announced.
fn cut() -> Body {
    let first = stream::iter([Ok(Frame::data(Bytes::from_static(b"{\"a\":")))]);
    // The delay lets the head of the response be sent first.
    let gone = stream::once(async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        Err(std::io::Error::other("the server went away"))
    });
    StreamBody::new(first.chain(gone)).boxed_unsync()
}

fn endless() -> Body {
    let frame = || Ok(Frame::data(Bytes::from_static(&[b' '; 65_536])));
    StreamBody::new(stream::repeat_with(frame)).boxed_unsync()
}
