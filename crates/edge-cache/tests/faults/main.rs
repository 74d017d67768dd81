//! Every operation of the cache while the network or the server fails: before, during and after
//! each of its commands.

mod all_commands;
mod one_command;
mod operation;

use std::collections::BTreeMap;
use std::time::Duration;

use edge_cache::tokio::TokioTransport;
use edge_cache::{Cache, RedisClient, SetItem};
use edge_cache_testing::{Proxy, RedisServer, transport};
use redis::{Commands, Connection};

/// A command's time limit here.
const LIMIT: Duration = Duration::from_secs(1);
const TAGS: &[&str] = &["t1", "t2"];

/// Keys that record attempts as well as results.
const RECORDS_OF_ATTEMPTS: [&str; 5] = [
    "cache:fences",
    "cache:hot:",
    "cache:lookups",
    "cache:loads",
    "cache:turns",
];

type TestCache = Cache<RedisClient<TokioTransport>>;

struct Setup {
    server: RedisServer,
    proxy: Proxy,
    /// Connects through the proxy.
    cache: TestCache,
    /// Connects past the proxy.
    direct: TestCache,
}

impl Setup {
    fn new(limit: Duration) -> Self {
        let server = RedisServer::start();
        let proxy = Proxy::before(server.port());
        let cache = Cache::new(RedisClient::new(transport(&proxy.url(0)), limit));
        let direct = Cache::new(RedisClient::new(
            transport(&server.url(0)),
            Duration::from_secs(30),
        ));

        Self {
            server,
            proxy,
            cache,
            direct,
        }
    }

    /// Removes all keys, then stores three values with two tags.
    async fn prepare(&self) {
        redis::cmd("FLUSHDB")
            .exec(&mut self.server.connection())
            .unwrap();

        let item = |key| SetItem {
            ttl: Some(Duration::from_secs(300)),
            tags: TAGS,
            ..SetItem::new(key, &1)
        };
        self.direct
            .set_many(&[item("a:1"), item("a:2"), item("a:3")])
            .await
            .unwrap();
    }

    /// Values without their trailers, which have the time of the write, and members of tags' sets,
    /// by key.
    fn stored(&self) -> BTreeMap<String, String> {
        let mut redis = self.server.connection();
        let names: Vec<String> = redis.keys("*").unwrap();
        let is_result = |name: &String| {
            !RECORDS_OF_ATTEMPTS
                .iter()
                .any(|record| name.starts_with(record))
        };

        names
            .into_iter()
            .filter(is_result)
            .map(|name| {
                let content = content(&mut redis, &name);
                (name, content)
            })
            .collect()
    }

    /// The number of keys that [`Setup::prepare`] stored and that are still there.
    fn values_left(&self) -> usize {
        let names: Vec<String> = self.server.connection().keys("a:*").unwrap();
        names.len()
    }
}

fn content(redis: &mut Connection, name: &str) -> String {
    if name.starts_with("cache:tags:") {
        let mut members: Vec<String> = redis.smembers(name).unwrap();
        members.sort();
        return members.join(" ");
    }

    let value: String = redis.get(name).unwrap_or_default();
    value.trim_end().to_owned()
}
