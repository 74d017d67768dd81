//! `spin:sqlite/sqlite@3.1.0`: the SQLite database under the state directory.
//!
//! The library version is Spin's, so that the same SQL is understood and the same text refuses what is not.

mod database;

use tokio::sync::{mpsc, oneshot};
use wasmtime::component::{Accessor, FutureReader, HasSelf, Resource, StreamReader};

use super::streams::Channel;
use super::{MAX_REPLY_BYTES, too_large};
use crate::guest::Guest;
use bindings::sqlite::{Error, Host, HostConnection, HostConnectionWithStore, QueryResult, RowResult, Value};
pub use database::{Database, DatabaseFile};
use database::{io, size};

/// What `bindgen!` makes of the interface.
pub mod bindings {
    wasmtime::component::bindgen!({
        inline: "
            package spin:sqlite@3.1.0;

            interface sqlite {
                variant error { no-such-database, access-denied, invalid-connection, database-full, io(string) }
                variant value { integer(s64), real(f64), text(string), blob(list<u8>), null }
                record row-result { values: list<value> }
                record query-result { columns: list<string>, rows: list<row-result> }

                resource connection {
                    open: static func(database: string) -> result<connection, error>;
                    open-async: static async func(database: string) -> result<connection, error>;
                    execute: func(statement: string, parameters: list<value>) -> result<query-result, error>;
                    execute-async: async func(statement: string, parameters: list<value>)
                        -> result<tuple<list<string>, stream<row-result>, future<result<_, error>>>, error>;
                    last-insert-rowid: func() -> s64;
                    last-insert-rowid-async: async func() -> s64;
                    changes: func() -> u64;
                    changes-async: async func() -> u64;
                }
            }

            world imports { import sqlite; }
        ",
        imports: {
            "spin:sqlite/sqlite.[drop]connection": trappable,
            "spin:sqlite/sqlite.[method]connection.execute": async,
            "spin:sqlite/sqlite.[method]connection.last-insert-rowid": trappable,
            "spin:sqlite/sqlite.[method]connection.last-insert-rowid-async": async | store | trappable,
            "spin:sqlite/sqlite.[method]connection.changes": trappable,
            "spin:sqlite/sqlite.[method]connection.changes-async": async | store | trappable,
        },
        with: { "spin:sqlite/sqlite.connection": super::Database },
        require_store_data_send: true,
    });

    pub use spin::sqlite::sqlite;
}

/// Rows read before the component takes them.
const ROWS_AHEAD: usize = 64;

type Handle = Resource<Database>;

impl Guest {
    fn open_database(&mut self, database: &str) -> Result<Handle, Error> {
        if !self.component.sqlite_databases.contains(database) {
            return Err(Error::AccessDenied);
        }
        let database = self.component.storage.sqlite.open().map_err(io)?;
        self.sqlite.push(database).map_err(|_| Error::Io("too many connections opened".to_owned()))
    }

    fn database(&self, handle: &Handle) -> Result<Database, Error> {
        self.sqlite.get(handle).cloned().map_err(|_| Error::InvalidConnection)
    }
}

impl Host for Guest {}

impl HostConnection for Guest {
    fn open(&mut self, database: String) -> Result<Handle, Error> {
        self.open_database(&database)
    }

    async fn execute(&mut self, this: Handle, statement: String, parameters: Vec<Value>) -> Result<QueryResult, Error> {
        let database = self.database(&this)?;
        tokio::task::spawn_blocking(move || database.query_all(&statement, parameters)).await.map_err(io)?
    }

    fn last_insert_rowid(&mut self, this: Handle) -> wasmtime::Result<i64> {
        Ok(self.sqlite.get(&this)?.with(rusqlite::Connection::last_insert_rowid))
    }

    fn changes(&mut self, this: Handle) -> wasmtime::Result<u64> {
        Ok(self.sqlite.get(&this)?.with(rusqlite::Connection::changes))
    }

    fn drop(&mut self, this: Handle) -> wasmtime::Result<()> {
        self.sqlite.delete(this)?;
        Ok(())
    }
}

type Rows = (Vec<String>, StreamReader<RowResult>, FutureReader<Result<(), Error>>);

impl<T: Send> HostConnectionWithStore<T> for HasSelf<Guest> {
    async fn open_async(accessor: &Accessor<T, Self>, database: String) -> Result<Handle, Error> {
        accessor.with(|mut access| access.get().open_database(&database))
    }

    /// Rows are read as the component takes them. A statement that cannot be run has no columns and no rows, and its error
    /// is what the future says, as in Spin.
    async fn execute_async(
        accessor: &Accessor<T, Self>,
        this: Handle,
        statement: String,
        parameters: Vec<Value>,
    ) -> Result<Rows, Error> {
        let database = accessor.with(|mut access| access.get().database(&this))?;
        let (columns_in, columns_out) = oneshot::channel();
        let (rows_in, rows_out) = mpsc::channel(ROWS_AHEAD);
        let (end_in, end_out) = oneshot::channel();
        // Every `send` may find its reader gone, which only means that nobody waits any more.
        tokio::task::spawn_blocking(move || {
            let columns = |names| drop(columns_in.send(names));
            let end = database.query(&statement, parameters, columns, |row| {
                if size(&row) > MAX_REPLY_BYTES {
                    return Err(Error::Io(too_large()));
                }
                rows_in.blocking_send(row).map_err(|_| Error::Io("row send error".to_owned()))
            });
            drop(end_in.send(end));
        });
        let columns = columns_out.await.unwrap_or_default();
        accessor
            .with(|mut access| -> wasmtime::Result<Rows> {
                let rows = StreamReader::new(&mut access, Channel(rows_out))?;
                let end = FutureReader::new(&mut access, end_out)?;
                Ok((columns, rows, end))
            })
            .map_err(io)
    }

    async fn last_insert_rowid_async(accessor: &Accessor<T, Self>, this: Handle) -> wasmtime::Result<i64> {
        accessor.with(|mut access| access.get().last_insert_rowid(this))
    }

    async fn changes_async(accessor: &Accessor<T, Self>, this: Handle) -> wasmtime::Result<u64> {
        accessor.with(|mut access| access.get().changes(this))
    }
}
