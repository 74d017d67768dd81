//! `spin:key-value/key-value@3.0.0`: stores in one SQLite file under the state directory. The table
//! is Spin's, so an application keeps its values when it moves between the two.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension as _, params};
use tokio::sync::{mpsc, oneshot};
use wasmtime::component::{Accessor, FutureReader, HasSelf, Resource, ResourceTable, StreamReader};

use super::streams::ChannelProducer;
use super::{MAX_HANDLES, MAX_REPLY_BYTES, handle_table, reply_too_large};
use bindings::key_value::{Error, Host, HostStore, HostStoreWithStore};

/// Generated from the interface.
pub mod bindings {
    wasmtime::component::bindgen!({
        inline: "
            package spin:key-value@3.0.0;

            interface key-value {
                variant error { store-table-full, no-such-store, access-denied, other(string) }

                resource store {
                    open: static async func(label: string) -> result<store, error>;
                    get: async func(key: string) -> result<option<list<u8>>, error>;
                    set: async func(key: string, value: list<u8>) -> result<_, error>;
                    delete: async func(key: string) -> result<_, error>;
                    exists: async func(key: string) -> result<bool, error>;
                    get-keys: async func() -> tuple<stream<string>, future<result<_, error>>>;
                }
            }

            world imports { import key-value; }
        ",
        imports: {
            "spin:key-value/key-value.[drop]store": trappable,
            "spin:key-value/key-value.[method]store.get-keys": async | store | trappable,
        },
        with: { "spin:key-value/key-value.store": super::Store },
        require_store_data_send: true,
    });

    pub use spin::key_value::key_value;
}

/// Keys sent before the component reads them.
const KEYS_AHEAD: usize = 4;

/// The file that holds all stores. It is opened when a component first opens a store.
#[derive(Debug)]
pub struct KeyValueFile {
    path: PathBuf,
    connection: Mutex<Option<Connection>>,
    opened: AtomicBool,
}

/// The stores a component may open, by label, and the file they are in.
pub struct KeyValueGrant {
    pub labels: HashSet<String>,
    pub file: Arc<KeyValueFile>,
}

/// The open stores of one instance.
pub struct KeyValueState {
    grant: Arc<KeyValueGrant>,
    stores: ResourceTable,
}

/// An open store.
#[derive(Clone)]
pub struct Store {
    label: Arc<str>,
    file: Arc<KeyValueFile>,
}

impl KeyValueFile {
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            connection: Mutex::default(),
            opened: AtomicBool::new(false),
        }
    }

    fn open(&self) -> Result<Connection, rusqlite::Error> {
        let connection = Connection::open(&self.path)?;
        // A write does not wait for the disk, as in the SQLite interface.
        let _ = connection.pragma_update(None, "journal_mode", "wal");
        connection.pragma_update(None, "synchronous", "normal")?;
        connection.execute(
            "CREATE TABLE IF NOT EXISTS spin_key_value
             (store TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (store, key))",
            [],
        )?;
        self.opened.store(true, Ordering::Relaxed);
        Ok(connection)
    }
}

impl Store {
    /// Runs `work` with the file and this store's label on a blocking thread.
    async fn with_file<R: Send + 'static>(
        self,
        work: impl FnOnce(&Connection, &str) -> Result<R, rusqlite::Error> + Send + 'static,
    ) -> Result<R, Error> {
        let work = move || {
            let mut slot = self
                .file
                .connection
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let connection = match &mut *slot {
                Some(connection) => connection,
                empty => empty.insert(self.file.open()?),
            };
            work(connection, &self.label)
        };

        let result = tokio::task::spawn_blocking(work)
            .await
            .map_err(other_error)?;
        result.map_err(other_error)
    }

    async fn read(self, key: String) -> Result<Option<Vec<u8>>, Error> {
        self.with_file(move |file, label| {
            file.prepare_cached("SELECT value FROM spin_key_value WHERE store = ?1 AND key = ?2")?
                .query_row(params![label, key], |row| row.get(0))
                .optional()
        })
        .await
    }

    async fn write(self, key: String, value: Vec<u8>) -> Result<(), Error> {
        self.with_file(move |file, label| {
            file.prepare_cached(
                "INSERT INTO spin_key_value (store, key, value) VALUES (?1, ?2, ?3)
                 ON CONFLICT (store, key) DO UPDATE SET value = ?3",
            )?
            .execute(params![label, key, value])
            .map(drop)
        })
        .await
    }

    async fn remove(self, key: String) -> Result<(), Error> {
        self.with_file(move |file, label| {
            file.prepare_cached("DELETE FROM spin_key_value WHERE store = ?1 AND key = ?2")?
                .execute(params![label, key])
                .map(drop)
        })
        .await
    }

    async fn keys(self) -> Result<Vec<String>, Error> {
        self.with_file(|file, label| {
            file.prepare_cached("SELECT key FROM spin_key_value WHERE store = ?1")?
                .query_map([label], |row| row.get(0))?
                .collect()
        })
        .await
    }
}

/// Spin passes on the error in Rust's debug format.
fn other_error(error: impl std::fmt::Debug) -> Error {
    Error::Other(format!("{error:?}"))
}

type Handle = Resource<Store>;

impl KeyValueState {
    pub fn new(grant: Arc<KeyValueGrant>) -> Self {
        Self {
            grant,
            stores: handle_table(MAX_HANDLES),
        }
    }
}

impl Host for KeyValueState {}

