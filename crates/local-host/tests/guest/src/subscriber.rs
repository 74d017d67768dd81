//! The handler of the Redis trigger: appends each message to a list, and the message `slow` a
//! second time after a second.

use std::time::Duration;

use spin_sdk::redis::{Connection, RedisParameter};
use spin_sdk::redis_subscriber;

#[redis_subscriber]
async fn handle(message: Vec<u8>) -> Result<(), String> {
    if message == b"trap" {
        panic!("asked to trap by a message");
    }
    let address = spin_sdk::variables::get("redis")
        .await
        .map_err(|error| format!("{error:?}"))?;
    let connection = Connection::open(address)
        .await
        .map_err(|error| format!("{error:?}"))?;
    append(&connection, &message).await?;

    if message == b"slow" {
        spin_sdk::time::sleep(Duration::from_secs(1)).await;
        append(&connection, &message).await?;
    }

    Ok(())
}

async fn append(connection: &Connection, message: &[u8]) -> Result<(), String> {
    let arguments = [
        RedisParameter::Binary(b"taken".to_vec()),
        RedisParameter::Binary(message.to_vec()),
    ];
    connection
        .execute("RPUSH", arguments)
        .await
        .map(drop)
        .map_err(|error| format!("{error:?}"))
}
