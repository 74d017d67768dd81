//! The file of a SQLite database, connections to it, and values on their way in and out.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::types::ValueRef;

use super::bindings::sqlite::{Error, QueryResult, RowResult, Value};
use crate::interfaces::{MAX_REPLY_BYTES, too_large};

/// How long a statement waits for another connection's write.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// How many connections wait to be used again. Each keeps up to 2 MiB of the file.
const MAX_IDLE: usize = 8;

/// The file of a database, and connections to it that wait for the next component that opens it.
#[derive(Debug)]
pub struct DatabaseFile {
    path: PathBuf,
    idle: Mutex<Vec<Arc<Link>>>,
}

/// A connection to the file.
#[derive(Debug)]
struct Link {
    connection: Mutex<rusqlite::Connection>,
    /// It has done more than read: it may hold a transaction, settings, a last row id.
    marked: Arc<AtomicBool>,
}

impl DatabaseFile {
    pub fn new(path: PathBuf) -> Self {
        Self { path, idle: Mutex::default() }
    }

    /// A connection that is as good as new, making the file when it is not there.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(self: &Arc<Self>) -> rusqlite::Result<Database> {
        let idle = lock(&self.idle).pop();
        let link = idle.map_or_else(|| Link::new(&self.path).map(Arc::new), Ok)?;
        Ok(Database(Arc::new(Lease { file: self.clone(), link })))
    }
}

impl Link {
    fn new(path: &Path) -> rusqlite::Result<Self> {
        let connection = rusqlite::Connection::open(path)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        // With a log beside the file readers and writers do not wait for each other, and a write does not wait for the
        // disk. Where the file system cannot do that, or another connection is at work, it stays as it is.
        let _ = connection.pragma_update(None, "journal_mode", "wal");
        connection.pragma_update(None, "synchronous", "normal")?;
        let marked = Arc::new(AtomicBool::new(false));
        let marks = marked.clone();
        connection.authorizer(Some(move |context: AuthContext<'_>| match context.action {
            AuthAction::Select | AuthAction::Read { .. } | AuthAction::Function { .. } | AuthAction::Recursive => {
                Authorization::Allow
            }
            // A component reaches its database and no other file.
            AuthAction::Attach { filename } if !matches!(filename, "" | ":memory:") => Authorization::Deny,
            _ => {
                marks.store(true, Ordering::Relaxed);
                Authorization::Allow
            }
        }));
        Ok(Self { connection: Mutex::new(connection), marked })
    }
}

/// An open connection. Each `open` has its own, so that transactions of one do not mix with another's.
#[derive(Clone, Debug)]
pub struct Database(Arc<Lease>);

/// A connection in use. One that has only read is kept for the next.
#[derive(Debug)]
struct Lease {
    file: Arc<DatabaseFile>,
    link: Arc<Link>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut idle = lock(&self.file.idle);
        if !self.link.marked.load(Ordering::Relaxed) && idle.len() < MAX_IDLE {
            idle.push(self.link.clone());
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Database {
    /// Runs statements that return nothing, as `--sqlite` gives them.
    ///
    /// # Errors
    /// The first statement that fails.
    pub fn run_batch(&self, statements: &str) -> rusqlite::Result<()> {
        self.with(|connection| connection.execute_batch(statements))
    }

    pub fn with<R>(&self, work: impl FnOnce(&rusqlite::Connection) -> R) -> R {
        work(&lock(&self.0.link.connection))
    }

    /// Runs one statement and gives each row to `row`.
    pub fn query(
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

    pub fn query_all(&self, statement: &str, parameters: Vec<Value>) -> Result<QueryResult, Error> {
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

pub fn io(error: impl std::fmt::Display) -> Error {
    Error::Io(error.to_string())
}

pub fn size(row: &RowResult) -> usize {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn database() -> (tempfile::TempDir, Database) {
        let dir = tempfile::tempdir().unwrap();
        let database = file(&dir).open().unwrap();
        (dir, database)
    }

    fn file(dir: &tempfile::TempDir) -> Arc<DatabaseFile> {
        Arc::new(DatabaseFile::new(dir.path().join("s.db")))
    }

    fn ask(database: &Database, statement: &str) -> Vec<Vec<String>> {
        let rows = database.query_all(statement, Vec::new()).unwrap().rows;
        rows.into_iter().map(|row| row.values.iter().map(|value| format!("{value:?}")).collect()).collect()
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

    #[test]
    fn a_connection_that_only_read_is_used_again_and_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let file = file(&dir);
        file.open().unwrap().run_batch("CREATE TABLE t (a); INSERT INTO t VALUES (1);").unwrap();
        assert_eq!(lock(&file.idle).len(), 0);
        ask(&file.open().unwrap(), "SELECT max(a) FROM t");
        assert_eq!(lock(&file.idle).len(), 1);
        for marking in ["BEGIN", "INSERT INTO t VALUES (2)", "CREATE TEMP TABLE u (a)", "PRAGMA query_only = 1"] {
            ask(&file.open().unwrap(), marking);
            assert_eq!(lock(&file.idle).len(), 0, "{marking}");
            let next = file.open().unwrap();
            assert_eq!(
                ask(&next, "SELECT last_insert_rowid(), changes()"),
                [["Value::Integer(0)", "Value::Integer(0)"]]
            );
        }
    }

    #[test]
    fn writers_and_readers_do_not_lock_each_other_out() {
        let dir = tempfile::tempdir().unwrap();
        let file = file(&dir);
        file.open().unwrap().run_batch("CREATE TABLE t (a)").unwrap();
        std::thread::scope(|scope| {
            for at in 0..16 {
                let file = &file;
                scope.spawn(move || {
                    for _ in 0..50 {
                        let database = file.open().unwrap();
                        if at % 2 == 0 {
                            ask(&database, "INSERT INTO t VALUES (1)");
                            assert_eq!(database.with(rusqlite::Connection::changes), 1);
                        } else {
                            ask(&database, "SELECT count(*) FROM t");
                        }
                    }
                });
            }
        });
        assert_eq!(ask(&file.open().unwrap(), "SELECT count(*) FROM t"), [["Value::Integer(400)"]]);
    }

    #[test]
    fn a_transaction_of_one_connection_is_not_seen_by_another_until_it_ends() {
        let dir = tempfile::tempdir().unwrap();
        let file = file(&dir);
        let (one, other) = (file.open().unwrap(), file.open().unwrap());
        one.run_batch("CREATE TABLE t (a); BEGIN; INSERT INTO t VALUES (1);").unwrap();
        assert_eq!(ask(&other, "SELECT count(*) FROM t"), [["Value::Integer(0)"]]);
        one.run_batch("COMMIT").unwrap();
        assert_eq!(ask(&other, "SELECT count(*) FROM t"), [["Value::Integer(1)"]]);
    }
}
