//! Replies in the form of the interface.

use redis::{ErrorKind, FromRedisValue, RedisError, Value};

use super::bindings::redis::RedisResult;

/// Approximate memory of one result.
pub fn byte_size(result: &RedisResult) -> usize {
    let payload = match result {
        RedisResult::Nil | RedisResult::Int64(_) => 0,
        RedisResult::Binary(bytes) => bytes.len(),
        RedisResult::Status(text) => text.len(),
    };
    size_of::<RedisResult>() + payload
}

/// A reply in the form of the interface: nested arrays become one list.
pub struct FlatReply(pub Vec<RedisResult>);

impl FlatReply {
    fn push(&mut self, value: Value) -> Result<(), RedisError> {
        let result = match value {
            Value::Nil => RedisResult::Nil,
            Value::Int(number) => RedisResult::Int64(number),
            Value::Boolean(flag) => RedisResult::Int64(flag.into()),
            Value::BulkString(bytes) => RedisResult::Binary(bytes),
            Value::Double(number) => RedisResult::Binary(number.to_string().into_bytes()),
            Value::BigNumber(number) => RedisResult::Binary(number.to_string().into_bytes()),
            Value::SimpleString(text) => RedisResult::Status(text),
            Value::Okay => RedisResult::Status("OK".to_owned()),
            Value::Array(values) | Value::Set(values) => {
                return values.into_iter().try_for_each(|value| self.push(value));
            }
            Value::Map(_) => return Err(unsupported("Redis Map type is")),
            Value::Attribute { .. } => return Err(unsupported("Redis Attribute type is")),
            Value::VerbatimString { .. } => {
                return Err(unsupported("Redis string with format attribute is"));
            }
            Value::Push { .. } => return Err(unsupported("Redis Pub/Sub types are")),
            Value::ServerError(error) => {
                let detail = format!("{error:?}");
                return Err((ErrorKind::ResponseError, "Server error", detail).into());
            }
        };

        self.0.push(result);
        Ok(())
    }
}

/// Spin's error for a reply that the interface cannot express.
fn unsupported(subject: &str) -> RedisError {
    let summary = "Could not convert Redis response";
    (
        ErrorKind::TypeError,
        summary,
        format!("{subject} not supported"),
    )
        .into()
}

impl FromRedisValue for FlatReply {
    fn from_redis_value(value: &Value) -> Result<Self, RedisError> {
        Self::from_owned_redis_value(value.clone())
    }

    fn from_owned_redis_value(value: Value) -> Result<Self, RedisError> {
        let mut flat = Self(Vec::new());
        flat.push(value)?;
        Ok(flat)
    }
}
