//! `fermyon:spin/redis@2.0.0`: the same for components built for Spin 2 and 3. A call suspends its
//! instance until the reply arrives.

use wasmtime::component::Resource;

use super::bindings::redis as v3;
use super::commands;
pub use super::connection::Connection;
use super::state::RedisState;
use bindings::redis::{Error, Host, HostConnection, RedisParameter, RedisResult};

/// Generated from the interface.
pub mod bindings {
    wasmtime::component::bindgen!({
        inline: "
            package fermyon:spin@2.0.0;

            interface redis {
                variant error { invalid-address, too-many-connections, type-error, other(string) }
                type payload = list<u8>;
                variant redis-parameter { int64(s64), binary(payload) }
                variant redis-result { nil, status(string), int64(s64), binary(payload) }

                resource connection {
                    open: static func(address: string) -> result<connection, error>;
                    publish: func(channel: string, payload: payload) -> result<_, error>;
                    get: func(key: string) -> result<option<payload>, error>;
                    set: func(key: string, value: payload) -> result<_, error>;
                    incr: func(key: string) -> result<s64, error>;
                    del: func(keys: list<string>) -> result<u32, error>;
                    sadd: func(key: string, values: list<string>) -> result<u32, error>;
                    smembers: func(key: string) -> result<list<string>, error>;
                    srem: func(key: string, values: list<string>) -> result<u32, error>;
                    execute: func(command: string, arguments: list<redis-parameter>)
                        -> result<list<redis-result>, error>;
                }
            }

            world imports { import redis; }
        ",
        imports: {
            "fermyon:spin/redis.[drop]connection": trappable,
            default: async,
        },
        with: { "fermyon:spin/redis.connection": super::Connection },
        require_store_data_send: true,
    });

    pub use fermyon::spin::redis;
}

type Handle = Resource<Connection>;

impl From<v3::Error> for Error {
    fn from(error: v3::Error) -> Self {
        match error {
            v3::Error::InvalidAddress => Self::InvalidAddress,
            v3::Error::TooManyConnections => Self::TooManyConnections,
            v3::Error::TypeError => Self::TypeError,
            v3::Error::Other(text) => Self::Other(text),
        }
    }
}

impl From<RedisParameter> for v3::RedisParameter {
    fn from(parameter: RedisParameter) -> Self {
        match parameter {
            RedisParameter::Int64(number) => Self::Int64(number),
            RedisParameter::Binary(bytes) => Self::Binary(bytes),
        }
    }
}

impl From<v3::RedisResult> for RedisResult {
    fn from(result: v3::RedisResult) -> Self {
        match result {
            v3::RedisResult::Nil => Self::Nil,
            v3::RedisResult::Status(text) => Self::Status(text),
            v3::RedisResult::Int64(number) => Self::Int64(number),
            v3::RedisResult::Binary(bytes) => Self::Binary(bytes),
        }
    }
}

impl Host for RedisState {}

impl HostConnection for RedisState {
    async fn open(&mut self, address: String) -> Result<Handle, Error> {
        let connection = commands::open(&self.allowed_hosts(), address).await?;
        Ok(self.keep(connection)?)
    }

    async fn publish(
        &mut self,
        this: Handle,
        channel: String,
        payload: Vec<u8>,
    ) -> Result<(), Error> {
        Ok(commands::publish(self.connection(&this)?, channel, payload).await?)
    }

    async fn get(&mut self, this: Handle, key: String) -> Result<Option<Vec<u8>>, Error> {
        Ok(commands::get(self.connection(&this)?, key).await?)
    }

    async fn set(&mut self, this: Handle, key: String, value: Vec<u8>) -> Result<(), Error> {
        Ok(commands::set(self.connection(&this)?, key, value).await?)
    }

    async fn incr(&mut self, this: Handle, key: String) -> Result<i64, Error> {
        Ok(commands::incr(self.connection(&this)?, key).await?)
    }

    async fn del(&mut self, this: Handle, keys: Vec<String>) -> Result<u32, Error> {
        Ok(commands::del(self.connection(&this)?, keys).await?)
    }

    async fn sadd(&mut self, this: Handle, key: String, values: Vec<String>) -> Result<u32, Error> {
        Ok(commands::sadd(self.connection(&this)?, key, values).await?)
    }

    async fn smembers(&mut self, this: Handle, key: String) -> Result<Vec<String>, Error> {
        Ok(commands::smembers(self.connection(&this)?, key).await?)
    }

    async fn srem(&mut self, this: Handle, key: String, values: Vec<String>) -> Result<u32, Error> {
        Ok(commands::srem(self.connection(&this)?, key, values).await?)
    }

    async fn execute(
        &mut self,
        this: Handle,
        command: String,
        arguments: Vec<RedisParameter>,
    ) -> Result<Vec<RedisResult>, Error> {
        let connection = self.connection(&this)?;
        let arguments = arguments.into_iter().map(Into::into).collect();
        let results = commands::execute(connection, command, arguments).await?;
        Ok(results.into_iter().map(Into::into).collect())
    }

    fn drop(&mut self, connection: Handle) -> wasmtime::Result<()> {
        self.close(connection)
    }
}
