//! The listening socket, and the threads that serve its connections.
//!
//! A connection stays with one thread, together with the instances its requests run in and
//! everything they wait for. Passing requests between threads took a quarter of the processor time
//! of `/health` over one connection.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::num::NonZero;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use http::{Request, Response, StatusCode, Version};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::activity::{Activity, RequestInFlight};
use super::connections::{Connections, OpenConnection};
use super::limits::Limits;
use super::problem::members;
use super::server::Server;
use super::stream::ClientStream;
use super::transfer::{self, ResponseBody};
use crate::log;

/// Threads that may block on a database or a file at once, over all serving threads; and the minimum
/// for each serving thread.
const MAX_BLOCKING_THREADS: usize = 512;
const MIN_BLOCKING_THREADS: usize = 64;

/// Longest head of a request, over HTTP/2 as hyper has it for HTTP/1.
const MAX_HEAD_BYTES: u32 = 400 << 10;

/// Clients that are answered at once when there is no place for their connection, and the time limit
/// of each answer.
const MAX_REFUSALS: usize = 64;
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(1);

/// Wait after a failed `accept`.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);

/// A server with its socket.
pub struct Listening {
    pub server: Arc<Server>,
    listener: TcpListener,
    address: SocketAddr,
    connections: Arc<Connections>,
}

impl Listening {
    /// Binds the address. [`Self::serve`] serves its requests.
    ///
    /// # Errors
    /// The address is in use or does not belong to this machine.
    pub async fn bind(server: Arc<Server>, address: SocketAddr, limits: Limits) -> Result<Self> {
        let listener = TcpListener::bind(address).await.with_context(|| {
            format!("cannot listen on {address}; choose another address with --listen")
        })?;
        let address = listener.local_addr()?;
        server.set_address(address);
        Ok(Self {
            server,
            listener,
            address,
            connections: Connections::new(limits),
        })
    }

    /// The address on which the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `stop`, with a thread for each core, then lets requests in flight finish.
    ///
    /// # Errors
    /// The system cannot start the threads, or one of them has panicked.
    pub async fn serve(self, stop: impl Future<Output = ()>) -> Result<()> {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let started = (0..cores)
            .map(|_| ServingThread::start(self.server.for_another_thread(), cores))
            .collect::<Result<Vec<_>>>()?;
        self.serve_on(started, stop).await
    }

    async fn serve_on(
        self,
        started: Vec<(ServingThread, Ended)>,
        stop: impl Future<Output = ()>,
    ) -> Result<()> {
        let (threads, mut ended): (Vec<_>, FuturesUnordered<_>) = started.into_iter().unzip();
        tokio::select! {
            never = accept(self.listener, threads, &self.connections) => match never {},
            // A thread does not end by itself. Its connections are lost, and so would be all that
            // it received from now on.
            _ = ended.next() => anyhow::bail!("a thread that serves connections is gone; its panic is logged above"),
            () = stop => {}
        }

        while ended.next().await.is_some() {}
        Ok(())
    }
}

/// Gives each connection to the thread that has the fewest. Dropping it tells the threads to end.
async fn accept(
    listener: TcpListener,
    threads: Vec<ServingThread>,
    connections: &Arc<Connections>,
) -> Infallible {
    let errors = log::RateLimitedError::default();
    let refusals = Arc::new(Semaphore::new(MAX_REFUSALS));
    loop {
        let (stream, client) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // The usual cause is too many open files. An idle connection makes room.
                errors.log(format_args!("cannot accept a connection: {error}"));
                connections.close_longest_waiting();
                tokio::time::sleep(ACCEPT_RETRY_DELAY).await;
                continue;
            }
        };

        let Some(open) = connections.admit() else {
            errors.log("a connection is refused: the maximum is reached and all are busy");
            if let Ok(permit) = refusals.clone().try_acquire_owned() {
                tokio::spawn(refuse(stream, permit));
            }
            continue;
        };

        let living = threads
            .iter()
            .filter(|thread| !thread.connections.is_closed());
        if let Some(thread) = living.min_by_key(|thread| thread.connection_count()) {
            thread.give(stream, client, open);
        }
    }
}

