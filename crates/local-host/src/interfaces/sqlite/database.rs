//! The file of a SQLite database, and connections to it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

/// How long a statement waits for another connection's write.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Idle connections kept for reuse. Each keeps up to 2 MiB of the file.
const MAX_IDLE_CONNECTIONS: usize = 8;

/// The file of a database, and the connections that wait for the next component that opens it.
#[derive(Debug)]
pub struct DatabaseFile {
    path: PathBuf,
    idle: Mutex<Vec<Arc<FileConnection>>>,
}

/// A connection to the file.
#[derive(Debug)]
struct FileConnection {
    connection: Mutex<rusqlite::Connection>,
    /// It has done more than read: it may hold a transaction, settings or a last row id.
    dirty: Arc<AtomicBool>,
}

impl DatabaseFile {
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            idle: Mutex::default(),
        }
    }

    /// Opens a connection, or reuses one that is as good as new. Creates the file if it is absent.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(self: &Arc<Self>) -> rusqlite::Result<Database> {
        let idle = lock(&self.idle).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => Arc::new(FileConnection::open(&self.path)?),
        };
        Ok(Database(Arc::new(Checkout {
            file: self.clone(),
            connection,
        })))
    }
}

impl FileConnection {
    fn open(path: &Path) -> rusqlite::Result<Self> {
        let connection = rusqlite::Connection::open(path)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;

        // With a write-ahead log, readers and writers do not wait for each other and a write does
        // not wait for the disk. The mode stays as it is where the file system cannot do that or
        // another connection is busy.
        let _ = connection.pragma_update(None, "journal_mode", "wal");
        connection.pragma_update(None, "synchronous", "normal")?;

        let dirty = Arc::new(AtomicBool::new(false));
        let flag = dirty.clone();
        connection.authorizer(Some(move |context: AuthContext<'_>| match context.action {
            AuthAction::Select
            | AuthAction::Read { .. }
            | AuthAction::Function { .. }
            | AuthAction::Recursive => Authorization::Allow,
            // A component reaches its database and no other file.
            AuthAction::Attach { filename } if !matches!(filename, "" | ":memory:") => {
                Authorization::Deny
            }
            _ => {
                flag.store(true, Ordering::Relaxed);
                Authorization::Allow
            }
        }));

        Ok(Self {
            connection: Mutex::new(connection),
            dirty,
        })
    }
}

/// An open connection. Each `open` has its own, so that transactions do not mix.
#[derive(Clone, Debug)]
pub struct Database(Arc<Checkout>);

/// A connection in use. If it has only read, it returns to its file when it is dropped.
#[derive(Debug)]
struct Checkout {
    file: Arc<DatabaseFile>,
    connection: Arc<FileConnection>,
}

impl Drop for Checkout {
    fn drop(&mut self) {
        let mut idle = lock(&self.file.idle);
        let is_dirty = self.connection.dirty.load(Ordering::Relaxed);
        if !is_dirty && idle.len() < MAX_IDLE_CONNECTIONS {
            idle.push(self.connection.clone());
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Database {
    /// Runs statements that return nothing, such as those of `--sqlite`.
    ///
    /// # Errors
    /// The first statement that fails.
    pub fn run_batch(&self, statements: &str) -> rusqlite::Result<()> {
        self.with(|connection| connection.execute_batch(statements))
    }

    /// Runs `work` while no other thread uses the connection.
    pub fn with<R>(&self, work: impl FnOnce(&rusqlite::Connection) -> R) -> R {
        work(&lock(&self.0.connection.connection))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(dir: &tempfile::TempDir) -> Arc<DatabaseFile> {
        Arc::new(DatabaseFile::new(dir.path().join("s.db")))
    }

    /// A file with the empty table `t`.
    fn file_with_table(dir: &tempfile::TempDir) -> Arc<DatabaseFile> {
        let file = file(dir);
        file.open()
            .unwrap()
            .run_batch("CREATE TABLE t (a)")
            .unwrap();
        file
    }

    fn run(database: &Database, statement: &str) -> rusqlite::Result<()> {
        database.with(|connection| {
            let mut prepared = connection.prepare(statement)?;
            let mut rows = prepared.query([])?;
            while rows.next()?.is_some() {}
            Ok(())
        })
    }

    fn number(database: &Database, query: &str) -> i64 {
        database
            .with(|connection| connection.query_row(query, [], |row| row.get(0)))
            .unwrap()
    }

    #[test]
    fn other_files_cannot_be_attached() {
        let dir = tempfile::tempdir().unwrap();
        let database = file(&dir).open().unwrap();
        let other = dir.path().join("other.db");
        let attach = |name: &str| run(&database, &format!("ATTACH '{name}' AS o"));

        assert!(attach(&other.display().to_string()).is_err());
        assert!(attach(":memory:").is_ok());
    }

    #[test]
    fn a_batch_runs_all_its_statements() {
        let dir = tempfile::tempdir().unwrap();
        let database = file(&dir).open().unwrap();

        database
            .run_batch("CREATE TABLE t (a); INSERT INTO t VALUES (1); INSERT INTO t VALUES (2);")
            .unwrap();

        assert_eq!(number(&database, "SELECT count(*) FROM t"), 2);
    }

    #[test]
    fn a_connection_that_only_read_is_reused() {
        let dir = tempfile::tempdir().unwrap();
        let file = file_with_table(&dir);
        assert_eq!(lock(&file.idle).len(), 0, "it has created a table");

        run(&file.open().unwrap(), "SELECT max(a) FROM t").unwrap();

        assert_eq!(lock(&file.idle).len(), 1);
    }

    #[test]
    fn a_connection_that_did_more_than_read_is_not_reused() {
        let dir = tempfile::tempdir().unwrap();
        let file = file_with_table(&dir);

        for statement in [
            "BEGIN",
            "INSERT INTO t VALUES (2)",
            "CREATE TEMP TABLE u (a)",
            "PRAGMA query_only = 1",
        ] {
            run(&file.open().unwrap(), statement).unwrap();

            assert_eq!(lock(&file.idle).len(), 0, "{statement}");
            let next = file.open().unwrap();
            assert_eq!(
                number(&next, "SELECT last_insert_rowid()"),
                0,
                "{statement}"
            );
            assert_eq!(number(&next, "SELECT changes()"), 0, "{statement}");
        }
    }

    #[test]
    fn writers_and_readers_do_not_lock_each_other_out() {
        let dir = tempfile::tempdir().unwrap();
        let file = file_with_table(&dir);
        let insert = || {
            let database = file.open().unwrap();
            run(&database, "INSERT INTO t VALUES (1)").unwrap();
            assert_eq!(database.with(rusqlite::Connection::changes), 1);
        };
        let count = || {
            run(&file.open().unwrap(), "SELECT count(*) FROM t").unwrap();
        };

        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..50).for_each(|_| insert()));
                scope.spawn(|| (0..50).for_each(|_| count()));
            }
        });

        assert_eq!(
            number(&file.open().unwrap(), "SELECT count(*) FROM t"),
            8 * 50
        );
    }

    #[test]
    fn a_transaction_is_invisible_to_other_connections_until_it_ends() {
        let dir = tempfile::tempdir().unwrap();
        let file = file_with_table(&dir);
        let writer = file.open().unwrap();
        let reader = file.open().unwrap();

        writer
            .run_batch("BEGIN; INSERT INTO t VALUES (1);")
            .unwrap();
        assert_eq!(number(&reader, "SELECT count(*) FROM t"), 0);

        writer.run_batch("COMMIT").unwrap();
        assert_eq!(number(&reader, "SELECT count(*) FROM t"), 1);
    }
}
