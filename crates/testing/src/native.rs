//! The native transport: the `redis` crate, flattening replies as Spin does.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use edge_cache::{Arg, Client, Command, ErrorKind, RedisError, Reply, Transport};
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
        let client = redis::Client::open(self.0.as_str());
        let client = client.map_err(|error| RedisError::new(ErrorKind::AddressForbidden, error.to_string()))?;
        client.get_multiplexed_async_connection().await.map_err(|error| RedisError::from_host_text(&error.to_string()))
    }

    async fn send(&self, connection: &MultiplexedConnection, command: &Command) -> Result<Vec<Reply>, RedisError> {
        let mut raw = redis::cmd(command.name);
        for arg in &command.args {
            match arg {
                Arg::Int(value) => raw.arg(*value),
                Arg::Bytes(bytes) => raw.arg(bytes.as_slice()),
            };
        }
        let mut connection = connection.clone();
        let answer: Result<Value, _> = raw.query_async(&mut connection).await;
        let mut replies = Vec::new();
        flatten(answer.map_err(|error| RedisError::from_host_text(&error.to_string()))?, &mut replies);
        Ok(replies)
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    fn random(&self) -> u64 {
        // Each state is seeded anew from the operating system's randomness.
        RandomState::new().hash_one(())
    }
}

fn flatten(value: Value, into: &mut Vec<Reply>) {
    match value {
        Value::Nil => into.push(Reply::Nil),
        Value::Int(number) => into.push(Reply::Int(number)),
        Value::BulkString(bytes) => into.push(Reply::Bytes(bytes)),
        Value::SimpleString(status) => into.push(Reply::Status(status)),
        Value::Okay => into.push(Reply::Status("OK".into())),
        Value::Array(values) | Value::Set(values) => values.into_iter().for_each(|value| flatten(value, into)),
        other => panic!("RESP2 has no {other:?}"),
    }
}
