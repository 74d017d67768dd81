//! The commands of both versions of the interface, on an open connection.

use redis::{AsyncCommands as _, ConnectionAddr, ErrorKind, RedisError};

use super::bindings::redis::{Error, RedisParameter, RedisResult};
use super::connection::Connection;
use super::reply::{FlatReply, byte_size};
use crate::allowed_hosts::AllowedHosts;
use crate::interfaces::{MAX_REPLY_BYTES, reply_too_large};

#[expect(clippy::needless_pass_by_value, reason = "map_err passes a value")]
fn other_error(error: RedisError) -> Error {
    Error::Other(error.to_string())
}

/// Opens a connection, if the address is among the allowed ones.
pub async fn open(allowed_hosts: &AllowedHosts, address: String) -> Result<Connection, Error> {
    if !allowed_hosts.allow(&address, "redis") {
        return Err(Error::InvalidAddress);
    }

    let client = redis::Client::open(address).map_err(|_| Error::InvalidAddress)?;
    // No entry of allowed_outbound_hosts can stand for a file of this machine.
    if matches!(client.get_connection_info().addr, ConnectionAddr::Unix(_)) {
        return Err(Error::InvalidAddress);
    }

    client
        .get_multiplexed_async_connection()
        .await
        .map_err(other_error)
}

pub async fn publish(
    mut connection: Connection,
    channel: String,
    payload: Vec<u8>,
) -> Result<(), Error> {
    connection
        .publish::<_, _, ()>(channel, payload)
        .await
        .map_err(other_error)
}

pub async fn get(mut connection: Connection, key: String) -> Result<Option<Vec<u8>>, Error> {
    let value: Option<Vec<u8>> = connection.get(key).await.map_err(other_error)?;

    let bytes = size_of::<Option<Vec<u8>>>() + value.as_ref().map_or(0, Vec::len);
    if bytes > MAX_REPLY_BYTES {
        Err(Error::Other(reply_too_large()))
    } else {
        Ok(value)
    }
}

pub async fn set(mut connection: Connection, key: String, value: Vec<u8>) -> Result<(), Error> {
    connection
        .set::<_, _, ()>(key, value)
        .await
        .map_err(other_error)
}

pub async fn incr(mut connection: Connection, key: String) -> Result<i64, Error> {
    connection.incr(key, 1).await.map_err(other_error)
}

pub async fn del(mut connection: Connection, keys: Vec<String>) -> Result<u32, Error> {
    connection.del(keys).await.map_err(other_error)
}

pub async fn sadd(
    mut connection: Connection,
    key: String,
    values: Vec<String>,
) -> Result<u32, Error> {
    connection
        .sadd(key, values)
        .await
        .map_err(|error: RedisError| match error.kind() {
            ErrorKind::TypeError => Error::TypeError,
            _ => other_error(error),
        })
}

pub async fn smembers(mut connection: Connection, key: String) -> Result<Vec<String>, Error> {
    connection.smembers(key).await.map_err(other_error)
}

pub async fn srem(
    mut connection: Connection,
    key: String,
    values: Vec<String>,
) -> Result<u32, Error> {
    connection.srem(key, values).await.map_err(other_error)
}

pub async fn execute(
    mut connection: Connection,
    command: String,
    arguments: Vec<RedisParameter>,
) -> Result<Vec<RedisResult>, Error> {
    let mut request = redis::cmd(&command);
    for argument in arguments {
        match argument {
            RedisParameter::Int64(number) => request.arg(number),
            RedisParameter::Binary(bytes) => request.arg(bytes),
        };
    }

    let FlatReply(results) = request
        .query_async(&mut connection)
        .await
        .map_err(other_error)?;

    let bytes = size_of::<Vec<RedisResult>>() + results.iter().map(byte_size).sum::<usize>();
    if bytes > MAX_REPLY_BYTES {
        Err(Error::Other(reply_too_large()))
    } else {
        Ok(results)
    }
}
