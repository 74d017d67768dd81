//! `spin:redis/redis@3.0.0`: connections to the Redis servers a component may reach. The export
//! that the Redis trigger calls, `inbound-redis`, is defined here too because it shares these types.
//! `synchronous` has the same for components built for Spin 2 and 3.
//!
//! Error texts come from the version of the `redis` crate that Spin uses, so components and their
//! tests see no difference.

pub mod bindings;
mod commands;
mod connection;
mod reply;
mod state;
pub mod synchronous;

use wasmtime::component::{Accessor, HasSelf, Resource};

use bindings::redis::{
    Error, Host, HostConnection, HostConnectionWithStore, RedisParameter, RedisResult,
};
use connection::Connection;
pub use state::RedisState;

type Handle = Resource<Connection>;

impl Host for RedisState {}

impl HostConnection for RedisState {
    fn drop(&mut self, connection: Handle) -> wasmtime::Result<()> {
        self.close(connection)
    }
}

/// Returns the connection behind a handle.
fn connection<T>(
    accessor: &Accessor<T, HasSelf<RedisState>>,
    handle: &Handle,
) -> Result<Connection, Error> {
    accessor.with(|mut access| access.get().connection(handle))
}

impl<T: Send> HostConnectionWithStore<T> for HasSelf<RedisState> {
    async fn open(accessor: &Accessor<T, Self>, address: String) -> Result<Handle, Error> {
        let allowed_hosts = accessor.with(|mut access| access.get().allowed_hosts());
        let connection = commands::open(&allowed_hosts, address).await?;
        accessor.with(|mut access| access.get().keep(connection))
    }

    async fn publish(
        accessor: &Accessor<T, Self>,
        this: Handle,
        channel: String,
        payload: Vec<u8>,
    ) -> Result<(), Error> {
        commands::publish(connection(accessor, &this)?, channel, payload).await
    }

    async fn get(
        accessor: &Accessor<T, Self>,
        this: Handle,
        key: String,
    ) -> Result<Option<Vec<u8>>, Error> {
        commands::get(connection(accessor, &this)?, key).await
    }

    async fn set(
        accessor: &Accessor<T, Self>,
        this: Handle,
        key: String,
        value: Vec<u8>,
    ) -> Result<(), Error> {
        commands::set(connection(accessor, &this)?, key, value).await
    }

    async fn incr(accessor: &Accessor<T, Self>, this: Handle, key: String) -> Result<i64, Error> {
        commands::incr(connection(accessor, &this)?, key).await
    }

    async fn del(
        accessor: &Accessor<T, Self>,
        this: Handle,
        keys: Vec<String>,
    ) -> Result<u32, Error> {
        commands::del(connection(accessor, &this)?, keys).await
    }

    async fn sadd(
        accessor: &Accessor<T, Self>,
        this: Handle,
        key: String,
        values: Vec<String>,
    ) -> Result<u32, Error> {
        commands::sadd(connection(accessor, &this)?, key, values).await
    }

    async fn smembers(
        accessor: &Accessor<T, Self>,
        this: Handle,
        key: String,
    ) -> Result<Vec<String>, Error> {
        commands::smembers(connection(accessor, &this)?, key).await
    }

    async fn srem(
        accessor: &Accessor<T, Self>,
        this: Handle,
        key: String,
        values: Vec<String>,
    ) -> Result<u32, Error> {
        commands::srem(connection(accessor, &this)?, key, values).await
    }

    async fn execute(
        accessor: &Accessor<T, Self>,
        this: Handle,
        command: String,
        arguments: Vec<RedisParameter>,
    ) -> Result<Vec<RedisResult>, Error> {
        commands::execute(connection(accessor, &this)?, command, arguments).await
    }
}
