//! The cache for services on Tokio, such as those of axum: a transport over the `redis` crate.
//!
//! ```no_run
//! use edge_cache::{Options, tokio::TokioCache};
//!
//! # async fn quotes() -> Result<(), Box<dyn std::error::Error>> {
//! let cache = TokioCache::at("redis://127.0.0.1:6379/0")?;
//!
//! // Clones share the connection, and can be sent to other tasks.
//! let of_task = cache.clone();
//! let task = tokio::spawn(async move {
//!     of_task
//!         .get_or_set("quotes:top", &Options::default(), async || load().await)
//!         .await
//! });
//! println!("{:?}", task.await??.outcome);
//! # Ok(())
//! # }
//! # async fn load() -> Result<Vec<String>, std::io::Error> { Ok(vec!["be".to_owned()]) }
//! ```
//!
//! The address is `redis[s]://[user:password@]host[:port][/database]`. With `rediss:` the server's
//! certificate has to be signed by an authority that the machine trusts; `SSL_CERT_FILE` names
//! another file of them.

mod error;

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use redis::Value;
use redis::aio::MultiplexedConnection;
use tokio::time::{Sleep, sleep};

use crate::cache::Cache;
use crate::error::{ErrorKind, RedisError};
use crate::redis::{
    Arg, Command, NodeAddress, RedisClient, Reply, Transport, at_node, database_of, node_of,
    other_scheme,
};

/// A cache over [`TokioTransport`]. Clones are cheap and share everything.
pub type TokioCache = Cache<RedisClient<TokioTransport>>;

/// Time limit of a command, its retries included, unless the client has another one.
const COMMAND_LIMIT: Duration = Duration::from_millis(1500);

/// Room for the arguments of a command that reads an entry.
const SMALL_COMMAND_BYTES: usize = 64;

/// Opens connections to one logical database of a server.
pub struct TokioTransport {
    client: redis::Client,
    url: String,
}

impl TokioCache {
    /// Creates a cache in this database. Connects when it is first used; each command has 1.5 s.
    ///
    /// ```no_run
    /// use edge_cache::{Options, tokio::TokioCache};
    ///
    /// # async fn price() -> Result<(), Box<dyn std::error::Error>> {
    /// let cache = TokioCache::at("redis://127.0.0.1:6379/0")?;
    /// cache.set("prices:17", &1999, &Options::default()).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::AddressForbidden`] for an address that cannot be read.
    pub fn at(url: &str) -> Result<Self, RedisError> {
        let transport = TokioTransport::new(url)?;
        Ok(Self::new(RedisClient::new(transport, COMMAND_LIMIT)))
    }
}

impl TokioCache {
    /// Creates a cache at the primary that these Sentinels know by this name. `servers` has the login and
    /// database of the primary; its own host is not used.
    ///
    /// ```no_run
    /// # use edge_cache::{RedisError, tokio::TokioCache};
    /// # fn connect() -> Result<TokioCache, RedisError> {
    /// let sentinels = ["redis://sentinel-1:26379", "redis://sentinel-2:26379"];
    /// let cache = TokioCache::through_sentinels("redis://shop:secret@primary/0", &sentinels, "shop")?;
    /// # Ok(cache)
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::AddressForbidden`] for an address that cannot be read.
    pub fn through_sentinels(
        servers: &str,
        sentinels: &[&str],
        primary: &str,
    ) -> Result<Self, RedisError> {
        let sentinels: Result<Vec<_>, _> = sentinels
            .iter()
            .map(|url| TokioTransport::new(url))
            .collect();
        let servers = TokioTransport::new(servers)?;
        let client = RedisClient::through_sentinels(servers, sentinels?, primary, COMMAND_LIMIT);
        Ok(Self::new(client))
    }
}

impl TokioTransport {
    /// A transport to this address.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use edge_cache::{Cache, RedisClient, tokio::TokioTransport};
    /// # fn main() -> Result<(), edge_cache::RedisError> {
    /// let transport = TokioTransport::new("rediss://shop:secret@redis.example.com:6380/0")?;
    /// let cache = Cache::new(RedisClient::new(transport, Duration::from_millis(500)));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::AddressForbidden`] for an address that cannot be read.
    pub fn new(url: &str) -> Result<Self, RedisError> {
        let client = redis::Client::open(url).map_err(|error| error::from_crate(&error))?;
        Ok(Self {
            client,
            url: url.to_owned(),
        })
    }
}

