//! `spin:postgres/postgres@4.2.0`: connections to PostgreSQL servers the component may reach. Components built for 4.0 or
//! 4.1 of the interface use the same functions.
//!
//! The texts of errors are those of the `tokio-postgres` crate in the version Spin uses; components and their tests see no
//! difference.

#![expect(clippy::result_large_err, reason = "it is the interface's: a copy at the end of a failed call costs nothing")]

mod error;
mod parameter;
mod pool;
mod query;
mod value;
mod wire;

use wasmtime::component::{Accessor, FutureReader, HasSelf, Resource, StreamReader};

use crate::allowed_hosts::AllowedHosts;
use crate::guest::Guest;
use bindings::postgres::{
    Column, Error, Host, HostConnection, HostConnectionBuilder, HostConnectionBuilderWithStore,
    HostConnectionWithStore, ParameterValue, Row, RowSet,
};
pub use pool::Pools;
use pool::{Address, Client};

/// What `bindgen!` makes of the interface.
pub mod bindings {
    wasmtime::component::bindgen!({
        inline: "
            package spin:postgres@4.2.0;

            interface postgres {
                variant error {
                    connection-failed(string),
                    bad-parameter(string),
                    query-failed(query-error),
                    value-conversion-failed(string),
                    other(string),
                }
                variant query-error { text(string), db-error(db-error) }
                record db-error {
                    as-text: string,
                    severity: string,
                    code: string,
                    message: string,
                    detail: option<string>,
                    extras: list<tuple<string, string>>,
                }

                variant db-data-type {
                    boolean, int8, int16, int32, int64, floating32, floating64, str, binary, date, time, datetime,
                    timestamp, uuid, jsonb, decimal, range-int32, range-int64, range-decimal, array-int32, array-int64,
                    array-decimal, array-str, interval, other(string),
                }

                // year, month, day; hour, minute, second, nanosecond
                type ymd = tuple<s32, u8, u8>;
                type hmsn = tuple<u8, u8, u8, u32>;
                type ymd-hmsn = tuple<s32, u8, u8, u8, u8, u8, u32>;
                enum range-bound-kind { inclusive, exclusive }
                type s32-range = tuple<option<tuple<s32, range-bound-kind>>, option<tuple<s32, range-bound-kind>>>;
                type s64-range = tuple<option<tuple<s64, range-bound-kind>>, option<tuple<s64, range-bound-kind>>>;
                type text-range =
                    tuple<option<tuple<string, range-bound-kind>>, option<tuple<string, range-bound-kind>>>;
                record interval { micros: s64, days: s32, months: s32 }

                variant db-value {
                    boolean(bool), int8(s8), int16(s16), int32(s32), int64(s64), floating32(f32), floating64(f64),
                    str(string), binary(list<u8>), date(ymd), time(hmsn), datetime(ymd-hmsn), timestamp(s64),
                    uuid(string), jsonb(list<u8>), decimal(string), range-int32(s32-range), range-int64(s64-range),
                    range-decimal(text-range), array-int32(list<option<s32>>), array-int64(list<option<s64>>),
                    array-decimal(list<option<string>>), array-str(list<option<string>>), interval(interval), db-null,
                    unsupported(list<u8>),
                }
                variant parameter-value {
                    boolean(bool), int8(s8), int16(s16), int32(s32), int64(s64), floating32(f32), floating64(f64),
                    str(string), binary(list<u8>), date(ymd), time(hmsn), datetime(ymd-hmsn), timestamp(s64),
                    uuid(string), jsonb(list<u8>), decimal(string), range-int32(s32-range), range-int64(s64-range),
                    range-decimal(text-range), array-int32(list<option<s32>>), array-int64(list<option<s64>>),
                    array-decimal(list<option<string>>), array-str(list<option<string>>), interval(interval), db-null,
                }

                record column { name: string, data-type: db-data-type }
                type row = list<db-value>;
                record row-set { columns: list<column>, rows: list<row> }

                resource connection-builder {
                    constructor(address: string);
                    set-ca-root: func(certificate: string) -> result<_, error>;
                    build: func() -> result<connection, error>;
                    build-async: async func() -> result<connection, error>;
                }

                resource connection {
                    open: static func(address: string) -> result<connection, error>;
                    open-async: static async func(address: string) -> result<connection, error>;
                    query: func(statement: string, params: list<parameter-value>) -> result<row-set, error>;
                    query-async: async func(statement: string, params: list<parameter-value>)
                        -> result<tuple<list<column>, stream<row>, future<result<_, error>>>, error>;
                    execute: func(statement: string, params: list<parameter-value>) -> result<u64, error>;
                    execute-async: async func(statement: string, params: list<parameter-value>) -> result<u64, error>;
                }
            }

            world imports { import postgres; }
        ",
        imports: {
            "spin:postgres/postgres.[constructor]connection-builder": trappable,
            "spin:postgres/postgres.[method]connection-builder.build": async,
            "spin:postgres/postgres.[drop]connection-builder": trappable,
            "spin:postgres/postgres.[static]connection.open": async,
            "spin:postgres/postgres.[method]connection.query": async,
            "spin:postgres/postgres.[method]connection.execute": async,
            "spin:postgres/postgres.[drop]connection": trappable,
        },
        with: {
            "spin:postgres/postgres.connection": super::Connection,
            "spin:postgres/postgres.connection-builder": super::Builder,
        },
        require_store_data_send: true,
    });

