//! `spin:redis/redis@3.0.0`: connections to the Redis servers a component may reach. The export
//! that the Redis trigger calls, `inbound-redis`, is defined here too because it shares these types.
//!
//! Error texts come from the version of the `redis` crate that Spin uses, so components and their
//! tests see no difference.

use std::sync::Arc;

use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands as _, ConnectionAddr, ErrorKind, FromRedisValue, RedisError, Value};
use wasmtime::component::{Accessor, HasSelf, Resource, ResourceTable};

use super::{MAX_REPLY_BYTES, handle_table, reply_too_large};
use crate::allowed_hosts::AllowedHosts;
use bindings::redis::{
    Error, HostConnection, HostConnectionWithStore, RedisParameter, RedisResult,
};

/// Generated from the interface.
pub mod bindings {
    wasmtime::component::bindgen!({
        inline: "
            package spin:redis@3.0.0;

            interface redis {
                variant error { invalid-address, too-many-connections, type-error, other(string) }
                type payload = list<u8>;
                variant redis-parameter { int64(s64), binary(payload) }
                variant redis-result { nil, status(string), int64(s64), binary(payload) }

                resource connection {
                    open: static async func(address: string) -> result<connection, error>;
                    publish: async func(channel: string, payload: payload) -> result<_, error>;
                    get: async func(key: string) -> result<option<payload>, error>;
                    set: async func(key: string, value: payload) -> result<_, error>;
                    incr: async func(key: string) -> result<s64, error>;
                    del: async func(keys: list<string>) -> result<u32, error>;
                    sadd: async func(key: string, values: list<string>) -> result<u32, error>;
                    smembers: async func(key: string) -> result<list<string>, error>;
                    srem: async func(key: string, values: list<string>) -> result<u32, error>;
                    execute: async func(command: string, arguments: list<redis-parameter>)
                        -> result<list<redis-result>, error>;
                }
            }

            interface inbound-redis {
                use redis.{payload, error};
                handle-message: async func(message: payload) -> result<_, error>;
            }

            world subscriber {
                import redis;
                export inbound-redis;
            }
        ",
        imports: { "spin:redis/redis.[drop]connection": trappable },
        with: { "spin:redis/redis.connection": super::Connection },
        require_store_data_send: true,
    });

    pub use spin::redis::redis;
}

/// Connections an instance may have open, as in Spin.
const MAX_CONNECTIONS: usize = 1024;

/// An open connection.
pub type Connection = MultiplexedConnection;

type Handle = Resource<Connection>;

/// The connections of one instance, and the hosts it may connect to.
pub struct RedisState {
    allowed_hosts: Arc<AllowedHosts>,
    connections: ResourceTable,
}

impl RedisState {
    pub fn new(allowed_hosts: Arc<AllowedHosts>) -> Self {
        Self {
            allowed_hosts,
            connections: handle_table(MAX_CONNECTIONS),
        }
    }
}

impl bindings::redis::Host for RedisState {}

impl HostConnection for RedisState {
    fn drop(&mut self, connection: Handle) -> wasmtime::Result<()> {
        self.connections.delete(connection)?;
        Ok(())
    }
}

/// Returns the connection behind a handle. A clone shares its socket, so the commands of one
/// instance are pipelined.
fn connection<T>(
    accessor: &Accessor<T, HasSelf<RedisState>>,
    handle: &Handle,
) -> Result<Connection, Error> {
    accessor
        .with(|mut access| access.get().connections.get(handle).cloned())
        .map_err(|_| Error::Other("could not find connection for resource".to_owned()))
}

#[expect(clippy::needless_pass_by_value, reason = "map_err passes a value")]
fn other_error(error: RedisError) -> Error {
    Error::Other(error.to_string())
}

impl<T: Send> HostConnectionWithStore<T> for HasSelf<RedisState> {
    async fn open(accessor: &Accessor<T, Self>, address: String) -> Result<Handle, Error> {
        let allowed_hosts = accessor.with(|mut access| access.get().allowed_hosts.clone());
        if !allowed_hosts.allow(&address, "redis") {
            return Err(Error::InvalidAddress);
        }

        let client = redis::Client::open(address).map_err(|_| Error::InvalidAddress)?;
        // No entry of allowed_outbound_hosts can stand for a file of this machine.
        if matches!(client.get_connection_info().addr, ConnectionAddr::Unix(_)) {
            return Err(Error::InvalidAddress);
        }

        let connection = client
            .get_multiplexed_async_connection()
            .await
            .map_err(other_error)?;

        accessor
            .with(|mut access| access.get().connections.push(connection))
            .map_err(|_| Error::TooManyConnections)
    }

    async fn publish(
        accessor: &Accessor<T, Self>,
        this: Handle,
        channel: String,
        payload: Vec<u8>,
    ) -> Result<(), Error> {
        connection(accessor, &this)?
            .publish::<_, _, ()>(channel, payload)
            .await
            .map_err(other_error)
    }

