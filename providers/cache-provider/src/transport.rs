//! Redis through the synchronous interface of Spin 2. A command blocks the instance, so the host's
//! own limits bound it.

use std::rc::Rc;
use std::time::Duration;

use edge_cache::{
    Arg, Command, ConnectionEvent, ErrorKind, RedisError, Reply, Transport, other_scheme,
};
use edge_cache_host_errors::redis_error;
use edge_cache_wit::{Gauge, log_connection};
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use spin_sdk_5::redis::{Connection, Error, RedisParameter, RedisResult};

/// Opens connections to one logical database.
pub struct SpinTransport {
    url: String,
    gauge: Rc<Gauge>,
}

impl SpinTransport {
    pub fn new(url: String, gauge: Rc<Gauge>) -> Self {
        Self { url, gauge }
    }
}

impl Transport for SpinTransport {
    type Connection = Connection;
    type Timer = LocalBoxFuture<'static, ()>;

    async fn open(&self) -> Result<Connection, RedisError> {
        Connection::open(&self.url).map_err(to_redis_error)
    }

    fn is_tls(&self) -> bool {
        self.url.starts_with("rediss:")
    }

    async fn try_other_scheme(&self) -> Result<(), RedisError> {
        let url = other_scheme(&self.url)
            .ok_or_else(|| RedisError::new(ErrorKind::AddressForbidden, "no address"))?;
        Connection::open(&url).map(drop).map_err(to_redis_error)
    }

    async fn send(
        &self,
        connection: &Connection,
        command: &Command,
    ) -> Result<Vec<Reply>, RedisError> {
        let parameters: Vec<RedisParameter> = command.args.iter().map(parameter).collect();
        let results = connection
            .execute(command.name, &parameters)
            .map_err(to_redis_error)?;

        Ok(results.into_iter().map(reply).collect())
    }

    fn timer(&self, duration: Duration) -> LocalBoxFuture<'static, ()> {
        let gauge = Rc::clone(&self.gauge);
        let timer = async move { gauge.pause(duration).await };
        timer.boxed_local()
    }

    fn random(&self) -> u64 {
        let mut bytes = [0_u8; 8];
        // Without randomness numbers repeat. Load locks still end with their lease.
        let _ = getrandom::fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn on_event(&self, event: &ConnectionEvent<'_>) {
        log_connection(event);
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
            "the host does not allow this Redis address: check the variable `redis_url`, that the component's \
             `allowed_outbound_hosts` in spin.toml covers it, and that the dependency inherits them \
             (dependencies_inherit_configuration = true)",
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