/// Answers the first request of a client with 503. Reads what the client sends, because closing a
/// connection with unread bytes would discard the response.
async fn refuse(mut stream: TcpStream, _permit: OwnedSemaphorePermit) {
    let status = StatusCode::SERVICE_UNAVAILABLE;
    let detail = "too many connections are open; try again shortly";
    let body = members(status, detail, None).to_string();
    let headers = "content-type: application/problem+json\r\nretry-after: 1\r\nconnection: close";
    let length = body.len();
    let response =
        format!("HTTP/1.1 {status}\r\n{headers}\r\ncontent-length: {length}\r\n\r\n{body}");

    let send = async {
        stream.write_all(response.as_bytes()).await?;
        stream.shutdown().await?;
        tokio::io::copy(&mut stream, &mut tokio::io::sink()).await
    };
    // A client that is gone by now needs no response.
    let _ = tokio::time::timeout(REFUSAL_TIMEOUT, send).await;
}

/// A thread that serves connections, with instances of its own.
struct ServingThread {
    connections: UnboundedSender<AcceptedConnection>,
    /// Shared with each connection of the thread, which counts them.
    counter: Arc<()>,
}

/// Completes when a thread has answered its requests, or has panicked.
type Ended = oneshot::Receiver<()>;

/// A connection on its way to its thread.
struct AcceptedConnection {
    stream: std::net::TcpStream,
    client: SocketAddr,
    open: OpenConnection,
    counter: Arc<()>,
}

impl ServingThread {
    /// Starts one of `total` threads. It ends after it is dropped, when its requests are answered.
    fn start(server: Arc<Server>, total: usize) -> Result<(Self, Ended)> {
        let blocking_threads = MAX_BLOCKING_THREADS.div_ceil(total);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(blocking_threads.max(MIN_BLOCKING_THREADS))
            .build()
            .context("cannot start")?;

        Self::spawn(move |accepted| {
            runtime.block_on(serve_connections(&server, accepted));
            // Does not wait for instances that still run, such as one in an endless loop.
            runtime.shutdown_background();
            // Removes the copies of components' files before the host ends.
            drop(server);
        })
    }

    /// Starts a thread that runs `work` with the connections it is given.
    fn spawn(
        work: impl FnOnce(UnboundedReceiver<AcceptedConnection>) + Send + 'static,
    ) -> Result<(Self, Ended)> {
        let (connections, accepted) = unbounded_channel();
        let (end, ended) = oneshot::channel();
        let serve = move || {
            work(accepted);
            let _ = end.send(());
        };

        thread::Builder::new()
            .name("serving".to_owned())
            .spawn(serve)
            .context("cannot start")?;

        let thread = Self {
            connections,
            counter: Arc::new(()),
        };
        Ok((thread, ended))
    }

    /// The number of its connections, plus one.
    fn connection_count(&self) -> usize {
        Arc::strong_count(&self.counter)
    }

    fn give(&self, stream: TcpStream, client: SocketAddr, open: OpenConnection) {
        // This fails only for a connection that is gone.
        let Ok(stream) = stream.into_std() else {
            return;
        };
        // This fails only when the thread is gone, and then the host ends.
        let _ = self.connections.send(AcceptedConnection {
            stream,
            client,
            open,
            counter: self.counter.clone(),
        });
    }
}

/// Serves connections until no more arrive and the requests in flight are answered.
async fn serve_connections(
    server: &Arc<Server>,
    mut accepted: UnboundedReceiver<AcceptedConnection>,
) {
    let graceful = GracefulShutdown::new();
    while let Some(connection) = accepted.recv().await {
        if let Err(error) = serve_connection(server.clone(), connection, &graceful) {
            log::error(format_args!("cannot accept a connection: {error}"));
        }
    }
    graceful.shutdown().await;
}

