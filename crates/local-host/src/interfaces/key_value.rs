//! `spin:key-value/key-value@3.0.0`: stores kept in one SQLite file under the state directory, in the table Spin keeps
//! them in, so that an application finds its values when it moves between the two.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension as _, params};
use tokio::sync::{mpsc, oneshot};
use wasmtime::component::{Accessor, FutureReader, HasSelf, Resource, StreamReader};

use super::streams::Channel;
use super::{MAX_REPLY_BYTES, too_large};
use crate::guest::Guest;
use bindings::key_value::{Error, Host, HostStore, HostStoreWithStore};

/// What `bindgen!` makes of the interface.
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

/// The file all stores are in. It is opened when a component first opens a store.
#[derive(Debug)]
pub struct KeyValueFile {
    path: PathBuf,
    connection: Mutex<Option<Connection>>,
    opened: AtomicBool,
}

/// An open store.
#[derive(Clone)]
pub struct Store {
    label: Arc<str>,
    file: Arc<KeyValueFile>,
}

impl KeyValueFile {
    pub fn new(path: PathBuf) -> Self {
        Self { path, connection: Mutex::default(), opened: AtomicBool::new(false) }
    }

    fn open(&self) -> Result<Connection, rusqlite::Error> {
        let connection = Connection::open(&self.path)?;
        // As in the SQLite interface: a write does not wait for the disk.
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
    /// Runs `work` with the file and this store's label, off the threads that serve requests.
    async fn run<R: Send + 'static>(
        self,
        work: impl FnOnce(&Connection, &str) -> Result<R, rusqlite::Error> + Send + 'static,
    ) -> Result<R, Error> {
        let work = move || {
            let mut slot = self.file.connection.lock().unwrap_or_else(PoisonError::into_inner);
            let connection = match &mut *slot {
                Some(connection) => connection,
                empty => empty.insert(self.file.open()?),
            };
            work(connection, &self.label)
        };
        let result = tokio::task::spawn_blocking(work).await.map_err(other)?;
        result.map_err(other)
    }

    async fn read(self, key: String) -> Result<Option<Vec<u8>>, Error> {
        self.run(move |file, label| {
            file.prepare_cached("SELECT value FROM spin_key_value WHERE store = ?1 AND key = ?2")?
                .query_row(params![label, key], |row| row.get(0))
                .optional()
        })
        .await
    }

