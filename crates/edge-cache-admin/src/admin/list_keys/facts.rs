//! Type, expiry, size and trailer of keys for the list, read with overlapping plain commands.

use edge_cache::keyspace::entry_facts;
use edge_cache::keyspace::expiry::RemainingLife;
use edge_cache::redis::{Command, OnNode, Redis, Replies, Reply, concurrently};
use edge_cache::{ErrorKind, KeyName, RedisError};

use super::row::KeyRow;

/// Elements of a collection whose memory is measured; the script measures as many.
const MEMORY_SAMPLES: &str = "5";
/// Types that the library stores entries in.
const TYPES_WITH_TRAILER: [&str; 2] = ["string", "list"];

/// Reads the rows of these keys, without those that are gone by now: two rounds of commands, of which 64 overlap.
///
/// # Errors
/// Those of the connection.
pub(super) async fn read_rows<R: Redis>(
    node: &OnNode<'_, R>,
    names: Vec<KeyName>,
) -> Result<Vec<(KeyName, KeyRow)>, RedisError> {
    let Some(first) = names.first() else {
        return Ok(Vec::new());
    };

    // Where the server does not report memory, each question would be an entry in its log of refusals.
    let kinds = names.iter().map(|name| of_key("TYPE", name));
    let lives = names.iter().map(|name| of_key("PTTL", name));
    let commands = kinds.chain(lives).chain([memory_usage(first)]);
    let mut replies = ask_all(node, commands).await?.into_iter();
    let kinds: Vec<String> = replies.by_ref().take(names.len()).map(read_kind).collect();
    let lives: Vec<i64> = replies.by_ref().take(names.len()).map(read_pttl).collect();
    let first_size = replies.next().flatten();

    let sizes = if first_size.is_some() {
        let rest = names.iter().skip(1).map(memory_usage);
        ask_all(node, rest).await?
    } else {
        Vec::new()
    };
    let sizes = [first_size].into_iter().chain(sizes).map(read_size);
    let mut sizes = sizes.collect::<Vec<_>>().into_iter();
    let graces = read_graces(node, &names, &kinds).await?;

    let mut rows = Vec::with_capacity(names.len());
    for (((key, kind), left), grace) in names.into_iter().zip(kinds).zip(lives).zip(graces) {
        let size = sizes.next().flatten();
        if kind != "none" {
            let row = KeyRow::new(&key, kind, RemainingLife::new(left, grace), size);
            rows.push((key, row));
        }
    }
    Ok(rows)
}

/// Reads the grace of each key, 0 for one without.
async fn read_graces<R: Redis>(
    node: &OnNode<'_, R>,
    names: &[KeyName],
    kinds: &[String],
) -> Result<Vec<u64>, RedisError> {
    let reading = names.iter().zip(kinds).map(|(name, kind)| async move {
        if name.is_protected() || !TYPES_WITH_TRAILER.contains(&kind.as_str()) {
            return Ok(0);
        }
        let facts = unless_refused(entry_facts::read(node, name).await)?.flatten();
        Ok(facts.map_or(0, |facts| facts.grace))
    });
    concurrently(reading.collect()).await
}

/// Sends commands that overlap; `None` for each that the server refuses.
async fn ask_all<R: Redis>(
    node: &OnNode<'_, R>,
    commands: impl Iterator<Item = Command>,
) -> Result<Vec<Option<Vec<Reply>>>, RedisError> {
    let asking = commands.map(|command| async move { unless_refused(node.execute(command).await) });
    concurrently(asking.collect()).await
}

/// Returns `None` for a command that the server does not have, or that the user may not run.
fn unless_refused<T>(result: Result<T, RedisError>) -> Result<Option<T>, RedisError> {
    match result {
        Err(error) if matches!(error.kind, ErrorKind::Server | ErrorKind::Permission) => Ok(None),
        result => result.map(Some),
    }
}

fn of_key(command: &'static str, name: &KeyName) -> Command {
    Command::read(command).arg(name.as_bytes())
}

fn memory_usage(name: &KeyName) -> Command {
    let usage = Command::read("MEMORY").arg("USAGE").arg(name.as_bytes());
    usage.arg("SAMPLES").arg(MEMORY_SAMPLES)
}

fn read_kind(reply: Option<Vec<Reply>>) -> String {
    let kind = reply.and_then(|reply| Replies::new(reply).text().ok());
    kind.unwrap_or_else(|| "unknown".to_owned())
}

fn read_pttl(reply: Option<Vec<Reply>>) -> i64 {
    let left = reply.and_then(|reply| Replies::new(reply).int().ok());
    left.unwrap_or(-1)
}

/// Reads a number of bytes; `None` for a key that is gone, and where it is not reported.
fn read_size(reply: Option<Vec<Reply>>) -> Option<u64> {
    Replies::new(reply?).count().ok()
}