fn serve_connection(
    server: Arc<Server>,
    accepted: AcceptedConnection,
    graceful: &GracefulShutdown,
) -> std::io::Result<()> {
    let AcceptedConnection {
        stream,
        client,
        open,
        counter,
    } = accepted;
    let stream = TcpStream::from_std(stream)?;
    // Without it, a response in two writes waits for the client's delayed acknowledgement. A failure
    // costs only that time.
    let _ = stream.set_nodelay(true);

    let context = ConnectionContext {
        server,
        client,
        activity: open.activity.clone(),
        all: open.all().clone(),
    };
    let stream = ClientStream::new(stream, open.activity.clone());
    let service = service_fn(move |request| context.respond(request));

    let mut builder = Builder::new(TokioExecutor::new());
    builder.http2().max_header_list_size(MAX_HEAD_BYTES);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    let connection = graceful.watch(connection.into_owned());
    tokio::spawn(async move {
        tokio::select! {
            // A client may go away at any time, so an error here is not logged.
            _ = connection => {}
            () = open.has_to_close() => {}
        }
        drop(counter);
    });
    Ok(())
}

/// The state that all requests of a connection share.
#[derive(Clone)]
struct ConnectionContext {
    server: Arc<Server>,
    client: SocketAddr,
    activity: Arc<Activity>,
    all: Arc<Connections>,
}

impl ConnectionContext {
    /// Responds to one request, which is in flight from this call on.
    fn respond(
        &self,
        request: Request<Incoming>,
    ) -> impl Future<Output = Result<Response<ResponseBody>, Infallible>> + use<> {
        let context = self.clone();
        let is_multiplexed = request.version() == Version::HTTP_2;
        let in_flight = RequestInFlight::begin(&context.activity, is_multiplexed);

        async move {
            let Self {
                server,
                client,
                activity,
                all,
            } = context;
            let request = transfer::track_request(request, &activity);
            let response = server.handle(request, client).await;
            Ok(transfer::track_response(
                response, in_flight, &activity, &all,
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::triggers::http::pool::Reuse;

    async fn listening() -> Listening {
        let manifest =
            toml::from_str("spin_manifest_version = 2\napplication = { name = 'a' }\ntrigger = {}")
                .unwrap();
        let reuse = Reuse {
            max_requests: 1,
            max_concurrent: 1,
            idle: Duration::ZERO,
            request_timeout: None,
        };
        let server = Server::new(&manifest, &std::collections::HashMap::new(), reuse).unwrap();
        let address = ([127, 0, 0, 1], 0).into();
        Listening::bind(server, address, limits()).await.unwrap()
    }

    fn limits() -> Limits {
        let long = Duration::from_secs(60);
        Limits {
            head: long,
            idle: long,
            stall: long,
            connections: 8,
            unread_bytes: 1 << 20,
        }
    }

    #[tokio::test]
    async fn a_panic_of_a_thread_ends_the_host_with_an_error() {
        let listening = listening().await;
        let server = listening.server.for_another_thread();
        let panicking = ServingThread::spawn(|_| panic!("the panic of a test")).unwrap();
        let living = ServingThread::start(server, 2).unwrap();

        let served = listening.serve_on(vec![panicking, living], std::future::pending());
        let outcome = tokio::time::timeout(Duration::from_secs(10), served).await;

        let error = outcome.unwrap().unwrap_err();
        assert!(error.to_string().contains("is gone"), "{error}");
    }

    #[tokio::test]
    async fn stopping_a_thread_is_not_an_error() {
        let listening = listening().await;
        let server = listening.server.for_another_thread();
        let thread = ServingThread::start(server, 1).unwrap();

        let stop = std::future::ready(());
        listening.serve_on(vec![thread], stop).await.unwrap();
    }
}
