//! How often keys are read by any client: `OBJECT FREQ`, where the server counts for its evictions.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use edge_cache::redis::info::Info;
use edge_cache::redis::{Command, OnNode, Redis, Replies, concurrently};
use edge_cache::{ErrorKind, KeyName, RedisError};
use serde::Serialize;

/// Random keys that are asked for, of all nodes together.
const RANDOM_KEYS: usize = 256;

/// How often a key is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyFrequency {
    /// Its name.
    pub key: String,
    /// Its name in base64, if it is shown with escapes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_base64: Option<String>,
    /// The server's logarithmic counter: 0 to 255.
    pub frequency: u64,
}

/// Reads the frequencies of the listed keys and of random ones, most frequent first. One round trip; on
/// a server that evicts by frequency about ten more. Fails with the reason why there are none.
pub(super) async fn read<R: Redis>(
    redis: &R,
    listed: Vec<KeyName>,
) -> Result<Vec<KeyFrequency>, String> {
    let unreadable = |error: RedisError| format!("the frequencies cannot be read: {error}");
    let topology = redis.topology().await.map_err(unreadable)?;
    let nodes = topology.nodes(redis);
    let policies = concurrently(nodes.iter().map(read_policy).collect());
    for policy in policies.await.map_err(unreadable)? {
        if !policy.ends_with("-lfu") {
            return Err(format!(
                "the server does not count how often keys are read: maxmemory-policy is {policy}"
            ));
        }
    }

    let per_node = RANDOM_KEYS.div_ceil(nodes.len().max(1));
    let drawn = nodes
        .iter()
        .flat_map(|node| (0..per_node).map(move |_| draw_key(node)));
    let drawn = concurrently(drawn.collect()).await.map_err(unreadable)?;
    let of_services = drawn
        .into_iter()
        .flatten()
        .filter(|key| !key.is_protected());
    let keys: BTreeSet<KeyName> = listed.into_iter().chain(of_services).collect();

    let reading = keys.iter().map(|key| read_frequency(redis, key));
    let read = concurrently(reading.collect()).await.map_err(unreadable)?;
    let mut frequencies: Vec<KeyFrequency> = read.into_iter().flatten().collect();
    frequencies.sort_by_key(|known| Reverse(known.frequency));
    Ok(frequencies)
}

async fn read_policy<R: Redis>(node: &OnNode<'_, R>) -> Result<String, RedisError> {
    let info = node.execute(Command::read("INFO").arg("memory")).await?;
    let info = Info::new(Replies::new(info).text()?);
    let policy = info.text("maxmemory_policy").unwrap_or("not reported");
    Ok(policy.to_owned())
}

/// Draws a random key; `None` from an empty database.
async fn draw_key<R: Redis>(node: &OnNode<'_, R>) -> Result<Option<KeyName>, RedisError> {
    let reply = node.execute(Command::read("RANDOMKEY")).await?;
    let name = Replies::new(reply).optional_bytes()?;
    Ok(name.map(KeyName::new))
}

/// `None` for a key that does not exist.
async fn read_frequency<R: Redis>(
    redis: &R,
    key: &KeyName,
) -> Result<Option<KeyFrequency>, RedisError> {
    let command = Command::read("OBJECT").arg("FREQ").arg(key.as_bytes());
    let reply = match redis.execute(command).await {
        Ok(reply) => reply,
        Err(error)
            if error.kind == ErrorKind::Server && error.to_string().contains("no such key") =>
        {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };

    // A key that has expired meanwhile is nil.
    let frequency = Replies::new(reply).count().ok();
    Ok(frequency.map(|frequency| KeyFrequency {
        key: key.display(),
        key_base64: key.base64(),
        frequency,
    }))
}
