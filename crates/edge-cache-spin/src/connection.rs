//! Spin's Redis connection as a transport of [`edge_cache::Client`].

use std::time::Duration;

use edge_cache::{Arg, Command, ConnectionEvent, ErrorKind, Outcome, RedisError, Reply, Transport};
use spin_sdk::redis::{Connection, Error, RedisParameter, RedisResult};

use crate::log;

/// Opens connections to one logical database.
pub(crate) struct SpinTransport {
    /// Ends with the database's number.
    url: String,
    /// What the connection is for, in the log: `cache` or `audit`.
    purpose: &'static str,
}

impl SpinTransport {
    pub(crate) fn new(url: String, purpose: &'static str) -> Self {
        Self { url, purpose }
    }
}

impl Transport for SpinTransport {
    type Connection = Connection;

    async fn open(&self) -> Result<Connection, RedisError> {
        let refused = match Connection::open(&self.url).await.map_err(explain) {
            Err(error) if error.kind == ErrorKind::Server => error,
            opened => return opened,
        };
        // Of a refused choice of the database the host leaves out the server's code, which says what to do about it.
        let Some((server, database)) = self.url.rsplit_once('/') else { return Err(refused) };
        let connection = Connection::open(server).await.map_err(explain)?;
        self.send(&connection, &Command::read("SELECT").arg(database)).await?;
        Ok(connection)
    }

    async fn send(&self, connection: &Connection, command: &Command) -> Result<Vec<Reply>, RedisError> {
        let args: Vec<RedisParameter> = command.args.iter().map(parameter).collect();
        let results = connection.execute(command.name, args).await.map_err(explain)?;
        Ok(results.into_iter().map(reply).collect())
    }

    async fn sleep(&self, duration: Duration) {
        spin_sdk::time::sleep(duration).await;
    }

    fn random(&self) -> u64 {
        let mut bytes = [0_u8; 8];
        // Without randomness the numbers repeat; locks then still have the lease to end by.
        let _ = getrandom::fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn looked_up(&self, key: &str, outcome: Outcome) {
        log::looked_up(key, outcome);
    }

    fn event(&self, event: &ConnectionEvent<'_>) {
        log::connection(self.purpose, event);
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

/// The one place that maps what the host answers to our own kinds.
fn explain(error: Error) -> RedisError {
    match error {
        Error::InvalidAddress => RedisError::new(
            ErrorKind::AddressForbidden,
            "the host does not allow this Redis address: check `redis_host` and `redis_port`, and that the component's \
             `allowed_outbound_hosts` in spin.toml covers them",
        ),
        Error::TooManyConnections => {
            RedisError::new(ErrorKind::TooManyConnections, "the host has no room for another Redis connection")
        }
        Error::TypeError => RedisError::new(ErrorKind::WrongType, "the key holds a value of another type"),
        Error::Other(text) => RedisError::from_host_text(&text),
    }
}