    async fn get(
        accessor: &Accessor<T, Self>,
        this: Handle,
        key: String,
    ) -> Result<Option<Vec<u8>>, Error> {
        let value: Option<Vec<u8>> = connection(accessor, &this)?
            .get(key)
            .await
            .map_err(other_error)?;

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
        connection(accessor, &this)?
            .set::<_, _, ()>(key, value)
            .await
            .map_err(other_error)
    }

    async fn incr(accessor: &Accessor<T, Self>, this: Handle, key: String) -> Result<i64, Error> {
        connection(accessor, &this)?
            .incr(key, 1)
            .await
            .map_err(other_error)
    }

    async fn del(
        accessor: &Accessor<T, Self>,
        this: Handle,
        keys: Vec<String>,
    ) -> Result<u32, Error> {
        connection(accessor, &this)?
            .del(keys)
            .await
            .map_err(other_error)
    }

    async fn sadd(
        accessor: &Accessor<T, Self>,
        this: Handle,
        key: String,
        values: Vec<String>,
    ) -> Result<u32, Error> {
        connection(accessor, &this)?
            .sadd(key, values)
            .await
            .map_err(|error: RedisError| match error.kind() {
                ErrorKind::TypeError => Error::TypeError,
                _ => other_error(error),
            })
    }

    async fn smembers(
        accessor: &Accessor<T, Self>,
        this: Handle,
        key: String,
    ) -> Result<Vec<String>, Error> {
        connection(accessor, &this)?
            .smembers(key)
            .await
            .map_err(other_error)
    }

    async fn srem(
        accessor: &Accessor<T, Self>,
        this: Handle,
        key: String,
        values: Vec<String>,
    ) -> Result<u32, Error> {
        connection(accessor, &this)?
            .srem(key, values)
            .await
            .map_err(other_error)
    }

    async fn execute(
        accessor: &Accessor<T, Self>,
        this: Handle,
        command: String,
        arguments: Vec<RedisParameter>,
    ) -> Result<Vec<RedisResult>, Error> {
        let mut connection = connection(accessor, &this)?;
        let mut request = redis::cmd(&command);
        for argument in arguments {
            match argument {
                RedisParameter::Int64(number) => request.arg(number),
                RedisParameter::Binary(bytes) => request.arg(bytes),
            };
        }

        let FlatReply(results) = request
            .query_async(&mut connection)
            .await
            .map_err(other_error)?;

        let bytes = size_of::<Vec<RedisResult>>() + results.iter().map(byte_size).sum::<usize>();
        if bytes > MAX_REPLY_BYTES {
            Err(Error::Other(reply_too_large()))
        } else {
            Ok(results)
        }
    }
}

/// Approximate memory of one result.
fn byte_size(result: &RedisResult) -> usize {
    let payload = match result {
        RedisResult::Nil | RedisResult::Int64(_) => 0,
        RedisResult::Binary(bytes) => bytes.len(),
        RedisResult::Status(text) => text.len(),
    };
    size_of::<RedisResult>() + payload
}

/// A reply in the form of the interface: nested arrays become one list.
struct FlatReply(Vec<RedisResult>);

impl FlatReply {
    fn push(&mut self, value: Value) -> Result<(), RedisError> {
        let result = match value {
            Value::Nil => RedisResult::Nil,
            Value::Int(number) => RedisResult::Int64(number),
            Value::Boolean(flag) => RedisResult::Int64(flag.into()),
            Value::BulkString(bytes) => RedisResult::Binary(bytes),
            Value::Double(number) => RedisResult::Binary(number.to_string().into_bytes()),
            Value::BigNumber(number) => RedisResult::Binary(number.to_string().into_bytes()),
            Value::SimpleString(text) => RedisResult::Status(text),
            Value::Okay => RedisResult::Status("OK".to_owned()),
            Value::Array(values) | Value::Set(values) => {
                return values.into_iter().try_for_each(|value| self.push(value));
            }
            Value::Map(_) => return Err(unsupported("Redis Map type is")),
            Value::Attribute { .. } => return Err(unsupported("Redis Attribute type is")),
            Value::VerbatimString { .. } => {
                return Err(unsupported("Redis string with format attribute is"));
            }
            Value::Push { .. } => return Err(unsupported("Redis Pub/Sub types are")),
            Value::ServerError(error) => {
                let detail = format!("{error:?}");
                return Err((ErrorKind::ResponseError, "Server error", detail).into());
            }
        };

        self.0.push(result);
        Ok(())
    }
}

/// Spin's error for a reply that the interface cannot express.
fn unsupported(subject: &str) -> RedisError {
    let summary = "Could not convert Redis response";
    (
        ErrorKind::TypeError,
        summary,
        format!("{subject} not supported"),
    )
        .into()
}

impl FromRedisValue for FlatReply {
    fn from_redis_value(value: &Value) -> Result<Self, RedisError> {
        Self::from_owned_redis_value(value.clone())
    }

    fn from_owned_redis_value(value: Value) -> Result<Self, RedisError> {
        let mut flat = Self(Vec::new());
        flat.push(value)?;
        Ok(flat)
    }
}
