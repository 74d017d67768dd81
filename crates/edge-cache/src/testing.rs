//! A Redis in memory, with which a service tests hits, stale hits, misses and failures without a
//! server.
//!
//! ```
//! use std::time::Duration;
//! use edge_cache::testing::Memory;
//! use edge_cache::{Cache, LookupOutcome, Options};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! let memory = Memory::new();
//! let cache = Cache::new(memory.clone());
//! let options = Options {
//!     ttl: Some(Duration::from_secs(60)),
//!     grace: Duration::from_secs(3600),
//!     jitter: 0.0,
//!     ..Options::default()
//! };
//!
//! let load = async || Ok::<_, String>(7);
//! let first = cache.get_or_set("k", &options, load).await.unwrap();
//! assert_eq!(first.outcome, LookupOutcome::Miss);
//!
//! memory.advance(Duration::from_secs(90));
//! let failing = async || Err::<u32, _>("the source is down");
//! let stale = cache.get_or_set("k", &options, failing).await.unwrap();
//! assert_eq!(stale.outcome, LookupOutcome::Stale);
//! # }
//! ```
//!
//! [`Memory`] executes the commands and the Lua scripts that the library sends to Redis, so the library
//! behaves as with a server: the library's own suite runs over both. It is for tests: it keeps no
//! data, has one logical database, and never evicts.
//!
//! | File | Owns |
//! | --- | --- |
//! | `server`, `failure` | the state behind all handles: clock, failure, keys, scripts |
//! | `keyspace`, `value`, `ordered`, `stream` | keys, their expiry and their values |
//! | `commands` | the commands, a file for each type of value |
//! | `scripts` | Lua, and the conversions between its values and replies |
//! | `response`, `glob`, `timer`, `lock` | replies, patterns, pauses, locking |

mod commands;
mod failure;
mod glob;
mod keyspace;
mod lock;
mod ordered;
mod response;
mod scripts;
mod server;
mod stream;
mod timer;
mod value;

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::error::{ErrorKind, RedisError};
use crate::keyspace::namespace::Namespace;
use crate::keyspace::trailer;
use crate::redis::wrong_type;
use crate::redis::{Arg, Command, HostRuntime, Redis, Reply, Topology};
use failure::Failure;
use lock::lock;
use response::{Refusal, Response};
use server::Server;
use timer::{Pause, Sleepers};
use value::Value;

/// A Redis in memory. Clones share its data, clock and failures, as connections to one server do.
///
/// ```
/// use edge_cache::Cache;
/// use edge_cache::testing::Memory;
///
/// let memory = Memory::new();
/// // Two instances of a service.
/// let one = Cache::new(memory.clone());
/// let other = Cache::new(memory.clone());
/// ```
#[derive(Clone, Default)]
pub struct Memory {
    server: Arc<Mutex<Server>>,
    sleepers: Arc<Mutex<Sleepers>>,
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}

impl Memory {
    /// Creates a server without keys, whose clock shows the present time.
    ///
    /// ```
    /// assert!(edge_cache::testing::Memory::new().keys().is_empty());
    /// ```
    pub fn new() -> Self {
        Self::default()
    }

    /// Turns the clock forward: entries become stale or expire, leases end, and so do pauses of the
    /// library that would be over by then. The clock goes on by itself, too.
    ///
    /// The library reads Redis' clock once for each connection, so this replaces the connection:
    /// near copies are dropped. Times that the library measures with the machine's clock are not
    /// turned: those of options for waiting and loading, and the circuit breaker's five seconds.
    ///
    /// ```
    /// use std::time::Duration;
    /// use edge_cache::testing::Memory;
    ///
    /// let memory = Memory::new();
    /// memory.set_foreign("k", "7", Some(Duration::from_secs(60)));
    /// memory.advance(Duration::from_secs(61));
    /// assert_eq!(memory.value("k"), None);
    /// ```
    pub fn advance(&self, by: Duration) {
        lock(&self.server).turn_clock(by);
        let sleeping = lock(&self.sleepers).take();
        for waker in sleeping {
            waker.wake();
        }
    }

