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
/// The same for lookups that are served an entry as a fresh one.
const PROMISED_FRESH: &str = "promised-fresh";
/// A list of what must not have happened.
const FAULTS: &str = "faults";

pub(super) struct Source(Native);

/// The oldest versions that a lookup may be served.
#[derive(Debug, Clone, Copy)]
pub(super) struct Promised {
    /// As a stale hit.
    always: u64,
    /// Otherwise.
    fresh: u64,
}

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

    /// From now on, lookups of these keys may only be served this version or a later one; after a
    /// soft purge, an older one only as a stale hit.
    pub(super) async fn promise(&self, keys: &[String], version: u64, is_soft: bool) {
        let set = if is_soft { PROMISED_FRESH } else { PROMISED };
        self.raise(set, keys, version).await;
    }

    pub(super) async fn promised(&self, key: &str) -> Promised {
        let always = self.score(PROMISED, key).await;
        Promised {
            always,
            fresh: self.score(PROMISED_FRESH, key).await.max(always),
        }
    }

    /// Records a lookup that was served while these versions were promised when it began.
    pub(super) async fn record(&self, key: &str, promised: Promised, fetched: &Fetched<u64>) {
        self.run("INCR", ["served"]).await;
        let promised = if fetched.outcome == LookupOutcome::Stale {
            self.run("INCR", ["stale"]).await;
            promised.always
        } else {
            promised.fresh
        };
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
