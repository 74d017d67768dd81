//! Spin's Redis connection as the transport of [`edge_cache::RedisClient`].

use std::time::{Duration, Instant};

use edge_cache::redis::{NodeAddress, at_node, database_of, node_of};
use edge_cache::{
    Arg, Command, ConnectionEvent, ErrorKind, RedisError, Reply, Transport, other_scheme,
};
use edge_cache_host_errors::redis_error;
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use spin_sdk::redis::{Connection, Error, RedisParameter, RedisResult};

use crate::{log, time_limits};

/// Opens connections to one logical database.
pub struct SpinTransport {
    /// Ends with the database's number.
    url: String,
    /// The connection's purpose in the log: `cache` or `audit`.
    purpose: &'static str,
}

impl SpinTransport {
    /// Creates the transport to the database at this URL: `redis[s]://[user:password@]host:port[/db]`.
    /// `purpose` names its connections in the log.
    pub fn new(url: String, purpose: &'static str) -> Self {
        Self { url, purpose }
    }
}

impl Transport for SpinTransport {
    type Connection = Connection;
    type Timer = LocalBoxFuture<'static, ()>;

    async fn open(&self) -> Result<Connection, RedisError> {
        let refusal = match Connection::open(&self.url).await.map_err(to_redis_error) {
            Err(error) if error.kind == ErrorKind::Server => error,
            opened => return opened,
        };

        // If the server refuses to select the database, the host drops its error code. Selecting it
        // with a command of its own returns the code.
        let Some((server, database)) = self.url.rsplit_once('/') else {
            return Err(refusal);
        };
        let connection = Connection::open(server).await.map_err(to_redis_error)?;
        self.send(&connection, &Command::read("SELECT").arg(database))
            .await?;
        Ok(connection)
    }

    fn to_node(&self, address: &NodeAddress) -> Option<Self> {
        Some(Self::new(at_node(&self.url, address), self.purpose))
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
        let url = other_scheme(&self.url)
            .ok_or_else(|| RedisError::new(ErrorKind::AddressForbidden, "no address"))?;
        Connection::open(&url)
            .await
            .map(drop)
            .map_err(to_redis_error)
    }

    async fn send(
        &self,
        connection: &Connection,
        command: &Command,
    ) -> Result<Vec<Reply>, RedisError> {
        if let Some(key) = key_of_get(command) {
            let found = connection.get(key).await.map_err(to_redis_error)?;
            return Ok(vec![found.map_or(Reply::Nil, Reply::Bytes)]);
        }

        let parameters: Vec<RedisParameter> = command.args.iter().map(parameter).collect();
        let results = connection
            .execute(command.name, parameters)
            .await
            .map_err(to_redis_error)?;

        Ok(results.into_iter().map(reply).collect())
    }

    fn timer(&self, duration: Duration) -> LocalBoxFuture<'static, ()> {
        spin_sdk::time::sleep(duration).boxed_local()
    }

    fn time_limit(&self, now: Instant, until: Instant) -> LocalBoxFuture<'static, ()> {
        time_limits::wait_until(now, until).boxed_local()
    }

    fn random(&self) -> u64 {
        let mut bytes = [0_u8; 8];
        // Without randomness numbers repeat. Load locks still end with their lease.
        let _ = getrandom::fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn on_event(&self, event: &ConnectionEvent<'_>) {
        log::connection(self.purpose, event);
    }
}

/// Returns the key of a `GET`, for which hosts have a function of its own, with less to convert.
fn key_of_get(command: &Command) -> Option<&str> {
    match command.args.as_slice() {
        [Arg::Bytes(key)] if command.name == "GET" => std::str::from_utf8(key).ok(),
        _ => None,
    }
}

fn parameter(arg: &Arg) -> RedisParameter {
    match arg {
        Arg::Int(value) => RedisParameter::Int64(*value),
        Arg::Bytes(bytes) => RedisParameter::Binary(bytes.clone()),
    }
}

fn reply(result: RedisResult) -> Reply {
    match result {
        RedisResult::Nil => Reply::Nil,
        RedisResult::Status(status) => Reply::Status(status),
        RedisResult::Int64(value) => Reply::Int(value),
        RedisResult::Binary(bytes) => Reply::Bytes(bytes),
    }
}

/// Maps an error of the host to a kind of our own.
fn to_redis_error(error: Error) -> RedisError {
    match error {
        Error::InvalidAddress => RedisError::new(
            ErrorKind::AddressForbidden,
            "the host does not allow this Redis address: check `redis_host` and `redis_port`, and that the component's \
             `allowed_outbound_hosts` in spin.toml covers them",
        ),
        Error::TooManyConnections => RedisError::new(
            ErrorKind::TooManyConnections,
            "the host has no room for another Redis connection",
        ),
        Error::TypeError => RedisError::new(
            ErrorKind::WrongType,
            "the key holds a value of another type",
        ),
        Error::Other(text) => redis_error(&text),
    }
}