    pub use spin::postgres::postgres;
}

/// An open connection: one of its address' pool, given back when the last who uses it is gone.
pub type Connection = Client;

/// An address whose connection is not opened yet.
pub type Builder = Address;

type Handle = Resource<Connection>;
type Rows = (Vec<Column>, StreamReader<Row>, FutureReader<Result<(), Error>>);

/// Refuses addresses with a host `allowed` does not have. An address may name several hosts; each must be allowed.
fn check(allowed: &AllowedHosts, address: &Address) -> Result<(), Error> {
    for host in address.hosts()? {
        if !allowed.allow(&host, "postgres") {
            return Err(Error::ConnectionFailed(format!("address postgres://{host} is not permitted")));
        }
    }
    Ok(())
}

/// Opens a connection; what it needs of the store is taken before and what it makes is put there after, so that the
/// instance is free in between.
async fn connect(component: &crate::component::Component, address: &Address) -> Result<Connection, Error> {
    check(&component.allowed_hosts, address)?;
    component.postgres.client(address).await
}

impl Guest {
    fn keep(&mut self, client: Connection) -> Result<Handle, Error> {
        self.postgres.push(client).map_err(|_| Error::ConnectionFailed("too many connections".to_owned()))
    }

    fn client(&self, handle: &Handle) -> Result<Connection, Error> {
        let found = self.postgres.get(handle).cloned();
        found.map_err(|_| Error::ConnectionFailed("no connection found".to_owned()))
    }

    fn address(&self, builder: &Resource<Builder>) -> Result<Address, Error> {
        let found = self.postgres_builders.get(builder).cloned();
        found.map_err(|_| Error::ConnectionFailed("no builder found".to_owned()))
    }

    async fn connect(&mut self, address: &Address) -> Result<Handle, Error> {
        let client = connect(&self.component, address).await?;
        self.keep(client)
    }
}

impl Host for Guest {}

impl HostConnectionBuilder for Guest {
    fn new(&mut self, address: String) -> wasmtime::Result<Resource<Builder>> {
        Ok(self.postgres_builders.push(Address::new(address))?)
    }

    fn set_ca_root(&mut self, this: Resource<Builder>, certificate: String) -> Result<(), Error> {
        let address = self.postgres_builders.get_mut(&this);
        let address = address.map_err(|_| Error::ConnectionFailed("no builder found".to_owned()))?;
        address.trust(certificate)
    }

    async fn build(&mut self, this: Resource<Builder>) -> Result<Handle, Error> {
        let address = self.address(&this)?;
        self.connect(&address).await
    }

    fn drop(&mut self, this: Resource<Builder>) -> wasmtime::Result<()> {
        self.postgres_builders.delete(this)?;
        Ok(())
    }
}

impl<T: Send> HostConnectionBuilderWithStore<T> for HasSelf<Guest> {
    async fn build_async(accessor: &Accessor<T, Self>, this: Resource<Builder>) -> Result<Handle, Error> {
        let address = accessor.with(|mut access| access.get().address(&this))?;
        open(accessor, &address).await
    }
}

impl HostConnection for Guest {
    async fn open(&mut self, address: String) -> Result<Handle, Error> {
        self.connect(&Address::new(address)).await
    }

    async fn query(&mut self, this: Handle, statement: String, values: Vec<ParameterValue>) -> Result<RowSet, Error> {
        query::collect(&self.client(&this)?, &statement, &values).await
    }

    async fn execute(&mut self, this: Handle, statement: String, values: Vec<ParameterValue>) -> Result<u64, Error> {
        query::execute(&self.client(&this)?, &statement, &values).await
    }

    fn drop(&mut self, this: Handle) -> wasmtime::Result<()> {
        self.postgres.delete(this)?;
        Ok(())
    }
}

async fn open<T: Send>(accessor: &Accessor<T, HasSelf<Guest>>, address: &Address) -> Result<Handle, Error> {
    let component = accessor.with(|mut access| access.get().component.clone());
    let client = connect(&component, address).await?;
    accessor.with(|mut access| access.get().keep(client))
}

impl<T: Send> HostConnectionWithStore<T> for HasSelf<Guest> {
    async fn open_async(accessor: &Accessor<T, Self>, address: String) -> Result<Handle, Error> {
        open(accessor, &Address::new(address)).await
    }

    /// Rows are read as the component takes them. Their columns are known with the first row: a query without rows has no
    /// columns either, as in Spin.
    async fn query_async(
        accessor: &Accessor<T, Self>,
        this: Handle,
        statement: String,
        values: Vec<ParameterValue>,
    ) -> Result<Rows, Error> {
        let client = accessor.with(|mut access| access.get().client(&this))?;
        let (columns, rows, end) = query::stream(client, &statement, &values).await?;
        accessor
            .with(|mut access| -> wasmtime::Result<Rows> {
                let rows = StreamReader::new(&mut access, rows)?;
                let end = FutureReader::new(&mut access, end)?;
                Ok((columns, rows, end))
            })
            .map_err(|error| Error::Other(error.to_string()))
    }

    async fn execute_async(
        accessor: &Accessor<T, Self>,
        this: Handle,
        statement: String,
        values: Vec<ParameterValue>,
    ) -> Result<u64, Error> {
        let client = accessor.with(|mut access| access.get().client(&this))?;
        query::execute(&client, &statement, &values).await
    }
}