/// Without the address, which may contain a password.
impl std::fmt::Debug for TokioTransport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let address = &self.client.get_connection_info().addr;
        write!(f, "TokioTransport({address})")
    }
}

/// An open connection.
///
/// Its type hides the one of the `redis` crate, which is so deep that the compiler would give up on checking
/// whether the futures of a service may be sent to another thread.
pub struct TokioConnection(Arc<dyn SendCommand>);

/// Sends a command over a connection that several tasks share.
trait SendCommand: Send + Sync {
    fn send(&self, command: redis::Cmd) -> BoxFuture<'static, redis::RedisResult<Value>>;
}

impl SendCommand for MultiplexedConnection {
    fn send(&self, command: redis::Cmd) -> BoxFuture<'static, redis::RedisResult<Value>> {
        let mut connection = self.clone();
        async move {
            let reply = connection.send_packed_command(&command).await?;
            reply.extract_error()
        }
        .boxed()
    }
}

impl Transport for TokioTransport {
    type Connection = TokioConnection;
    type Timer = Sleep;

    async fn open(&self) -> Result<TokioConnection, RedisError> {
        if self.is_tls() {
            // Fails when the service has installed one, which is enough.
            let _ = rustls::crypto::ring::default_provider().install_default();
        }
        let client = self.client.clone();
        let opening = async move { client.get_multiplexed_async_connection().await };
        let opened = opening.boxed().await;
        let connection = opened.map_err(|error| error::from_crate(&error))?;
        Ok(TokioConnection(Arc::new(connection)))
    }

    fn to_node(&self, address: &NodeAddress) -> Option<Self> {
        Self::new(&at_node(&self.url, address)).ok()
    }

    fn address(&self) -> Option<NodeAddress> {
        node_of(&self.url)
    }

    fn database(&self) -> Option<u16> {
        database_of(&self.url)
    }

    fn is_tls(&self) -> bool {
        self.url.starts_with("rediss:")
    }

    async fn try_other_scheme(&self) -> Result<(), RedisError> {
        let other = other_scheme(&self.url)
            .ok_or_else(|| RedisError::new(ErrorKind::AddressForbidden, "no address"))?;
        Self::new(&other)?.open().await.map(drop)
    }

    async fn send(
        &self,
        connection: &TokioConnection,
        command: &Command,
    ) -> Result<Vec<Reply>, RedisError> {
        let mut sent = redis::Cmd::with_capacity(1 + command.args.len(), SMALL_COMMAND_BYTES);
        sent.arg(command.name);
        for arg in &command.args {
            match arg {
                Arg::Int(value) => sent.arg(*value),
                Arg::Bytes(bytes) => sent.arg(bytes.as_slice()),
            };
        }

        let replied = connection.0.send(sent).await;
        let value = replied.map_err(|error| error::from_crate(&error))?;

        let mut replies = Vec::new();
        flatten(value, &mut replies)?;
        Ok(replies)
    }

    fn timer(&self, duration: Duration) -> Sleep {
        sleep(duration)
    }

    fn random(&self) -> u64 {
        // Each `RandomState` has another seed.
        RandomState::new().hash_one(())
    }
}

/// Appends a value and the values nested in it.
fn flatten(value: Value, replies: &mut Vec<Reply>) -> Result<(), RedisError> {
    match value {
        Value::Nil => replies.push(Reply::Nil),
        Value::Int(number) => replies.push(Reply::Int(number)),
        Value::BulkString(bytes) => replies.push(Reply::Bytes(bytes)),
        Value::SimpleString(status) => replies.push(Reply::Status(status)),
        Value::Okay => replies.push(Reply::Status("OK".into())),
        Value::Array(values) | Value::Set(values) => {
            for value in values {
                flatten(value, replies)?;
            }
        }
        other => {
            let problem = format!("RESP2 has no {other:?}");
            return Err(RedisError::new(ErrorKind::Protocol, problem));
        }
    }
    Ok(())
}
