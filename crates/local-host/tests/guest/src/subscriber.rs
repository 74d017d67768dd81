//! The Redis trigger's side: each message is appended to a list under its own text's first word.

use spin_sdk::redis::{Connection, RedisParameter};
use spin_sdk::redis_subscriber;

#[redis_subscriber]
async fn take(message: Vec<u8>) -> Result<(), String> {
    if message == b"trap" {
        panic!("asked to trap by a message");
    }
    let address = spin_sdk::variables::get("redis").await.map_err(|error| format!("{error:?}"))?;
    let connection = Connection::open(address).await.map_err(|error| format!("{error:?}"))?;
    let arguments = [RedisParameter::Binary(b"taken".to_vec()), RedisParameter::Binary(message)];
    connection.execute("RPUSH", arguments).await.map(drop).map_err(|error| format!("{error:?}"))
}
