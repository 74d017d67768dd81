//! The Redis in memory: in tests as services write them, and beside a real server.
#![cfg(feature = "testing")]

mod commands;
mod control;
mod scripts;
mod service;
mod suite;

use redis::{RedisResult, Value};

use edge_cache::testing::Memory;

/// Executes a command on a Redis in memory, for a comparison with a server's reply.
fn in_memory(memory: &Memory, parts: &[Vec<u8>]) -> RedisResult<Value> {
    redis::parse_redis_value(&memory.respond(parts))?.extract_error()
}

fn on_server(connection: &mut redis::Connection, parts: &[Vec<u8>]) -> RedisResult<Value> {
    let mut command = redis::Cmd::new();
    command.arg(parts);
    command.query(connection)
}

/// A reply as far as it is the same on every server: of an error its code.
fn comparable(reply: RedisResult<Value>) -> Result<Value, String> {
    reply.map_err(|error| error.code().unwrap_or_default().to_owned())
}
