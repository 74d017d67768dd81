//! `spin:postgres/postgres@4.2.0`: connections to the PostgreSQL servers a component may reach.
//! Components built for 4.0 or 4.1 of the interface use the same functions.
//!
//! Error texts come from the version of the `tokio-postgres` crate that Spin uses, so components and
//! their tests see no difference.

#![expect(
    clippy::result_large_err,
    reason = "the interface defines the error; copying it at the end of a failed call costs nothing"
)]

pub mod bindings;
mod error;
mod parameter;
mod pool;
mod query;
mod value;
mod wire;

use std::sync::Arc;

use wasmtime::component::{Accessor, FutureReader, HasSelf, Resource, ResourceTable, StreamReader};

use super::{MAX_HANDLES, handle_table};
use crate::allowed_hosts::AllowedHosts;
use bindings::postgres::{
    Column, Error, Host, HostConnection, HostConnectionBuilder, HostConnectionBuilderWithStore,
    HostConnectionWithStore, ParameterValue, Row, RowSet,
};
pub use pool::Pools;
use pool::{Address, Connection};

type ConnectionHandle = Resource<Connection>;
type BuilderHandle = Resource<Address>;
type Rows = (
    Vec<Column>,
    StreamReader<Row>,
    FutureReader<Result<(), Error>>,
);

/// The servers a component may reach, and its connections to them.
pub struct PostgresGrant {
    pub allowed_hosts: Arc<AllowedHosts>,
    pub pools: Pools,
}

impl PostgresGrant {
    /// Takes a connection from the pool of `address`.
    async fn connect(&self, address: &Address) -> Result<Connection, Error> {
        self.check(address)?;
        self.pools
            .connect(address)
            .await
            .map_err(|error| Error::ConnectionFailed(error::with_causes(&error)))
    }

    /// Refuses an address unless every host in it is allowed.
    fn check(&self, address: &Address) -> Result<(), Error> {
        let hosts = address.hosts().map_err(Error::ConnectionFailed)?;
        for host in hosts {
            if !self.allowed_hosts.allow(&host, "postgres") {
                return Err(Error::ConnectionFailed(format!(
                    "address postgres://{host} is not permitted"
                )));
            }
        }
        Ok(())
    }
}

/// The open connections of one instance, and the builders of further ones.
pub struct PostgresState {
    grant: Arc<PostgresGrant>,
    connections: ResourceTable,
    builders: ResourceTable,
}

impl PostgresState {
    pub fn new(grant: Arc<PostgresGrant>) -> Self {
        Self {
            grant,
            connections: handle_table(MAX_HANDLES),
            builders: handle_table(MAX_HANDLES),
        }
    }

    fn add_connection(&mut self, connection: Connection) -> Result<ConnectionHandle, Error> {
        self.connections
            .push(connection)
            .map_err(|_| Error::ConnectionFailed("too many connections".to_owned()))
    }

    fn connection(&self, handle: &ConnectionHandle) -> Result<Connection, Error> {
        let connection = self.connections.get(handle).cloned();
        connection.map_err(|_| Error::ConnectionFailed("no connection found".to_owned()))
    }

    fn address(&self, handle: &BuilderHandle) -> Result<Address, Error> {
        let address = self.builders.get(handle).cloned();
        address.map_err(|_| no_builder())
    }

    async fn connect(&mut self, address: &Address) -> Result<ConnectionHandle, Error> {
        let connection = self.grant.connect(address).await?;
        self.add_connection(connection)
    }
}

fn no_builder() -> Error {
    Error::ConnectionFailed("no builder found".to_owned())
}

/// Connects for an asynchronous call. The store is used only before and after, so that the instance
/// serves other requests in between.
async fn connect_concurrently<T: Send>(
    accessor: &Accessor<T, HasSelf<PostgresState>>,
    address: &Address,
) -> Result<ConnectionHandle, Error> {
    let grant = accessor.with(|mut access| access.get().grant.clone());
    let connection = grant.connect(address).await?;
    accessor.with(|mut access| access.get().add_connection(connection))
}

impl Host for PostgresState {}

impl HostConnectionBuilder for PostgresState {
    fn new(&mut self, address: String) -> wasmtime::Result<BuilderHandle> {
        Ok(self.builders.push(Address::new(address))?)
    }

    fn set_ca_root(&mut self, this: BuilderHandle, certificate: String) -> Result<(), Error> {
        let address = self.builders.get_mut(&this).map_err(|_| no_builder())?;
        address.trust(certificate).map_err(Error::Other)
    }

    async fn build(&mut self, this: BuilderHandle) -> Result<ConnectionHandle, Error> {
        let address = self.address(&this)?;
        self.connect(&address).await
    }

    fn drop(&mut self, this: BuilderHandle) -> wasmtime::Result<()> {
        self.builders.delete(this)?;
        Ok(())
    }
}

impl<T: Send> HostConnectionBuilderWithStore<T> for HasSelf<PostgresState> {
    async fn build_async(
        accessor: &Accessor<T, Self>,
        this: BuilderHandle,
    ) -> Result<ConnectionHandle, Error> {
        let address = accessor.with(|mut access| access.get().address(&this))?;
        connect_concurrently(accessor, &address).await
    }
}

impl HostConnection for PostgresState {
    async fn open(&mut self, address: String) -> Result<ConnectionHandle, Error> {
        self.connect(&Address::new(address)).await
    }

    async fn query(
        &mut self,
        this: ConnectionHandle,
        statement: String,
        values: Vec<ParameterValue>,
    ) -> Result<RowSet, Error> {
        query::query_all(&self.connection(&this)?, &statement, &values).await
    }

    async fn execute(
        &mut self,
        this: ConnectionHandle,
        statement: String,
        values: Vec<ParameterValue>,
    ) -> Result<u64, Error> {
        query::execute(&self.connection(&this)?, &statement, &values).await
    }

    fn drop(&mut self, this: ConnectionHandle) -> wasmtime::Result<()> {
        self.connections.delete(this)?;
        Ok(())
    }
}

impl<T: Send> HostConnectionWithStore<T> for HasSelf<PostgresState> {
    async fn open_async(
        accessor: &Accessor<T, Self>,
        address: String,
    ) -> Result<ConnectionHandle, Error> {
        connect_concurrently(accessor, &Address::new(address)).await
    }

    /// Rows are read as the component takes them. Their columns are known with the first row: a
    /// query without rows has no columns either, as in Spin.
    async fn query_async(
        accessor: &Accessor<T, Self>,
        this: ConnectionHandle,
        statement: String,
        values: Vec<ParameterValue>,
    ) -> Result<Rows, Error> {
        let connection = accessor.with(|mut access| access.get().connection(&this))?;
        let streamed = query::query_stream(connection, &statement, &values).await?;

        accessor
            .with(|mut access| -> wasmtime::Result<Rows> {
                let rows = StreamReader::new(&mut access, streamed.rows)?;
                let outcome = FutureReader::new(&mut access, streamed.outcome)?;
                Ok((streamed.columns, rows, outcome))
            })
            .map_err(|error| Error::Other(error.to_string()))
    }

    async fn execute_async(
        accessor: &Accessor<T, Self>,
        this: ConnectionHandle,
        statement: String,
        values: Vec<ParameterValue>,
    ) -> Result<u64, Error> {
        let connection = accessor.with(|mut access| access.get().connection(&this))?;
        query::execute(&connection, &statement, &values).await
    }
}
