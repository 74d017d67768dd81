//! A transport whose calls block, as those of a component that cannot await.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use edge_cache::{Arg, Command, ErrorKind, RedisClient, RedisError, Reply, Transport};
use edge_cache_host_errors::redis_error;
use edge_cache_testing::RedisServer;
use edge_cache_wit::{Found, Gauge, Lookup, LookupOptions, Provider, Settings, blocking};
use futures_util::FutureExt as _;
use futures_util::future::LocalBoxFuture;
use redis::Value;

/// The provider of one instance.
pub(crate) type Instance = Provider<RedisClient<BlockingTransport>>;

/// Opens blocking connections.
pub(crate) struct BlockingTransport {
    url: String,
    gauge: Rc<Gauge>,
}

/// Creates an instance whose cache is in this database.
pub(crate) fn instance(url: &str) -> Instance {
    let settings = Settings::new(vec![("redis_url", url.to_owned())]).unwrap();
    let gauge = Rc::new(Gauge::default());
    let transport = BlockingTransport {
        url: url.to_owned(),
        gauge: Rc::clone(&gauge),
    };
    let client = RedisClient::new(transport, settings.command_timeout)
        .in_namespace(settings.namespace.clone());
    Provider::new(client, gauge, &settings)
}

/// Looks up a key with the default options.
pub(crate) fn look_up(instance: &Instance, key: &str) -> Found {
    blocking::advance(instance.begin(key.to_owned(), LookupOptions::default())).0
}

/// The lookup of a caller that has to load.
pub(crate) fn load(found: Found) -> Lookup {
    match found {
        Found::Load(lookup) => lookup,
        other => panic!("{}", describe(&other)),
    }
}

/// The result of a lookup as text.
pub(crate) fn describe(found: &Found) -> String {
    match found {
        Found::Hit(value) => format!("hit {value}"),
        Found::Stale(value) => format!("stale {value}"),
        Found::Load(_) => "load".to_owned(),
        Found::Wait(_) => "wait".to_owned(),
        Found::LoadFailed(error) => format!("load failed: {error}"),
        Found::Failed(problem) => format!("failed: {problem}"),
    }
}

/// How long the load lock of a key still lives, in milliseconds; negative if it does not exist.
pub(crate) fn lock_ms(server: &RedisServer, key: &str) -> i64 {
    redis::cmd("PTTL")
        .arg(format!("lock:{{{key}}}"))
        .query(&mut server.connection())
        .unwrap()
}

impl Transport for BlockingTransport {
    type Connection = RefCell<redis::Connection>;
    type Timer = LocalBoxFuture<'static, ()>;

    async fn open(&self) -> Result<Self::Connection, RedisError> {
        let client = redis::Client::open(self.url.as_str())
            .map_err(|error| RedisError::new(ErrorKind::AddressForbidden, error.to_string()))?;
        let connection = client
            .get_connection()
            .map_err(|error| redis_error(&error.to_string()))?;
        Ok(RefCell::new(connection))
    }

    async fn send(
        &self,
        connection: &Self::Connection,
        command: &Command,
    ) -> Result<Vec<Reply>, RedisError> {
        let mut raw = redis::cmd(command.name);
        for arg in &command.args {
            match arg {
                Arg::Int(value) => raw.arg(*value),
                Arg::Bytes(bytes) => raw.arg(bytes.as_slice()),
            };
        }

        let value: Value = raw
            .query(&mut *connection.borrow_mut())
            .map_err(|error| redis_error(&error.to_string()))?;
        let mut replies = Vec::new();
        flatten(value, &mut replies);
        Ok(replies)
    }

    fn timer(&self, duration: Duration) -> LocalBoxFuture<'static, ()> {
        let gauge = Rc::clone(&self.gauge);
        let timer = async move { gauge.pause(duration).await };
        timer.boxed_local()
    }

    fn random(&self) -> u64 {
        use std::hash::{BuildHasher, RandomState};
        RandomState::new().hash_one(())
    }
}

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
