//! Creates and removes many keys fast: scripts do it in slices, between which Redis serves others.

use std::ops::Range;

use redis::Script;

use crate::connection::Connection;
use crate::nodes::Nodes;
use crate::own_names::is_of_trail;
use crate::topology::Topology;

/// Keys per script call.
const SLICE_KEYS: usize = 20_000;

/// Sets `<prefix><number>` to a short value for each number.
///
/// # Panics
/// If Redis refuses.
pub fn fill(redis: &mut Connection, prefix: &str, numbers: Range<usize>) {
    match redis {
        Connection::Server(server) => each_slice(server, "SET", prefix, numbers),
        Connection::Cluster(nodes) => each_key(nodes, "SET", prefix, numbers),
    }
}

/// Removes the keys that [`fill`] created.
///
/// # Panics
/// If Redis refuses.
pub fn unlink(redis: &mut Connection, prefix: &str, numbers: Range<usize>) {
    match redis {
        Connection::Server(server) => each_slice(server, "UNLINK", prefix, numbers),
        Connection::Cluster(nodes) => each_key(nodes, "UNLINK", prefix, numbers),
    }
}

/// Runs the command for each key in scripts. `SET` gives it the value `x`.
fn each_slice(redis: &mut redis::Connection, name: &str, prefix: &str, numbers: Range<usize>) {
    let value = if name == "SET" { ", 'x'" } else { "" };
    let code = format!(
        "for n = ARGV[2], ARGV[3] - 1 do \
         redis.call('{name}', ARGV[1] .. string.format('%d', n){value}) end"
    );
    let script = Script::new(&code);
    for start in numbers.clone().step_by(SLICE_KEYS) {
        let end = (start + SLICE_KEYS).min(numbers.end);
        let () = script
            .arg(prefix)
            .arg(start)
            .arg(end)
            .invoke(redis)
            .expect("Redis creates or removes keys");
    }
}

/// Runs the command for each key at its node.
fn each_key(nodes: &mut Nodes, name: &str, prefix: &str, numbers: Range<usize>) {
    let mut of_nodes = vec![redis::pipe(); nodes.connections().len()];
    for number in numbers {
        let key = format!("{prefix}{number}");
        let pipe = &mut of_nodes[nodes.owner(key.as_bytes())];
        pipe.cmd(name).arg(key);
        if name == "SET" {
            pipe.arg("x");
        }
        pipe.ignore();
    }

    for (connection, pipe) in nodes.connections().iter_mut().zip(of_nodes) {
        let () = pipe
            .query(connection)
            .expect("Redis creates or removes keys");
    }
}

/// Returns the approximate size of the hash table of the keyspace in bytes. It changes when Redis
/// rehashes.
///
/// # Panics
/// If Redis does not report it.
pub fn hash_table_bytes(redis: &mut Connection) -> i64 {
    let stats: Vec<redis::Value> = redis::cmd("MEMORY")
        .arg("STATS")
        .query(redis)
        .expect("MEMORY STATS");
    let field = |fields: &[redis::Value], name: &str| -> Option<redis::Value> {
        let found = fields
            .chunks_exact(2)
            .find(|pair| pair[0] == redis::Value::BulkString(name.into()))?;
        Some(found[1].clone())
    };

    match field(&stats, "db.0") {
        Some(redis::Value::Array(db)) => match field(&db, "overhead.hashtable.main") {
            Some(redis::Value::Int(bytes)) => bytes,
            other => panic!("MEMORY STATS has {other:?} as the size of the table"),
        },
        _ => 0,
    }
}

/// Returns the names of all matching keys in order, except the fences, and the audit trail where it
/// always shares the database.
///
/// # Panics
/// If Redis refuses.
pub fn keys(redis: &mut Connection, pattern: &str) -> Vec<String> {
    let keys: Vec<Vec<u8>> = redis::cmd("KEYS")
        .arg(pattern)
        .query(redis)
        .expect("a reply to KEYS");
    let names = keys
        .iter()
        .map(|name| String::from_utf8_lossy(name).into_owned());
    let is_shared = Topology::selected().shares_database();
    let is_hidden =
        |name: &String| name.starts_with("cache:fences") || is_shared && is_of_trail(name);
    let mut names: Vec<String> = names.filter(|name| !is_hidden(name)).collect();
    names.sort();
    names
}