    /// Stops the server: no command reaches it until [`Memory::start`]. Its keys stay.
    ///
    /// After three failures in a row, a cache does not ask for five seconds ([`Cache`](crate::Cache)),
    /// also if the server starts earlier.
    ///
    /// ```
    /// use edge_cache::testing::Memory;
    /// use edge_cache::{Cache, LookupOutcome, Options};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let memory = Memory::new();
    /// let cache = Cache::new(memory.clone());
    /// memory.stop();
    ///
    /// let load = async || Ok::<_, String>(7);
    /// let loaded = cache.get_or_set("k", &Options::default(), load).await.unwrap();
    /// assert_eq!(loaded.outcome, LookupOutcome::Bypass);
    /// # }
    /// ```
    pub fn stop(&self) {
        self.fail_with(ErrorKind::Unreachable);
    }

    /// Ends what [`Memory::stop`] or [`Memory::fail_with`] began.
    ///
    /// ```
    /// use edge_cache::testing::Memory;
    ///
    /// let memory = Memory::new();
    /// memory.stop();
    /// assert!(memory.command(&["PING"]).is_err());
    /// memory.start();
    /// assert!(memory.command(&["PING"]).is_ok());
    /// ```
    pub fn start(&self) {
        let mut server = lock(&self.server);
        server.fail(None);
        server.connection += 1;
    }

    /// Makes commands fail until [`Memory::start`]: with `OutOfMemory` those that add data, with
    /// `ReadOnly`, `NotEnoughReplicas` and `PersistenceFailed` those that write, with any other kind
    /// all. `Timeout` fails at once.
    ///
    /// ```
    /// use edge_cache::testing::Memory;
    /// use edge_cache::{Cache, ErrorKind, Options, StoreErrorReason};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let memory = Memory::new();
    /// let cache = Cache::new(memory.clone());
    /// memory.fail_with(ErrorKind::OutOfMemory);
    ///
    /// let load = async || Ok::<_, String>(7);
    /// let loaded = cache.get_or_set("k", &Options::default(), load).await.unwrap();
    /// assert_eq!(loaded.value, 7);
    /// assert_eq!(loaded.store_error.unwrap().reason, StoreErrorReason::Full);
    /// # }
    /// ```
    pub fn fail_with(&self, kind: ErrorKind) {
        lock(&self.server).fail(Some(Failure::of_kind(kind)));
    }

    /// Writes a value as another client does: with a plain `SET`, also while commands fail.
    ///
    /// ```
    /// use edge_cache::Cache;
    /// use edge_cache::testing::Memory;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let memory = Memory::new();
    /// memory.set_foreign("users:1", r#"{"name":"Ada"}"#, None);
    ///
    /// let cache = Cache::new(memory);
    /// let user: Option<serde_json::Value> = cache.get("users:1").await.unwrap();
    /// assert_eq!(user.unwrap()["name"], "Ada");
    /// # }
    /// ```
    pub fn set_foreign(&self, key: &str, value: impl AsRef<[u8]>, ttl: Option<Duration>) {
        let server = lock(&self.server);
        let expires_at = ttl.map(|ttl| server.now().saturating_add(ttl).as_millis());
        let expires_at = expires_at.map(|at| u64::try_from(at).unwrap_or(u64::MAX));
        let value = Value::String(value.as_ref().to_vec());
        server.keys().set(key.as_bytes(), value, expires_at);
    }

    /// Returns the value of a key as it is stored, without the trailer of an entry; `None` without a
    /// string under this key. JSON from 100 KB on is compressed.
    ///
    /// ```
    /// use edge_cache::testing::Memory;
    /// use edge_cache::{Cache, Options};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let memory = Memory::new();
    /// let cache = Cache::new(memory.clone());
    /// cache.set("k", &[1, 2], &Options::default()).await.unwrap();
    /// assert_eq!(memory.value("k").as_deref(), Some("[1,2]"));
    /// # }
    /// ```
    pub fn value(&self, key: &str) -> Option<String> {
        let server = lock(&self.server);
        let keys = server.keys();
        match &keys.peek(key.as_bytes())?.value {
            Value::String(stored) => {
                let (value, _) = trailer::split(stored);
                Some(String::from_utf8_lossy(value).into_owned())
            }
            _ => None,
        }
    }

