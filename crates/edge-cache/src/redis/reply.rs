//! Replies of Redis: flat lists, read front to back.

use rmp::Marker;
use rmp::decode::{self, Bytes};

use crate::error::{ErrorKind, RedisError};

/// One element of a flattened reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// No value.
    Nil,
    /// A status line such as `OK`.
    Status(String),
    /// An integer.
    Int(i64),
    /// A bulk string.
    Bytes(Vec<u8>),
}

/// Reads a flat reply front to back; an unexpected shape is an error, never a panic.
#[derive(Debug)]
pub struct Replies(std::vec::IntoIter<Reply>);

impl Replies {
    /// Starts at the first element.
    pub fn new(replies: Vec<Reply>) -> Self {
        Self(replies.into_iter())
    }

    /// Unpacks the next element into the strings and integers that a script packed into it
    /// (`cmsgpack.pack`). The host copies each element of a reply into the component separately, so
    /// a reply of hundreds of elements would cost more to receive than to produce.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] when it cannot be unpacked.
    pub fn packed(&mut self) -> Result<Self, RedisError> {
        let packed = self.bytes()?;
        let mut left = Bytes::new(&packed);
        let mut replies = Vec::new();

        while let Some(&first) = left.remaining_slice().first() {
            let reply = match Marker::from_u8(first) {
                Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 => {
                    unpack_string(&mut left).map(Reply::Bytes)
                }
                _ => decode::read_int(&mut left).ok().map(Reply::Int),
            };
            let Some(reply) = reply else {
                let problem = "the elements that a script packed cannot be read";
                return Err(RedisError::new(ErrorKind::Protocol, problem));
            };

            replies.push(reply);
        }

        Ok(Self::new(replies))
    }

    /// Number of elements left.
    pub fn remaining(&self) -> usize {
        self.0.len()
    }

    fn unexpected(what: &str, got: Option<&Reply>) -> RedisError {
        RedisError::new(
            ErrorKind::Protocol,
            format!("expected {what} in the reply, got {got:?}"),
        )
    }

    /// The next element as an integer (an integer reply, or a bulk string of digits).
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] for anything else, and at the end of the reply.
    pub fn int(&mut self) -> Result<i64, RedisError> {
        let next = self.0.next();
        let parsed = match &next {
            Some(Reply::Int(value)) => Some(*value),
            Some(Reply::Bytes(digits)) => std::str::from_utf8(digits)
                .ok()
                .and_then(|digits| digits.parse().ok()),
            _ => None,
        };
        parsed.ok_or_else(|| Self::unexpected("an integer", next.as_ref()))
    }

    /// The next element as a count; negative numbers are an error.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] for anything else, and at the end of the reply.
    pub fn count(&mut self) -> Result<u64, RedisError> {
        let value = self.int()?;
        u64::try_from(value).map_err(|_| Self::unexpected("a count", Some(&Reply::Int(value))))
    }

    /// The next element as bytes, `None` for nil.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] at the end of the reply.
    pub fn optional_bytes(&mut self) -> Result<Option<Vec<u8>>, RedisError> {
        match self.0.next() {
            Some(Reply::Bytes(bytes)) => Ok(Some(bytes)),
            Some(Reply::Status(status)) => Ok(Some(status.into_bytes())),
            Some(Reply::Int(value)) => Ok(Some(value.to_string().into_bytes())),
            Some(Reply::Nil) => Ok(None),
            None => Err(Self::unexpected("a string", None)),
        }
    }

    /// The next element as bytes.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] for nil, and at the end of the reply.
    pub fn bytes(&mut self) -> Result<Vec<u8>, RedisError> {
        self.optional_bytes()?
            .ok_or_else(|| Self::unexpected("a string", Some(&Reply::Nil)))
    }

    /// The next element as text; bytes that are not UTF-8 are replaced.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] for nil, and at the end of the reply.
    pub fn text(&mut self) -> Result<String, RedisError> {
        let bytes = self.bytes()?;
        Ok(String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
    }

    /// All remaining elements as bytes; nils are skipped.
    ///
    /// # Errors
    /// None at present.
    pub fn rest(mut self) -> Result<Vec<Vec<u8>>, RedisError> {
        let mut all = Vec::with_capacity(self.remaining());
        while self.remaining() > 0 {
            all.extend(self.optional_bytes()?);
        }
        Ok(all)
    }
}

fn unpack_string(packed: &mut Bytes<'_>) -> Option<Vec<u8>> {
    let length = decode::read_str_len(packed).ok()? as usize;
    let (string, left) = packed.remaining_slice().split_at_checked(length)?;
    let string = string.to_vec();
    *packed = Bytes::new(left);
    Some(string)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unpack(packed: &[u8]) -> Result<Replies, RedisError> {
        Replies::new(vec![Reply::Bytes(packed.to_vec())]).packed()
    }

    #[test]
    fn a_reply_of_another_shape_is_a_protocol_error() {
        let mut replies = Replies::new(vec![Reply::Status("OK".into())]);

        assert_eq!(replies.int().unwrap_err().kind, ErrorKind::Protocol);
        assert_eq!(replies.bytes().unwrap_err().kind, ErrorKind::Protocol);
    }

    #[test]
    fn packed_elements_are_read_in_order() {
        let mut replies = unpack(b"\xa1k\x07\xff\xcd\x01\x00").unwrap();

        assert_eq!(replies.bytes().unwrap(), b"k");
        assert_eq!(replies.int().unwrap(), 7);
        assert_eq!(replies.int().unwrap(), -1);
        assert_eq!(replies.int().unwrap(), 256);
        assert_eq!(unpack(b"").unwrap().remaining(), 0);
    }

    #[test]
    fn broken_packed_elements_are_a_protocol_error() {
        for bad in [
            &b"\xa2k"[..],
            b"\xdb\xff\xff\xff\xffk",
            b"\xcd\x01",
            b"\xc0",
            b"\x91\x07",
        ] {
            let error = unpack(bad).unwrap_err();

            assert_eq!(error.kind, ErrorKind::Protocol, "{bad:?}");
        }
    }

    #[test]
    fn an_integer_is_read_from_both_forms_and_a_count_is_never_negative() {
        let mut replies = Replies::new(vec![
            Reply::Int(-1),
            Reply::Bytes(b"42".to_vec()),
            Reply::Int(-7),
        ]);

        assert_eq!(replies.int().unwrap(), -1);
        assert_eq!(replies.count().unwrap(), 42);
        assert!(replies.count().is_err());
    }
}
