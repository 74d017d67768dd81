//! The instances of one component: when one is created, how many requests it serves, and when it
//! ends.

use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use tokio::sync::OnceCell;
use tokio::task::yield_now;
use tokio::time::{Sleep, sleep};
use wasmtime::component::GuestTaskId;
use wasmtime::{Store, StoreContextMut};
use wasmtime_wasi_http::WasiHttpView as _;
use wasmtime_wasi_http::handler::{
    HandlerState, Instance, ProxyPre, ShouldAccept, WorkerExpiration, WorkerState, WorkerStatus,
};
use wasmtime_wasi_http::p2::bindings::ProxyPre as P2;
use wasmtime_wasi_http::p3::bindings::ServicePre as P3;

use super::instance_queue::{InstanceQueue, QueuePlace};
use crate::component::Component;
use crate::guest::Guest;
use crate::log;
use crate::outbound_http::OwnApplication;

/// Settings for the reuse of instances.
#[derive(Clone, Copy, Debug)]
pub struct Reuse {
    pub max_requests: usize,
    pub max_concurrent: usize,
    pub idle: Duration,
    /// How long a component may take to respond; `None` is unlimited.
    pub request_timeout: Option<Duration>,
}

/// One component behind its routes.
pub struct Pool {
    component: Arc<Component>,
    handler: OnceCell<HttpHandler>,
    reuse: Reuse,
    /// The application the component belongs to.
    own: Weak<dyn OwnApplication>,
    queue: InstanceQueue,
}

/// The HTTP interface of a component, and the reuse of instances that it permits.
struct HttpHandler {
    proxy: ProxyPre<Guest>,
    reuse: Reuse,
}

impl Pool {
    pub fn new(component: Arc<Component>, reuse: Reuse, own: Weak<dyn OwnApplication>) -> Self {
        Self {
            component,
            handler: OnceCell::new(),
            reuse,
            own,
            queue: InstanceQueue::new(),
        }
    }

    /// Waits until the component is compiled and the request may look for an instance.
    ///
    /// # Errors
    /// As [`Self::prepare`].
    pub async fn wait_for_instance(&self) -> Result<Option<QueuePlace>> {
        let handler = self.handler().await?;
        // Without sharing, every request needs an instance of its own in any order.
        if handler.reuse.max_concurrent == 1 {
            return Ok(None);
        }
        Ok(self.queue.wait_for_place().await)
    }

    /// Compiles the component before a request needs it.
    ///
    /// # Errors
    /// A component that does not compile, or handles no HTTP requests.
    pub async fn prepare(&self) -> Result<()> {
        self.component.code_ahead().await?;
        self.handler().await?;
        Ok(())
    }

    async fn handler(&self) -> Result<&HttpHandler> {
        let load = async || {
            let code = self.component.code().await?;
            if let Ok(service) = P3::new(code.clone()) {
                return Ok(HttpHandler {
                    proxy: ProxyPre::P3(service),
                    reuse: self.reuse,
                });
            }

            let service = P2::new(code.clone())
                .map_err(anyhow::Error::from)
                .with_context(|| {
                    format!("component `{}` exports no HTTP handler", self.component.id)
                })?;
            // The older interface gives each request an instance of its own, as in Spin.
            let reuse = Reuse {
                max_requests: 1,
                max_concurrent: 1,
                ..self.reuse
            };
            Ok(HttpHandler {
                proxy: ProxyPre::P2(service),
                reuse,
            })
        };
        self.handler.get_or_try_init(load).await
    }
}

impl HandlerState for Pool {
    type StoreData = Guest;
    type WorkerExpiration = Expiration;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<Guest, Expiration, Worker>> {
        let handler = self.handler().await.map_err(wasmtime::Error::from_anyhow)?;
        let reuse = handler.reuse;

        let mut store = self.component.new_store(self.own.upgrade())?;
        let proxy = handler.proxy.instantiate_async(&mut store).await?;

        Ok(Instance {
            store,
            proxy,
            view: match handler.proxy {
                ProxyPre::P2(_) => Guest::http,
                ProxyPre::P3(_) => Guest::inbound_http,
            },
            expiration: Expiration {
                reuse,
                sleep: Box::pin(sleep(reuse.idle)),
            },
            state: Worker {
                reuse,
                component: self.component.clone(),
            },
        })
    }
}

/// Ends an instance that has been idle or has run one request for too long.
pub struct Expiration {
    reuse: Reuse,
    sleep: Pin<Box<Sleep>>,
}

impl WorkerExpiration for Expiration {
    fn poll(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        status: WorkerStatus,
        start: Instant,
    ) -> Poll<()> {
        let limit = match status {
            WorkerStatus::Idle => Some(self.reuse.idle),
            WorkerStatus::Requests | WorkerStatus::PostReturn => self.reuse.request_timeout,
        };
        let Some(deadline) = limit.and_then(|limit| start.checked_add(limit)) else {
            return Poll::Pending;
        };

        let deadline = tokio::time::Instant::from_std(deadline);
        // A timer that fires early and is set again costs less than setting it for every request.
        if deadline < self.sleep.deadline() {
            self.sleep.as_mut().reset(deadline);
        }

        while self.sleep.as_mut().poll(context).is_ready() {
            if tokio::time::Instant::now() >= deadline {
                return Poll::Ready(());
            }
            self.sleep.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}

/// A running instance.
pub struct Worker {
    reuse: Reuse,
    component: Arc<Component>,
}

impl WorkerState for Worker {
    type StoreData = Guest;
    type RequestData = Option<QueuePlace>;

    fn should_accept_request(&self, concurrent: usize, total: usize) -> ShouldAccept {
        if total >= self.reuse.max_requests {
            ShouldAccept::Never
        } else if concurrent >= self.reuse.max_concurrent {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        _: StoreContextMut<'_, Guest>,
        place: Option<QueuePlace>,
        _: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + Sync>> {
        let limit = self.reuse.request_timeout;

        Box::pin(async move {
            // This future is polled before the component runs, and again when it first waits.
            yield_now().await;
            drop(place);

            match limit {
                Some(limit) => sleep(limit).await,
                None => std::future::pending().await,
            }
        })
    }

    /// Logs the failure of an instance. The requests that fail with it are not logged again.
    fn drop(&self, _: Store<Guest>, result: Result<(), wasmtime::Error>) {
        if let Err(error) = result {
            // Wasmtime also reports this when the host ends the task, which is not a failure.
            if error.to_string() == "worker panicked" && !std::thread::panicking() {
                return;
            }
            log::error(format_args!(
                "component `{}` ended an instance: {error:?}",
                self.component.id
            ));
        }
    }
}