    /// Returns the names of all keys, sorted; those of the library begin with `cache:` or `lock:`.
    ///
    /// ```
    /// let memory = edge_cache::testing::Memory::new();
    /// memory.set_foreign("b", "1", None);
    /// memory.set_foreign("a", "2", None);
    /// assert_eq!(memory.keys(), ["a", "b"]);
    /// ```
    pub fn keys(&self) -> Vec<String> {
        let server = lock(&self.server);
        let keys = server.keys();
        let names = keys.entries().iter().map(|(name, _)| name);
        let mut names: Vec<String> = names
            .map(|name| String::from_utf8_lossy(name).into_owned())
            .collect();
        names.sort();
        names
    }

    /// Executes any command, e.g. to prepare what other clients keep in Redis.
    ///
    /// ```
    /// use edge_cache::Reply;
    ///
    /// let memory = edge_cache::testing::Memory::new();
    /// memory.command(&["SADD", "cache:tags:users", "users:1", "users:2"]).unwrap();
    /// let members = memory.command(&["SCARD", "cache:tags:users"]).unwrap();
    /// assert_eq!(members, [Reply::Int(2)]);
    /// ```
    ///
    /// # Errors
    /// The command's error reply, and that of a failure. An unknown command's name is in it.
    pub fn command(&self, parts: &[&str]) -> Result<Vec<Reply>, RedisError> {
        let parts: Vec<_> = parts.iter().map(|part| part.as_bytes().to_vec()).collect();
        lock(&self.server).execute_flat(&parts)
    }

    /// Executes a command and returns the reply as Redis sends it over a connection (RESP2), to serve
    /// this Redis to another program.
    ///
    /// ```
    /// let memory = edge_cache::testing::Memory::new();
    /// let reply = memory.respond(&[b"EXISTS".to_vec(), b"k".to_vec()]);
    /// assert_eq!(reply, b":0\r\n");
    /// ```
    pub fn respond(&self, command: &[Vec<u8>]) -> Vec<u8> {
        let answered = lock(&self.server).execute(command);
        let response = answered.unwrap_or_else(|Refusal(text)| Response::Error(text));
        let mut sent = Vec::new();
        response.encode_into(&mut sent);
        sent
    }
}

impl Redis for Memory {
    async fn execute(&self, command: Command) -> Result<Vec<Reply>, RedisError> {
        let mut server = lock(&self.server);
        let mut parts = Vec::with_capacity(command.args.len() + 1);
        parts.push(command.name.as_bytes().to_vec());
        parts.extend(command.args.iter().map(|arg| match arg {
            Arg::Int(number) => number.to_string().into_bytes(),
            Arg::Bytes(bytes) => bytes.clone(),
        }));

        let mut replied = server.execute_flat(&parts);
        let is_unknown = |error: &RedisError| error.kind == ErrorKind::NoScript;
        if let Some(source) = command.source
            && replied.as_ref().is_err_and(is_unknown)
        {
            parts[0] = b"EVAL".to_vec();
            parts[1] = source.as_bytes().to_vec();
            replied = server.execute_flat(&parts);
        }
        replied.map_err(|error| name_key(&server, error, &command))
    }

    fn connection_number(&self) -> u64 {
        lock(&self.server).connection
    }

    async fn topology(&self) -> Result<Topology, RedisError> {
        Ok(Topology::Single)
    }

    async fn newest_topology(&self) -> Result<Topology, RedisError> {
        Ok(Topology::Single)
    }
}

/// Adds the key's name to an error because of a value's type, as [`RedisClient`](crate::RedisClient) does.
fn name_key(server: &Server, error: RedisError, command: &Command) -> RedisError {
    if error.kind != ErrorKind::WrongType || !command.explains_type {
        return error;
    }
    let keys = server.keys();
    let named = wrong_type::suspects(command, &Namespace::default())
        .into_iter()
        .find_map(|suspect| {
            let entry = keys.peek(suspect.key.as_bytes())?;
            wrong_type::name_key(&error, &suspect, entry.value.kind())
        });
    named.unwrap_or(error)
}

impl HostRuntime for Memory {
    async fn sleep(&self, duration: Duration) {
        Pause::new(&self.server, &self.sleepers, duration).await;
    }

    fn random(&self) -> u64 {
        // Each `RandomState` has a new random seed.
        RandomState::new().hash_one(())
    }
}