    async fn write(self, key: String, value: Vec<u8>) -> Result<(), Error> {
        self.run(move |file, label| {
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
        self.run(move |file, label| {
            file.prepare_cached("DELETE FROM spin_key_value WHERE store = ?1 AND key = ?2")?
                .execute(params![label, key])
                .map(drop)
        })
        .await
    }

    async fn keys(self) -> Result<Vec<String>, Error> {
        self.run(|file, label| {
            file.prepare_cached("SELECT key FROM spin_key_value WHERE store = ?1")?
                .query_map([label], |row| row.get(0))?
                .collect()
        })
        .await
    }
}

/// Spin gives the error as Rust prints it for debugging.
fn other(error: impl std::fmt::Debug) -> Error {
    Error::Other(format!("{error:?}"))
}

type Handle = Resource<Store>;

impl Host for Guest {}

impl HostStore for Guest {
    fn drop(&mut self, store: Handle) -> wasmtime::Result<()> {
        self.key_value.delete(store)?;
        Ok(())
    }
}

fn store<T>(accessor: &Accessor<T, HasSelf<Guest>>, handle: &Handle) -> Result<Store, Error> {
    accessor.with(|mut access| access.get().key_value.get(handle).cloned()).map_err(|_| Error::NoSuchStore)
}

/// Sends `keys` one by one and then how it ended. A reader that goes away ends it early.
async fn send(keys: Result<Vec<String>, Error>, to: mpsc::Sender<String>, end: oneshot::Sender<Result<(), Error>>) {
    let result = match keys {
        Ok(keys) => {
            let mut result = Ok(());
            for key in keys {
                if key.len() > MAX_REPLY_BYTES {
                    result = Err(Error::Other(too_large()));
                    break;
                }
                if to.send(key).await.is_err() {
                    break;
                }
            }
            result
        }
        Err(error) => Err(error),
    };
    // Whoever asked may be gone.
    let _ = end.send(result);
}

impl<T: Send> HostStoreWithStore<T> for HasSelf<Guest> {
    async fn open(accessor: &Accessor<T, Self>, label: String) -> Result<Handle, Error> {
        let component = accessor.with(|mut access| access.get().component.clone());
        if !component.key_value_stores.contains(&label) {
            return Err(Error::AccessDenied);
        }
        let store = Store { label: label.into(), file: component.storage.key_value.clone() };
        // Opening the file here reports one that cannot be used at the call that names it.
        if !store.file.opened.load(Ordering::Relaxed) {
            store.clone().run(|_, _| Ok(())).await?;
        }
        accessor.with(|mut access| access.get().key_value.push(store)).map_err(|_| Error::StoreTableFull)
    }

    async fn get(accessor: &Accessor<T, Self>, this: Handle, key: String) -> Result<Option<Vec<u8>>, Error> {
        let value = store(accessor, &this)?.read(key).await?;
        let bytes = size_of::<Option<Vec<u8>>>() + value.as_ref().map_or(0, Vec::len);
        if bytes > MAX_REPLY_BYTES { Err(Error::Other(too_large())) } else { Ok(value) }
    }

    async fn set(accessor: &Accessor<T, Self>, this: Handle, key: String, value: Vec<u8>) -> Result<(), Error> {
        store(accessor, &this)?.write(key, value).await
    }

    async fn delete(accessor: &Accessor<T, Self>, this: Handle, key: String) -> Result<(), Error> {
        store(accessor, &this)?.remove(key).await
    }

    async fn exists(accessor: &Accessor<T, Self>, this: Handle, key: String) -> Result<bool, Error> {
        Ok(store(accessor, &this)?.read(key).await?.is_some())
    }

    async fn get_keys(
        accessor: &Accessor<T, Self>,
        this: Handle,
    ) -> wasmtime::Result<(StreamReader<String>, FutureReader<Result<(), Error>>)> {
        let store = accessor.with(|mut access| access.get().key_value.get(&this).cloned())?;
        let (keys_in, keys_out) = mpsc::channel(4);
        let (end_in, end_out) = oneshot::channel();
        tokio::spawn(async move { send(store.keys().await, keys_in, end_in).await });
        accessor.with(|mut access| {
            let keys = StreamReader::new(&mut access, Channel(keys_out))?;
            let end = FutureReader::new(&mut access, end_out)?;
            Ok((keys, end))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(dir: &tempfile::TempDir, label: &str) -> Store {
        let file = KeyValueFile::new(dir.path().join("kv.db"));
        Store { label: label.into(), file: Arc::new(file) }
    }

    #[tokio::test]
    async fn values_survive_the_file_being_opened_again() {
        let dir = tempfile::tempdir().unwrap();
        open(&dir, "default").write("k".into(), vec![0, 255]).await.unwrap();
        open(&dir, "default").write("k".into(), vec![1]).await.unwrap();
        assert_eq!(open(&dir, "default").read("k".into()).await.unwrap(), Some(vec![1]));
        assert_eq!(open(&dir, "default").keys().await.unwrap(), ["k"]);
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
    async fn a_file_that_cannot_be_used_is_an_error_and_no_panic() {
        let dir = tempfile::tempdir().unwrap();
        let file = KeyValueFile::new(dir.path().join("missing/kv.db"));
        let store = Store { label: "default".into(), file: Arc::new(file) };
        assert!(matches!(store.read("k".into()).await, Err(Error::Other(_))));
    }
}