impl HostStore for KeyValueState {
    fn drop(&mut self, store: Handle) -> wasmtime::Result<()> {
        self.stores.delete(store)?;
        Ok(())
    }
}

/// Returns the store behind a handle.
fn store<T>(
    accessor: &Accessor<T, HasSelf<KeyValueState>>,
    handle: &Handle,
) -> Result<Store, Error> {
    accessor
        .with(|mut access| access.get().stores.get(handle).cloned())
        .map_err(|_| Error::NoSuchStore)
}

/// Sends `keys` one by one until the reader goes away, then the outcome.
async fn stream_keys(
    keys: Result<Vec<String>, Error>,
    sender: mpsc::Sender<String>,
    outcome_sender: oneshot::Sender<Result<(), Error>>,
) {
    let outcome = match keys {
        Ok(keys) => send_keys(keys, sender).await,
        Err(error) => Err(error),
    };
    // The caller may be gone.
    let _ = outcome_sender.send(outcome);
}

async fn send_keys(keys: Vec<String>, sender: mpsc::Sender<String>) -> Result<(), Error> {
    for key in keys {
        if key.len() > MAX_REPLY_BYTES {
            return Err(Error::Other(reply_too_large()));
        }
        if sender.send(key).await.is_err() {
            break;
        }
    }
    Ok(())
}

impl<T: Send> HostStoreWithStore<T> for HasSelf<KeyValueState> {
    async fn open(accessor: &Accessor<T, Self>, label: String) -> Result<Handle, Error> {
        let grant = accessor.with(|mut access| access.get().grant.clone());
        if !grant.labels.contains(&label) {
            return Err(Error::AccessDenied);
        }

        let store = Store {
            label: label.into(),
            file: grant.file.clone(),
        };
        // The first `open` opens the file, so that an unusable file fails here.
        if !store.file.opened.load(Ordering::Relaxed) {
            store.clone().with_file(|_, _| Ok(())).await?;
        }

        accessor
            .with(|mut access| access.get().stores.push(store))
            .map_err(|_| Error::StoreTableFull)
    }

    async fn get(
        accessor: &Accessor<T, Self>,
        this: Handle,
        key: String,
    ) -> Result<Option<Vec<u8>>, Error> {
        let value = store(accessor, &this)?.read(key).await?;
        let bytes = size_of::<Option<Vec<u8>>>() + value.as_ref().map_or(0, Vec::len);
        if bytes > MAX_REPLY_BYTES {
            Err(Error::Other(reply_too_large()))
        } else {
            Ok(value)
        }
    }

    async fn set(
        accessor: &Accessor<T, Self>,
        this: Handle,
        key: String,
        value: Vec<u8>,
    ) -> Result<(), Error> {
        store(accessor, &this)?.write(key, value).await
    }

    async fn delete(accessor: &Accessor<T, Self>, this: Handle, key: String) -> Result<(), Error> {
        store(accessor, &this)?.remove(key).await
    }

    async fn exists(
        accessor: &Accessor<T, Self>,
        this: Handle,
        key: String,
    ) -> Result<bool, Error> {
        Ok(store(accessor, &this)?.read(key).await?.is_some())
    }

    async fn get_keys(
        accessor: &Accessor<T, Self>,
        this: Handle,
    ) -> wasmtime::Result<(StreamReader<String>, FutureReader<Result<(), Error>>)> {
        let store = accessor.with(|mut access| access.get().stores.get(&this).cloned())?;
        let (key_sender, key_receiver) = mpsc::channel(KEYS_AHEAD);
        let (outcome_sender, outcome_receiver) = oneshot::channel();
        tokio::spawn(async move {
            stream_keys(store.keys().await, key_sender, outcome_sender).await;
        });

        accessor.with(|mut access| {
            let keys = StreamReader::new(&mut access, ChannelProducer(key_receiver))?;
            let outcome = FutureReader::new(&mut access, outcome_receiver)?;
            Ok((keys, outcome))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(dir: &tempfile::TempDir, label: &str) -> Store {
        let file = KeyValueFile::new(dir.path().join("kv.db"));
        Store {
            label: label.into(),
            file: Arc::new(file),
        }
    }

    #[tokio::test]
    async fn a_value_survives_reopening_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let first = open(&dir, "default");
        first.write("k".into(), vec![0, 255]).await.unwrap();

        let second = open(&dir, "default");
        second.write("k".into(), vec![1]).await.unwrap();

        let third = open(&dir, "default");
        assert_eq!(third.read("k".into()).await.unwrap(), Some(vec![1]));
        let keys = open(&dir, "default").keys().await.unwrap();
        assert_eq!(keys, ["k"]);
    }

    #[tokio::test]
    async fn a_deleted_value_is_gone_after_reopening_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let first = open(&dir, "default");
        first.write("k".into(), vec![1]).await.unwrap();

        open(&dir, "default").remove("k".into()).await.unwrap();

        assert_eq!(open(&dir, "default").read("k".into()).await.unwrap(), None);
    }

    #[tokio::test]
    async fn stores_do_not_see_each_others_keys() {
        let dir = tempfile::tempdir().unwrap();

        open(&dir, "a").write("k".into(), vec![1]).await.unwrap();

        assert_eq!(open(&dir, "b").read("k".into()).await.unwrap(), None);
        assert!(open(&dir, "b").keys().await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn an_unusable_file_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let file = KeyValueFile::new(dir.path().join("missing/kv.db"));
        let store = Store {
            label: "default".into(),
            file: Arc::new(file),
        };

        assert!(matches!(store.read("k".into()).await, Err(Error::Other(_))));
    }
}
