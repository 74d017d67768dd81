//! One instance of a component: the state the host keeps for it, and the interfaces that use the
//! state.
//!
//! Each interface owns its state. The linker receives an accessor to it, so that no interface
//! depends on this file.

use std::sync::Arc;

use http::HeaderName;
use wasmtime::component::{HasSelf, Linker, ResourceTable};
use wasmtime_wasi::sockets::SocketAddrUse;
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView};

use crate::allowed_hosts::AllowedHosts;
use crate::grants::Grants;
use crate::interfaces::key_value::{self, KeyValueState};
use crate::interfaces::postgres::{self, PostgresState};
use crate::interfaces::redis::{self, RedisState};
use crate::interfaces::sqlite::{self, SqliteState};
use crate::interfaces::variables::{self, VariablesState};
use crate::outbound_http::{OutboundHttp, OwnApplication};
use crate::stdio::{LineWriter, Output};

/// The data of an instance's store.
pub struct Guest {
    variables: VariablesState,
    key_value: KeyValueState,
    sqlite: SqliteState,
    redis: RedisState,
    postgres: PostgresState,
    /// The resources of WASI.
    resources: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outbound: OutboundHttp,
    inbound: InboundHttp,
}

/// Lets components see every header. Wasmtime 48 hides `host` and other headers of the transport;
/// the Wasmtime of Spin 4.1 hides them only from components on WASI 0.2.
struct InboundHttp;

impl WasiHttpHooks for InboundHttp {
    fn is_forbidden_header(&mut self, _: &HeaderName) -> bool {
        false
    }
}

impl Guest {
    /// Creates the state of a new instance. `own` is the application that its requests to `self`
    /// reach; without it they fail, as in Spin outside the HTTP trigger.
    ///
    /// # Errors
    /// The files of the component are gone.
    pub fn new(grants: &Grants, own: Option<Arc<dyn OwnApplication>>) -> wasmtime::Result<Self> {
        Ok(Self {
            variables: VariablesState::new(grants.variables.clone()),
            key_value: KeyValueState::new(grants.key_value.clone()),
            sqlite: SqliteState::new(grants.sqlite.clone()),
            redis: RedisState::new(grants.allowed_hosts.clone()),
            postgres: PostgresState::new(grants.postgres.clone()),
            resources: ResourceTable::new(),
            wasi: wasi(grants)?,
            http: WasiHttpCtx::new(),
            outbound: OutboundHttp::new(grants.allowed_hosts.clone(), own),
            inbound: InboundHttp,
        })
    }

    /// Returns the view with which a request enters an instance on WASI 0.3.
    pub fn inbound_http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.inbound,
            table: &mut self.resources,
            ctx: &mut self.http,
        }
    }
}

/// Makes WASI 0.2 and 0.3 and every interface of Spin available to components.
///
/// # Errors
/// Two definitions of one function, which would be a mistake in this file.
pub fn link_interfaces(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    wasmtime_wasi::p3::add_to_linker(linker)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)?;
    wasmtime_wasi_http::p3::add_to_linker(linker)?;

    variables::bindings::spin::variables::variables::add_to_linker::<_, HasSelf<VariablesState>>(
        linker,
        |guest| &mut guest.variables,
    )?;
    variables::bindings::fermyon::spin::variables::add_to_linker::<_, HasSelf<VariablesState>>(
        linker,
        |guest| &mut guest.variables,
    )?;
    key_value::bindings::key_value::add_to_linker::<_, HasSelf<KeyValueState>>(linker, |guest| {
        &mut guest.key_value
    })?;
    sqlite::bindings::sqlite::add_to_linker::<_, HasSelf<SqliteState>>(linker, |guest| {
        &mut guest.sqlite
    })?;
    redis::bindings::redis::add_to_linker::<_, HasSelf<RedisState>>(linker, |guest| {
        &mut guest.redis
    })?;
    redis::synchronous::bindings::redis::add_to_linker::<_, HasSelf<RedisState>>(
        linker,
        |guest| &mut guest.redis,
    )?;
    postgres::bindings::postgres::add_to_linker::<_, HasSelf<PostgresState>>(linker, |guest| {
        &mut guest.postgres
    })
}

fn wasi(grants: &Grants) -> wasmtime::Result<WasiCtx> {
    let mut wasi = WasiCtxBuilder::new();
    wasi.envs(&grants.environment);
    if let Some(files) = &grants.files {
        wasi.preopened_dir(files.path(), "/", FsPerms::ReadOnly)?;
    }
    if !grants.quiet {
        wasi.stdout(LineWriter::new(Output::Stdout));
        wasi.stderr(LineWriter::new(Output::Stderr));
    }

    let allowed_hosts = grants.allowed_hosts.clone();
    wasi.allow_tcp(true)
        .allow_udp(true)
        .socket_addr_check(move |address, purpose| {
            let is_allowed = allows_socket(&allowed_hosts, &address, purpose);
            Box::pin(async move { is_allowed })
        });
    Ok(wasi.build())
}

fn allows_socket(
    allowed_hosts: &AllowedHosts,
    address: &std::net::SocketAddr,
    purpose: SocketAddrUse,
) -> bool {
    match purpose {
        SocketAddrUse::TcpConnect => allowed_hosts.allow(&format!("tcp://{address}"), "tcp"),
        SocketAddrUse::UdpSend | SocketAddrUse::UdpReceive => {
            allowed_hosts.allow(&format!("udp://{address}"), "udp")
        }
        // Connecting first binds any free local port. A component may not choose a port or listen.
        SocketAddrUse::TcpBind | SocketAddrUse::UdpBind => address.port() == 0,
        _ => false,
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.wasi,
            table: &mut self.resources,
        }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.outbound,
            table: &mut self.resources,
            ctx: &mut self.http,
        }
    }
}
