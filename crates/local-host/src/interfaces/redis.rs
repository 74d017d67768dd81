//! `spin:redis/redis@3.0.0`: connections to Redis servers the component may reach. The export the Redis trigger calls,
//! `inbound-redis`, is defined here as well because it shares these types.
//!
//! The texts of errors are those of the `redis` crate in the version Spin uses; components and their tests see no
//! difference.

use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands as _, ConnectionAddr, ErrorKind, FromRedisValue, RedisError, Value};
use wasmtime::component::{Accessor, HasSelf, Resource};

use super::{MAX_REPLY_BYTES, too_large};
use crate::guest::Guest;
use bindings::redis::{Error, HostConnection, HostConnectionWithStore, RedisParameter, RedisResult};

/// What `bindgen!` makes of the interface.
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

/// An open connection.
pub type Connection = MultiplexedConnection;

type Handle = Resource<Connection>;

impl bindings::redis::Host for Guest {}

impl HostConnection for Guest {
    fn drop(&mut self, connection: Handle) -> wasmtime::Result<()> {
        self.redis.delete(connection)?;
        Ok(())
    }
}

/// The connection behind a handle; a clone shares its socket, so commands of one instance are pipelined.
fn connection<T>(store: &Accessor<T, HasSelf<Guest>>, handle: &Handle) -> Result<MultiplexedConnection, Error> {
    store
        .with(|mut store| store.get().redis.get(handle).cloned())
        .map_err(|_| Error::Other("could not find connection for resource".to_owned()))
}

#[expect(clippy::needless_pass_by_value, reason = "what map_err calls")]
fn other(error: RedisError) -> Error {
    Error::Other(error.to_string())
}

impl<T: Send> HostConnectionWithStore<T> for HasSelf<Guest> {
    async fn open(store: &Accessor<T, Self>, address: String) -> Result<Handle, Error> {
        let component = store.with(|mut store| store.get().component.clone());
        if !component.allowed_hosts.allow(&address, "redis") {
            return Err(Error::InvalidAddress);
        }
        let client = redis::Client::open(address).map_err(|_| Error::InvalidAddress)?;
        // A file of this machine, which no entry of allowed_outbound_hosts stands for.
        if matches!(client.get_connection_info().addr, ConnectionAddr::Unix(_)) {
            return Err(Error::InvalidAddress);
        }
        let connection = client.get_multiplexed_async_connection().await.map_err(other)?;
        store.with(|mut store| store.get().redis.push(connection)).map_err(|_| Error::TooManyConnections)
    }

    async fn publish(store: &Accessor<T, Self>, this: Handle, channel: String, payload: Vec<u8>) -> Result<(), Error> {
        connection(store, &this)?.publish::<_, _, ()>(channel, payload).await.map_err(other)
    }

    async fn get(store: &Accessor<T, Self>, this: Handle, key: String) -> Result<Option<Vec<u8>>, Error> {
        let value: Option<Vec<u8>> = connection(store, &this)?.get(key).await.map_err(other)?;
        let bytes = size_of::<Option<Vec<u8>>>() + value.as_ref().map_or(0, Vec::len);
        if bytes > MAX_REPLY_BYTES { Err(Error::Other(too_large())) } else { Ok(value) }
    }

    async fn set(store: &Accessor<T, Self>, this: Handle, key: String, value: Vec<u8>) -> Result<(), Error> {
        connection(store, &this)?.set::<_, _, ()>(key, value).await.map_err(other)
    }

    async fn incr(store: &Accessor<T, Self>, this: Handle, key: String) -> Result<i64, Error> {
        connection(store, &this)?.incr(key, 1).await.map_err(other)
    }

    async fn del(store: &Accessor<T, Self>, this: Handle, keys: Vec<String>) -> Result<u32, Error> {
        connection(store, &this)?.del(keys).await.map_err(other)
    }

    async fn sadd(store: &Accessor<T, Self>, this: Handle, key: String, values: Vec<String>) -> Result<u32, Error> {
        connection(store, &this)?.sadd(key, values).await.map_err(|error: RedisError| match error.kind() {
            ErrorKind::TypeError => Error::TypeError,
            _ => other(error),
        })
    }

    async fn smembers(store: &Accessor<T, Self>, this: Handle, key: String) -> Result<Vec<String>, Error> {
        connection(store, &this)?.smembers(key).await.map_err(other)
    }

    async fn srem(store: &Accessor<T, Self>, this: Handle, key: String, values: Vec<String>) -> Result<u32, Error> {
        connection(store, &this)?.srem(key, values).await.map_err(other)
    }

    async fn execute(
        store: &Accessor<T, Self>,
        this: Handle,
        command: String,
        arguments: Vec<RedisParameter>,
    ) -> Result<Vec<RedisResult>, Error> {
        let mut connection = connection(store, &this)?;
        let mut cmd = redis::cmd(&command);
        for argument in arguments {
            match argument {
                RedisParameter::Int64(number) => cmd.arg(number),
                RedisParameter::Binary(bytes) => cmd.arg(bytes),
            };
        }
        let Flat(results) = cmd.query_async(&mut connection).await.map_err(other)?;
        let bytes = size_of::<Vec<RedisResult>>() + results.iter().map(size).sum::<usize>();
        if bytes > MAX_REPLY_BYTES { Err(Error::Other(too_large())) } else { Ok(results) }
    }
}

fn size(result: &RedisResult) -> usize {
    let payload = match result {
        RedisResult::Nil | RedisResult::Int64(_) => 0,
        RedisResult::Binary(bytes) => bytes.len(),
        RedisResult::Status(text) => text.len(),
    };
    size_of::<RedisResult>() + payload
}

/// A reply as the interface gives it: nested arrays become one list.
struct Flat(Vec<RedisResult>);

impl Flat {
    fn push(&mut self, value: Value) -> Result<(), RedisError> {
        let refused = |what: &str| {
            let detail = format!("{what} not supported");
            Err((ErrorKind::TypeError, "Could not convert Redis response", detail).into())
        };
        self.0.push(match value {
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
            Value::Map(_) => return refused("Redis Map type is"),
            Value::Attribute { .. } => return refused("Redis Attribute type is"),
            Value::VerbatimString { .. } => return refused("Redis string with format attribute is"),
            Value::Push { .. } => return refused("Redis Pub/Sub types are"),
            Value::ServerError(error) => {
                let detail = format!("{error:?}");
                return Err((ErrorKind::ResponseError, "Server error", detail).into());
            }
        });
        Ok(())
    }
}

impl FromRedisValue for Flat {
    fn from_redis_value(value: &Value) -> Result<Self, RedisError> {
        Self::from_owned_redis_value(value.clone())
    }

    fn from_owned_redis_value(value: Value) -> Result<Self, RedisError> {
        let mut flat = Self(Vec::new());
        flat.push(value)?;
        Ok(flat)
    }
}
