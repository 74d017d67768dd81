//! The native transport: the `redis` crate, with replies flattened as Spin does.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use edge_cache::{Arg, Client, Command, ErrorKind, RedisError, Reply, Transport, other_scheme};
use edge_cache_spin::host_errors::redis_error;
use redis::Value;
use redis::aio::MultiplexedConnection;

/// Opens connections to one logical database of a server.
#[derive(Debug)]
pub struct NativeTransport(String);

/// A client of a server's logical database 0, with the default time limit.
pub fn client(url: &str) -> Client<NativeTransport> {
    Client::new(NativeTransport(url.to_owned()), Duration::from_millis(1500))
}

impl NativeTransport {
    /// A transport to this address.
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }
}

impl Transport for NativeTransport {
    type Connection = MultiplexedConnection;

    async fn open(&self) -> Result<MultiplexedConnection, RedisError> {
        // Fails when another test has installed it, which is enough.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = redis::Client::open(self.0.as_str())
            .map_err(|error| RedisError::new(ErrorKind::AddressForbidden, error.to_string()))?;

        client
            .get_multiplexed_async_connection()
            .await
            .map_err(|error| redis_error(&error.to_string()))
    }

    fn is_tls(&self) -> bool {
        self.0.starts_with("rediss:")
    }

    async fn try_other_scheme(&self) -> Result<(), RedisError> {
        let other = other_scheme(&self.0)
            .ok_or_else(|| RedisError::new(ErrorKind::AddressForbidden, "no address"))?;
        Self(other).open().await.map(drop)
    }

    async fn send(
        &self,
        connection: &MultiplexedConnection,
        command: &Command,
    ) -> Result<Vec<Reply>, RedisError> {
        let mut raw = redis::cmd(command.name);
        for arg in &command.args {
            match arg {
                Arg::Int(value) => raw.arg(*value),
                Arg::Bytes(bytes) => raw.arg(bytes.as_slice()),
            };
        }

        let mut connection = connection.clone();
        let value: Value = raw
            .query_async(&mut connection)
            .await
            .map_err(|error| redis_error(&error.to_string()))?;

        let mut replies = Vec::new();
        flatten(value, &mut replies);
        Ok(replies)
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    fn random(&self) -> u64 {
        // Each `RandomState` has a new random seed.
        RandomState::new().hash_one(())
    }
}

/// Appends a value and the values nested in it.
fn flatten(value: Value, replies: &mut Vec<Reply>) {
    match value {
        Value::Nil => replies.push(Reply::Nil),
        Value::Int(number) => replies.push(Reply::Int(number)),
        Value::BulkString(bytes) => replies.push(Reply::Bytes(bytes)),
        Value::SimpleString(status) => replies.push(Reply::Status(status)),
        Value::Okay => replies.push(Reply::Status("OK".into())),
        Value::Array(values) | Value::Set(values) => {
            for value in values {
                flatten(value, replies);
            }
        }
        other => panic!("RESP2 has no {other:?}"),
    }
}
