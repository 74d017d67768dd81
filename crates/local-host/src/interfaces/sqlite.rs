//! `spin:sqlite/sqlite@3.1.0`: the SQLite database under the state directory.
//!
//! The version of the library is Spin's, so it accepts the same SQL and reports the same errors.

pub mod bindings;
mod database;
mod query;

use std::collections::HashSet;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};
use wasmtime::component::{Accessor, FutureReader, HasSelf, Resource, ResourceTable, StreamReader};

use super::streams::ChannelProducer;
use super::{MAX_HANDLES, MAX_REPLY_BYTES, handle_table, reply_too_large};
use bindings::sqlite::{
    Error, Host, HostConnection, HostConnectionWithStore, QueryResult, RowResult, Value,
};
pub use database::{Database, DatabaseFile};
use query::io_error;

/// Rows read before the component takes them.
const ROWS_AHEAD: usize = 64;

type Handle = Resource<Database>;

/// The databases a component may open, by name, and the file they stand for.
pub struct SqliteGrant {
    pub databases: HashSet<String>,
    pub file: Arc<DatabaseFile>,
}

/// The open connections of one instance.
pub struct SqliteState {
    grant: Arc<SqliteGrant>,
    connections: ResourceTable,
}

impl SqliteState {
    pub fn new(grant: Arc<SqliteGrant>) -> Self {
        Self {
            grant,
            connections: handle_table(MAX_HANDLES),
        }
    }

    fn open_database(&mut self, database: &str) -> Result<Handle, Error> {
        if !self.grant.databases.contains(database) {
            return Err(Error::AccessDenied);
        }

        let database = self.grant.file.open().map_err(io_error)?;
        self.connections
            .push(database)
            .map_err(|_| Error::Io("too many connections opened".to_owned()))
    }

    fn database(&self, handle: &Handle) -> Result<Database, Error> {
        self.connections
            .get(handle)
            .cloned()
            .map_err(|_| Error::InvalidConnection)
    }
}

impl Host for SqliteState {}

impl HostConnection for SqliteState {
    fn open(&mut self, database: String) -> Result<Handle, Error> {
        self.open_database(&database)
    }

    async fn execute(
        &mut self,
        this: Handle,
        statement: String,
        parameters: Vec<Value>,
    ) -> Result<QueryResult, Error> {
        let database = self.database(&this)?;
        tokio::task::spawn_blocking(move || query::query_all(&database, &statement, parameters))
            .await
            .map_err(io_error)?
    }

    fn last_insert_rowid(&mut self, this: Handle) -> wasmtime::Result<i64> {
        let database = self.connections.get(&this)?;
        Ok(database.with(rusqlite::Connection::last_insert_rowid))
    }

    fn changes(&mut self, this: Handle) -> wasmtime::Result<u64> {
        let database = self.connections.get(&this)?;
        Ok(database.with(rusqlite::Connection::changes))
    }

    fn drop(&mut self, this: Handle) -> wasmtime::Result<()> {
        self.connections.delete(this)?;
        Ok(())
    }
}

type Rows = (
    Vec<String>,
    StreamReader<RowResult>,
    FutureReader<Result<(), Error>>,
);

impl<T: Send> HostConnectionWithStore<T> for HasSelf<SqliteState> {
    async fn open_async(accessor: &Accessor<T, Self>, database: String) -> Result<Handle, Error> {
        accessor.with(|mut access| access.get().open_database(&database))
    }

    /// Rows are read as the component takes them. A statement that cannot run has no columns and no
    /// rows, and the future holds its error, as in Spin.
    async fn execute_async(
        accessor: &Accessor<T, Self>,
        this: Handle,
        statement: String,
        parameters: Vec<Value>,
    ) -> Result<Rows, Error> {
        let database = accessor.with(|mut access| access.get().database(&this))?;
        let (column_sender, column_receiver) = oneshot::channel();
        let (row_sender, row_receiver) = mpsc::channel(ROWS_AHEAD);
        let (outcome_sender, outcome_receiver) = oneshot::channel();

        // A send fails when its reader is gone, which only means that nobody waits any more.
        tokio::task::spawn_blocking(move || {
            let send_columns = |names| drop(column_sender.send(names));
            let outcome = query::query(&database, &statement, parameters, send_columns, |row| {
                if query::byte_size(&row) > MAX_REPLY_BYTES {
                    return Err(Error::Io(reply_too_large()));
                }
                row_sender
                    .blocking_send(row)
                    .map_err(|_| Error::Io("row send error".to_owned()))
            });
            drop(outcome_sender.send(outcome));
        });

        let columns = column_receiver.await.unwrap_or_default();
        accessor
            .with(|mut access| -> wasmtime::Result<Rows> {
                let rows = StreamReader::new(&mut access, ChannelProducer(row_receiver))?;
                let outcome = FutureReader::new(&mut access, outcome_receiver)?;
                Ok((columns, rows, outcome))
            })
            .map_err(io_error)
    }

    async fn last_insert_rowid_async(
        accessor: &Accessor<T, Self>,
        this: Handle,
    ) -> wasmtime::Result<i64> {
        accessor.with(|mut access| access.get().last_insert_rowid(this))
    }

    async fn changes_async(accessor: &Accessor<T, Self>, this: Handle) -> wasmtime::Result<u64> {
        accessor.with(|mut access| access.get().changes(this))
    }
}
