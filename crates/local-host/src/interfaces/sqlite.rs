//! `spin:sqlite/sqlite@3.1.0`: the SQLite database under the state directory.
//!
//! The library version is Spin's, so that the same SQL is understood and the same text refuses what is not.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::types::ValueRef;
use tokio::sync::{mpsc, oneshot};
use wasmtime::component::{Accessor, FutureReader, HasSelf, Resource, StreamReader};

use super::streams::Channel;
use super::{MAX_REPLY_BYTES, too_large};
use crate::guest::Guest;
use bindings::sqlite::{Error, Host, HostConnection, HostConnectionWithStore, QueryResult, RowResult, Value};

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

/// An open connection. Each `open` makes its own, so that transactions of one do not mix with another's.
#[derive(Clone, Debug)]
pub struct Database(Arc<Mutex<rusqlite::Connection>>);

impl Database {
    /// Opens the file, making it when it is not there.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(path: &Path) -> rusqlite::Result<Self> {
        let connection = rusqlite::Connection::open(path)?;
        // A component reaches its database and no other file.
        connection.authorizer(Some(|context: AuthContext<'_>| match context.action {
            AuthAction::Attach { filename } if !matches!(filename, "" | ":memory:") => Authorization::Deny,
            _ => Authorization::Allow,
        }));
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    /// Runs statements that return nothing, as `--sqlite` gives them.
    ///
    /// # Errors
    /// The first statement that fails.
    pub fn run_batch(&self, statements: &str) -> rusqlite::Result<()> {
        self.with(|connection| connection.execute_batch(statements))
    }

    fn with<R>(&self, work: impl FnOnce(&rusqlite::Connection) -> R) -> R {
        work(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Runs one statement and gives each row to `row`.
    fn query(
        &self,
        statement: &str,
        parameters: Vec<Value>,
        columns: impl FnOnce(Vec<String>),
        mut row: impl FnMut(RowResult) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.with(|connection| {
            let mut prepared = connection.prepare_cached(statement).map_err(io)?;
            columns(prepared.column_names().into_iter().map(str::to_owned).collect());
            let width = prepared.column_count();
            let parameters = rusqlite::params_from_iter(parameters.into_iter().map(to_sql));
            let mut rows = prepared.query(parameters).map_err(io)?;
            while let Some(found) = rows.next().map_err(io)? {
                let values = (0..width).map(|at| from_sql(found.get_ref(at).map_err(io)?)).collect::<Result<_, _>>()?;
                row(RowResult { values })?;
            }
            Ok(())
        })
    }

    fn query_all(&self, statement: &str, parameters: Vec<Value>) -> Result<QueryResult, Error> {
        let mut result = QueryResult { columns: Vec::new(), rows: Vec::new() };
        let mut bytes = size_of::<QueryResult>();
        let rows = &mut result.rows;
        self.query(
            statement,
            parameters,
            |names| result.columns = names,
            |row| {
                bytes += size(&row);
                if bytes > MAX_REPLY_BYTES {
                    return Err(Error::Io(too_large()));
                }
                rows.push(row);
                Ok(())
            },
        )?;
        Ok(result)
    }
}

fn io(error: impl std::fmt::Display) -> Error {
    Error::Io(error.to_string())
}

fn size(row: &RowResult) -> usize {
    let payload = |value: &Value| match value {
        Value::Text(text) => text.len(),
        Value::Blob(bytes) => bytes.len(),
        Value::Integer(_) | Value::Real(_) | Value::Null => 0,
    };
    row.values.iter().map(|value| size_of::<Value>() + payload(value)).sum()
}

fn to_sql(value: Value) -> rusqlite::types::Value {
    match value {
        Value::Integer(number) => number.into(),
        Value::Real(number) => number.into(),
        Value::Text(text) => text.into(),
        Value::Blob(bytes) => bytes.into(),
        Value::Null => rusqlite::types::Value::Null,
    }
}

fn from_sql(value: ValueRef<'_>) -> Result<Value, Error> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Text(bytes) => Value::Text(String::from_utf8(bytes.to_vec()).map_err(io)?),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
    })
}

type Handle = Resource<Database>;

impl Guest {
    fn open_database(&mut self, database: &str) -> Result<Handle, Error> {
        if !self.component.sqlite_databases.contains(database) {
            return Err(Error::AccessDenied);
        }
        let database = Database::open(&self.component.storage.sqlite).map_err(io)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    fn database() -> (tempfile::TempDir, Database) {
        let dir = tempfile::tempdir().unwrap();
        let database = Database::open(&dir.path().join("s.db")).unwrap();
        (dir, database)
    }

    #[test]
    fn every_kind_of_value_comes_back_as_it_went_in() {
        let (_dir, database) = database();
        let values =
            [Value::Integer(-1), Value::Real(1.5), Value::Text("ü".into()), Value::Blob(vec![0, 255]), Value::Null];
        let result = database.query_all("SELECT ?1 AS a, ?2, ?3, ?4, ?5", values.to_vec()).unwrap();
        assert_eq!(result.columns[0], "a");
        assert_eq!(format!("{:?}", result.rows[0].values), format!("{values:?}"));
    }

    #[test]
    fn a_bad_statement_is_answered_with_sqlites_own_text() {
        let (_dir, database) = database();
        let error = database.query_all("SELEC 1", Vec::new()).unwrap_err();
        assert!(matches!(&error, Error::Io(text) if text.contains("syntax error")), "{error:?}");
    }

    #[test]
    fn other_files_cannot_be_attached() {
        let (dir, database) = database();
        let other = dir.path().join("other.db");
        let attach = |name: &str| database.query_all(&format!("ATTACH '{name}' AS o"), Vec::new());
        assert!(attach(&other.display().to_string()).is_err());
        assert!(attach(":memory:").is_ok());
    }

    #[test]
    fn a_batch_runs_all_its_statements() {
        let (_dir, database) = database();
        database.run_batch("CREATE TABLE t (a); INSERT INTO t VALUES (1); INSERT INTO t VALUES (2);").unwrap();
        assert_eq!(database.query_all("SELECT a FROM t", Vec::new()).unwrap().rows.len(), 2);
    }
}
