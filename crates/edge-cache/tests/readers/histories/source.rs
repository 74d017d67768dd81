//! The source of all values, and the promises made to readers: in a Redis of its own, because the
//! processes of a history share them.

use std::time::Duration;

use edge_cache::{Command, Fetched, LookupOutcome, Redis, RedisClient, Replies};
use edge_cache_testing::transport;

use crate::Native;

/// A sorted set: of each key its version.
const VERSIONS: &str = "versions";
/// A sorted set: of each key the oldest version that a lookup which begins now may be served.
const PROMISED: &str = "promised";
/// A list of what must not have happened.
const FAULTS: &str = "faults";

pub(super) struct Source(Native);

impl Source {
    pub(super) fn new(url: &str) -> Self {
        // Beside compilers a reply may take seconds.
        Self(RedisClient::new(transport(url), Duration::from_secs(60)))
    }

    async fn run<const N: usize>(&self, name: &'static str, arguments: [&str; N]) -> Replies {
        let command = Command::new(name).args(arguments);
        Replies::new(self.0.execute(command).await.unwrap())
    }

    async fn score(&self, set: &str, key: &str) -> u64 {
        let score = self.run("ZSCORE", [set, key]).await.optional_bytes();
        let score = score.unwrap().unwrap_or_else(|| b"0".to_vec());
        String::from_utf8(score).unwrap().parse().unwrap()
    }

    async fn raise(&self, set: &str, keys: &[String], score: u64) {
        let pairs = keys.iter().flat_map(|key| [score.to_string(), key.clone()]);
        let command = Command::new("ZADD").arg(set).arg("GT").args(pairs);
        self.0.execute(command).await.unwrap();
    }

    pub(super) async fn count(&self, what: &str) -> u64 {
        let count = self.run("GET", [what]).await.optional_bytes().unwrap();
        count.map_or(0, |count| {
            String::from_utf8(count).unwrap().parse().unwrap()
        })
    }

    pub(super) async fn version(&self, key: &str) -> u64 {
        self.score(VERSIONS, key).await
    }

    /// Changes the source of these keys; their new version.
    pub(super) async fn change(&self, keys: &[String]) -> u64 {
        let version = self.run("INCR", ["changes"]).await.count().unwrap();
        self.raise(VERSIONS, keys, version).await;
        version
    }

    /// From now on, lookups of these keys may only be served this version or a later one.
    pub(super) async fn promise(&self, keys: &[String], version: u64) {
        self.raise(PROMISED, keys, version).await;
    }

    pub(super) async fn promised(&self, key: &str) -> u64 {
        self.score(PROMISED, key).await
    }

    /// Records a lookup that was served while this version was promised when it began.
    pub(super) async fn record(&self, key: &str, promised: u64, fetched: &Fetched<u64>) {
        self.run("INCR", ["served"]).await;
        if fetched.outcome == LookupOutcome::Near {
            self.run("INCR", ["near"]).await;
        }
        if fetched.value < promised {
            let fault = format!("{key}: {fetched:?} although {promised} was promised");
            self.run("RPUSH", [FAULTS, &fault]).await;
        }
    }

    pub(super) async fn faults(&self) -> Vec<String> {
        let faults = self.run("LRANGE", [FAULTS, "0", "9"]).await.rest().unwrap();
        let texts = faults.into_iter().map(String::from_utf8);
        texts.map(Result::unwrap).collect()
    }
}
