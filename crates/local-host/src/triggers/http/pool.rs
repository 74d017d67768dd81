//! The instances of one component: when one is made, how many requests it serves, and when it is dropped.

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

use super::entrance::{Entering, Entrance};
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

/// One component behind its routes.
pub struct Pool {
    component: Arc<Component>,
    entry: OnceCell<(ProxyPre<Guest>, Reuse)>,
    reuse: Reuse,
    /// The application it belongs to.
    own: Weak<dyn OwnApplication>,
    entrance: Entrance,
}

impl Pool {
    pub fn new(component: Arc<Component>, reuse: Reuse, own: Weak<dyn OwnApplication>) -> Self {
        Self { component, entry: OnceCell::new(), reuse, own, entrance: Entrance::new() }
    }

    /// Waits until the component is compiled, and for a request's turn to be given to an instance.
    ///
    /// # Errors
    /// As [`Self::prepare`].
    pub async fn enter(&self) -> Result<Option<Entering>> {
        let (_, reuse) = self.entry().await?;
        // Instances that take one request at a time are not shared, however requests come.
        Ok(if reuse.max_concurrent > 1 { self.entrance.enter().await } else { None })
    }

    /// Compiles the component before there is a request for it.
    ///
    /// # Errors
    /// A component that does not compile, or handles no HTTP requests.
    pub async fn prepare(&self) -> Result<()> {
        self.component.code_ahead().await?;
        self.entry().await.map(drop)
    }

    /// How a request enters the component, and how its instances are reused.
    async fn entry(&self) -> Result<&(ProxyPre<Guest>, Reuse)> {
        let find = async || {
            let code = self.component.code().await?;
            if let Ok(service) = P3::new(code.clone()) {
                return Ok((ProxyPre::P3(service), self.reuse));
            }
            // The older interface serves one request after another and, as in Spin, each with an instance of its own.
            let service = P2::new(code.clone()).map_err(anyhow::Error::from);
            let service =
                service.with_context(|| format!("component `{}` exports no HTTP handler", self.component.id))?;
            Ok((ProxyPre::P2(service), Reuse { max_requests: 1, max_concurrent: 1, ..self.reuse }))
        };
        self.entry.get_or_try_init(find).await
    }
}

impl HandlerState for Pool {
    type StoreData = Guest;
    type WorkerExpiration = Expiration;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<Guest, Expiration, Worker>> {
        let (entry, reuse) = self.entry().await.map_err(wasmtime::Error::from_anyhow)?;
        let reuse = *reuse;
        let mut store = Guest::store(&self.component, self.own.upgrade())?;
        let proxy = entry.instantiate_async(&mut store).await?;
        Ok(Instance {
            store,
            proxy,
            view: match entry {
                ProxyPre::P2(_) => Guest::http,
                ProxyPre::P3(_) => Guest::inbound_http,
            },
            expiration: Expiration { reuse, sleep: Box::pin(sleep(reuse.idle)) },
            state: Worker { reuse, component: self.component.clone() },
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
    type RequestData = Option<Entering>;

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
        entering: Option<Entering>,
        _: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + Sync>> {
        let limit = self.reuse.request_timeout;
        Box::pin(async move {
            // This is looked at before the component runs, and again when the component first waits.
            yield_now().await;
            drop(entering);
            match limit {
                Some(limit) => sleep(limit).await,
                None => std::future::pending().await,
            }
        })
    }

    /// The one place where the death of an instance is logged; the requests it took with it are only answered.
    fn drop(&self, _: Store<Guest>, result: Result<(), wasmtime::Error>) {
        if let Err(error) = result {
            // So Wasmtime calls whatever it did not end itself: without a panic that is the end of the host.
            if error.to_string() == "worker panicked" && !std::thread::panicking() {
                return;
            }
            log::problem(format_args!("component `{}` ended an instance: {error:?}", self.component.id));
        }
    }
}
