//! Helpers of the tests.

use edge_cache::RedisClient;
use edge_cache::redis::{HostRuntime, Redis};
use edge_cache::tokio::TokioTransport;
use edge_cache_admin::admin::analysis::AnalysisRequest;
use edge_cache_testing::RedisServer;
use serde_json::{Value, json};

pub type Client = RedisClient<TokioTransport>;

/// Makes an analysis.
pub async fn analyse<R: Redis + HostRuntime>(redis: &R, trail: &Client, body: Value) -> Value {
    let request = AnalysisRequest::parse(body.to_string().as_bytes()).unwrap();
    let report = request.run(redis, trail, "ada").await.unwrap();
    json!(report)
}

/// The group of an analysis with this prefix.
#[track_caller]
pub fn group<'a>(analysis: &'a Value, prefix: &str) -> &'a Value {
    let groups = analysis["groups"].as_array().unwrap();
    let found = groups.iter().find(|group| group["prefix"] == prefix);
    found.unwrap_or_else(|| panic!("no group {prefix}: {analysis:#}"))
}

/// The prefixes of an analysis, in alphabetical order.
pub fn prefixes(analysis: &Value) -> Vec<&str> {
    let groups = analysis["groups"].as_array().unwrap().iter();
    let mut prefixes: Vec<&str> = groups
        .map(|group| group["prefix"].as_str().unwrap())
        .collect();
    prefixes.sort_unstable();
    prefixes
}

/// Stores `count` strings of so many bytes, with names by their numbers.
pub fn fill(server: &RedisServer, count: usize, bytes: usize, name: impl Fn(usize) -> String) {
    let mut connection = server.connection();
    for first in (0..count).step_by(5000) {
        let mut pipe = redis::pipe();
        for number in first..count.min(first + 5000) {
            pipe.set(name(number), "x".repeat(bytes)).ignore();
        }
        pipe.exec(&mut connection).unwrap();
    }
}

/// Sends a command.
pub fn send(server: &RedisServer, words: &[&str]) {
    let mut command = redis::cmd(words[0]);
    for word in &words[1..] {
        command.arg(word);
    }
    let () = command.query(&mut server.connection()).unwrap();
}
