//! One instance of a component: the state the host keeps for it while it lives.

use std::sync::Arc;

use http::HeaderName;
use wasmtime::Store;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::sockets::SocketAddrUse;
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView};

use crate::component::Component;
use crate::engine;
use crate::outbound_http::{OutboundHttp, OwnApplication};
use crate::stdio::{Lines, Output};

/// How many handles of a kind an instance may hold, as in Spin.
const MAX_REDIS_CONNECTIONS: usize = 1024;
const MAX_STORES: usize = 256;

/// The data of a store.
pub struct Guest {
    pub component: Arc<Component>,
    /// Connections to Redis. A table of its own, because its size is what `too-many-connections` is about.
    pub redis: ResourceTable,
    /// Open key-value stores.
    pub key_value: ResourceTable,
    /// Open SQLite connections.
    pub sqlite: ResourceTable,
    /// Open PostgreSQL connections.
    pub postgres: ResourceTable,
    /// PostgreSQL connections to be opened.
    pub postgres_builders: ResourceTable,
    resources: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outbound: OutboundHttp,
    inbound: InboundHttp,
}

/// Wasmtime 48 hides `host` and other headers of the transport from components; the Wasmtime of Spin 4.1 hides them only
/// from those on WASI 0.2.
struct InboundHttp;

impl WasiHttpHooks for InboundHttp {
    fn is_forbidden_header(&mut self, _: &HeaderName) -> bool {
        false
    }
}

impl Guest {
    /// A store for a new instance of `component`. `own` is the application as seen by its own components; without it
    /// requests to `self` fail, as they do in Spin outside the HTTP trigger.
    ///
    /// # Errors
    /// The files of the component are gone.
    pub fn store(component: &Arc<Component>, own: Option<Arc<dyn OwnApplication>>) -> wasmtime::Result<Store<Self>> {
        let guest = Self {
            redis: table(MAX_REDIS_CONNECTIONS),
            key_value: table(MAX_STORES),
            sqlite: table(MAX_STORES),
            postgres: table(MAX_STORES),
            postgres_builders: table(MAX_STORES),
            resources: ResourceTable::new(),
            wasi: wasi(component)?,
            http: WasiHttpCtx::new(),
            outbound: OutboundHttp::new(component.allowed_hosts.clone(), own),
            inbound: InboundHttp,
            component: component.clone(),
        };
        let mut store = Store::new(component.code.engine(), guest);
        engine::share_thread(&mut store);
        Ok(store)
    }
}

impl Guest {
    /// The view with which a request enters an instance on WASI 0.3.
    pub fn inbound_http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.inbound, table: &mut self.resources, ctx: &mut self.http }
    }
}

fn table(capacity: usize) -> ResourceTable {
    let mut table = ResourceTable::new();
    table.set_max_capacity(capacity);
    table
}

fn wasi(component: &Component) -> wasmtime::Result<WasiCtx> {
    let mut wasi = WasiCtxBuilder::new();
    wasi.envs(&component.environment);
    if let Some(files) = &component.files {
        wasi.preopened_dir(files.path(), "/", FsPerms::ReadOnly)?;
    }
    if !component.quiet {
        wasi.stdout(Lines::new(Output::Stdout)).stderr(Lines::new(Output::Stderr));
    }
    let allowed = component.allowed_hosts.clone();
    wasi.allow_tcp(true).allow_udp(true).socket_addr_check(move |address, purpose| {
        let scheme = match purpose {
            SocketAddrUse::TcpConnect => Some("tcp"),
            SocketAddrUse::UdpSend | SocketAddrUse::UdpReceive => Some("udp"),
            _ => None,
        };
        // Connecting takes a local port first; only choosing or serving one is forbidden.
        let allow = match (scheme, purpose) {
            (Some(scheme), _) => allowed.allow(&format!("{scheme}://{address}"), scheme),
            (None, SocketAddrUse::TcpBind | SocketAddrUse::UdpBind) => address.port() == 0,
            _ => false,
        };
        Box::pin(async move { allow })
    });
    Ok(wasi.build())
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.resources }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.outbound, table: &mut self.resources, ctx: &mut self.http }
    }
}
