//! The instances of one component: when one is made, how many requests it serves, and when it is dropped.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::time::{Sleep, sleep};
use wasmtime::component::GuestTaskId;
use wasmtime::{Store, StoreContextMut};
use wasmtime_wasi_http::WasiHttpView as _;
use wasmtime_wasi_http::handler::{
    HandlerState, Instance, ProxyPre, ShouldAccept, WorkerExpiration, WorkerState, WorkerStatus,
};
use wasmtime_wasi_http::p2::bindings::ProxyPre as P2;
use wasmtime_wasi_http::p3::bindings::ServicePre as P3;

use crate::component::Component;
use crate::guest::Guest;
use crate::log;
use crate::outbound_http::OwnApplication;

/// How instances are reused.
#[derive(Clone, Copy, Debug)]
pub struct Reuse {
    pub max_requests: usize,
    pub max_concurrent: usize,
    pub idle: Duration,
    /// How long a component may take until it answers; `None` is forever.
    pub request_timeout: Option<Duration>,
}

/// The application, once it listens. Instances are only made for requests, so it is always set by then.
pub type OwnSlot = Arc<OnceLock<Arc<dyn OwnApplication>>>;

/// One component behind its routes.
pub struct Pool {
    component: Arc<Component>,
    proxy: ProxyPre<Guest>,
    reuse: Reuse,
    own: OwnSlot,
}

impl Pool {
    /// # Errors
    /// A component that handles no HTTP requests.
    pub fn new(component: Arc<Component>, reuse: Reuse, own: OwnSlot) -> wasmtime::Result<Self> {
        let (proxy, reuse) = match P3::new(component.code.clone()) {
            Ok(service) => (ProxyPre::P3(service), reuse),
            // The older interface serves one request after another and, as in Spin, each with an instance of its own.
            Err(_) => {
                (ProxyPre::P2(P2::new(component.code.clone())?), Reuse { max_requests: 1, max_concurrent: 1, ..reuse })
            }
        };
        Ok(Self { component, proxy, reuse, own })
    }
}

impl HandlerState for Pool {
    type StoreData = Guest;
    type WorkerExpiration = Expiration;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<Guest, Expiration, Worker>> {
        let mut store = Guest::store(&self.component, self.own.get().cloned())?;
        let proxy = self.proxy.instantiate_async(&mut store).await?;
        Ok(Instance {
            store,
            proxy,
            view: match self.proxy {
                ProxyPre::P2(_) => Guest::http,
                ProxyPre::P3(_) => Guest::inbound_http,
            },
            expiration: Expiration { reuse: self.reuse, sleep: Box::pin(sleep(self.reuse.idle)) },
            state: Worker { reuse: self.reuse, component: self.component.clone() },
        })
    }
}

/// Ends an instance that has been idle, or busy with one request, for too long.
pub struct Expiration {
    reuse: Reuse,
    sleep: Pin<Box<Sleep>>,
}

impl WorkerExpiration for Expiration {
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>, status: WorkerStatus, start: Instant) -> Poll<()> {
        let limit = match status {
            WorkerStatus::Idle => Some(self.reuse.idle),
            WorkerStatus::Requests | WorkerStatus::PostReturn => self.reuse.request_timeout,
        };
        let Some(deadline) = limit.and_then(|limit| start.checked_add(limit)) else {
            return Poll::Pending;
        };
        let deadline = tokio::time::Instant::from_std(deadline);
        // Arming a timer for every request costs more than letting it ring early and setting it again.
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

/// One instance at work.
pub struct Worker {
    reuse: Reuse,
    component: Arc<Component>,
}

impl WorkerState for Worker {
    type StoreData = Guest;
    type RequestData = ();

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
        (): (),
        _: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + Sync>> {
        match self.reuse.request_timeout {
            Some(limit) => Box::pin(sleep(limit)),
            None => Box::pin(std::future::pending()),
        }
    }

    /// The one place where the death of an instance is logged; the requests it took with it are only answered.
    fn drop(&self, _: Store<Guest>, result: Result<(), wasmtime::Error>) {
        if let Err(error) = result {
            log::problem(format_args!("component `{}` ended an instance: {error:?}", self.component.id));
        }
    }
}
