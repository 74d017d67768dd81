//! Connections, and the threads that serve them.
//!
//! A connection stays with the thread it was given to, and so do the instances its requests run in and what those wait for: a
//! request is not handed from one thread to another, which took a quarter of the processor time of `/health` over one connection.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::num::NonZero;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use http::Request;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use wasmtime_wasi_http::Error;

use super::server::Server;
use crate::log;
use crate::outbound_http::OwnApplication as _;

/// How many threads may wait for a database or a file at once, over all that serve; and the fewest for each of them.
const BLOCKING_THREADS: usize = 512;
const FEWEST_BLOCKING_THREADS: usize = 64;

/// A server with its socket.
pub struct Listening {
    pub server: Arc<Server>,
    listener: TcpListener,
}

impl Listening {
    pub fn new(server: Arc<Server>, listener: TcpListener) -> Self {
        Self { server, listener }
    }

    /// The address requests can be sent to.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Serves until `stop`, with a thread for each core, then lets requests in flight finish.
    ///
    /// # Errors
    /// The system has no room for the threads, or one of them is gone.
    pub async fn serve(self, stop: impl Future<Output = ()>) -> Result<()> {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let started = (0..cores).map(|_| Thread::start(self.server.again(), cores)).collect::<Result<Vec<_>>>()?;
        self.serve_on(started, stop).await
    }

    async fn serve_on(self, started: Vec<(Thread, Ended)>, stop: impl Future<Output = ()>) -> Result<()> {
        let (threads, mut ended): (Vec<_>, FuturesUnordered<_>) = started.into_iter().unzip();
        tokio::select! {
            never = accept(self.listener, threads) => match never {},
            // None ends before it is told to. What it served is lost, and would be for every connection it got from now on.
            _ = ended.next() => anyhow::bail!("a thread that serves connections is gone; what it panicked with is said above"),
            () = stop => {}
        }
        while ended.next().await.is_some() {}
        Ok(())
    }
}

/// Gives each connection to the thread with the fewest. Dropped, it tells them that there will be no more.
async fn accept(listener: TcpListener, threads: Vec<Thread>) -> Infallible {
    let refused = log::Seldom::default();
    loop {
        match listener.accept().await {
            Ok((stream, client)) => {
                let living = threads.iter().filter(|thread| !thread.connections.is_closed());
                if let Some(thread) = living.min_by_key(|thread| thread.open()) {
                    thread.give(stream, client);
                }
            }
            Err(error) => {
                // Out of file descriptors, mostly: waiting lets connections end.
                refused.say(format_args!("cannot accept a connection: {error}"));
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// A thread that serves connections, with instances of its own.
struct Thread {
    connections: UnboundedSender<Connection>,
    /// What each of its connections has a share of.
    open: Arc<()>,
}

/// Tells that a thread has answered its requests, or that it is gone.
type Ended = oneshot::Receiver<()>;

/// A connection on its way to its thread.
struct Connection {
    stream: std::net::TcpStream,
    client: SocketAddr,
    open: Arc<()>,
}

impl Thread {
    /// Starts one of so many. It ends when it is dropped and its requests are answered.
    fn start(server: Arc<Server>, of: usize) -> Result<(Self, Ended)> {
        let (connections, given) = unbounded_channel();
        let (end, ended) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(BLOCKING_THREADS.div_ceil(of).max(FEWEST_BLOCKING_THREADS))
            .build()
            .context("cannot start")?;
        let serve = move || {
            runtime.block_on(serve_connections(&server, given));
            // Guests that still run, in a loop say, must not keep the process.
            runtime.shutdown_background();
            // Before the host ends: with it go the copies of components' files.
            drop(server);
            let _ = end.send(());
        };
        thread::Builder::new().name("serving".to_owned()).spawn(serve).context("cannot start")?;
        Ok((Self { connections, open: Arc::new(()) }, ended))
    }

    /// How many connections it has.
    fn open(&self) -> usize {
        Arc::strong_count(&self.open)
    }

    fn give(&self, stream: TcpStream, client: SocketAddr) {
        // Each fails only where the connection or the process is at its end.
        if let Ok(stream) = stream.into_std() {
            let _ = self.connections.send(Connection { stream, client, open: self.open.clone() });
        }
    }
}

/// Serves what is given, until no more will be and the requests in flight are answered.
async fn serve_connections(server: &Arc<Server>, mut given: UnboundedReceiver<Connection>) {
    let graceful = GracefulShutdown::new();
    while let Some(connection) = given.recv().await {
        serve_connection(server.clone(), connection, &graceful);
    }
    graceful.shutdown().await;
}

fn serve_connection(server: Arc<Server>, connection: Connection, graceful: &GracefulShutdown) {
    let Connection { stream, client, open } = connection;
    let stream = match TcpStream::from_std(stream) {
        Ok(stream) => stream,
        Err(error) => return log::problem(format_args!("cannot accept a connection: {error}")),
    };
    // Without it an answer in two writes waits for the client's delayed acknowledgement. It cannot fail in a way that
    // matters.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: Request<Incoming>| {
        let server = server.clone();
        async move {
            let request = request.map(|body| body.map_err(Error::from).boxed_unsync());
            server.handle(request, client).await
        }
    });
    let builder = Builder::new(TokioExecutor::new());
    let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    let connection = graceful.watch(connection);
    tokio::spawn(async move {
        // A client that goes away mid-request is its own business.
        let _ = connection.await;
        drop(open);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::triggers::http::Reuse;

    async fn listening() -> Listening {
        let manifest = toml::from_str("spin_manifest_version = 2\napplication = { name = 'a' }\ntrigger = {}").unwrap();
        let reuse = Reuse { max_requests: 1, max_concurrent: 1, idle: Duration::ZERO, request_timeout: None };
        let server = Server::new(&manifest, &std::collections::HashMap::new(), reuse).unwrap();
        server.listen(([127, 0, 0, 1], 0).into()).await.unwrap()
    }

    /// A connection over which a thread panics: to Tokio a socket that blocks is a mistake.
    async fn fatal(listening: &Listening) -> Connection {
        let client = std::net::TcpStream::connect(listening.address()).unwrap();
        let (_, address) = listening.listener.accept().await.unwrap();
        Connection { stream: client, client: address, open: Arc::default() }
    }

    #[tokio::test]
    async fn a_thread_that_dies_ends_the_host_with_an_error() {
        let listening = listening().await;
        let (dying, ended) = Thread::start(listening.server.again(), 2).unwrap();
        assert!(dying.connections.send(fatal(&listening).await).is_ok());
        let living = Thread::start(listening.server.again(), 2).unwrap();
        let served = listening.serve_on(vec![(dying, ended), living], std::future::pending());
        let error = tokio::time::timeout(Duration::from_secs(10), served).await.unwrap().unwrap_err();
        assert!(error.to_string().contains("is gone"), "{error}");
    }

    #[tokio::test]
    async fn a_thread_that_is_told_to_stop_is_no_error() {
        let listening = listening().await;
        let thread = Thread::start(listening.server.again(), 1).unwrap();
        listening.serve_on(vec![thread], std::future::ready(())).await.unwrap();
    }
}
