//! The one door to Redis: a command goes out, a flat list of replies comes back.
//!
//! Spin's `execute` flattens nested arrays, so [`Reply`] has no nesting either, and every script of this crate answers
//! with a fixed stride that [`Replies`] reads. Both implementations (Spin's connection and the native one used by tests)
//! go through [`crate::Client`], which adds time limits, reconnection and repetition.

use std::rc::Rc;
use std::time::{Duration, Instant};

use rmp::Marker;
use rmp::decode::{self, Bytes};

use crate::error::{ErrorKind, RedisError};

/// One argument of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arg {
    /// An integer, sent in decimal.
    Int(i64),
    /// Bytes, sent as they are.
    Bytes(Vec<u8>),
}

impl From<&str> for Arg {
    fn from(value: &str) -> Self {
        Self::Bytes(value.as_bytes().to_vec())
    }
}

impl From<String> for Arg {
    fn from(value: String) -> Self {
        Self::Bytes(value.into_bytes())
    }
}

impl From<&[u8]> for Arg {
    fn from(value: &[u8]) -> Self {
        Self::Bytes(value.to_vec())
    }
}

impl From<Vec<u8>> for Arg {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(value)
    }
}

impl From<i64> for Arg {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<u64> for Arg {
    fn from(value: u64) -> Self {
        Self::Bytes(value.to_string().into_bytes())
    }
}

impl From<usize> for Arg {
    fn from(value: usize) -> Self {
        Self::from(value as u64)
    }
}

/// A command with its arguments, and whether a second execution would do harm.
#[derive(Debug, Clone)]
pub struct Command {
    /// The command's name, e.g. `GET`.
    pub name: &'static str,
    /// Its arguments in order.
    pub args: Vec<Arg>,
    /// The script that the first argument is the hash of, for a server that does not know it yet.
    pub source: Option<&'static str>,
    /// Whether it may be sent again when it is not known whether the first sending arrived.
    pub repeatable: bool,
}

impl Command {
    /// A command that changes something: sent once, unless [`Command::repeatable`] says otherwise.
    pub fn new(name: &'static str) -> Self {
        Self { name, args: Vec::new(), source: None, repeatable: false }
    }

    /// A command that only reads, or whose repetition has the same effect and reply.
    pub fn read(name: &'static str) -> Self {
        Self { name, args: Vec::new(), source: None, repeatable: true }
    }

    /// Appends an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<Arg>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Appends several arguments.
    #[must_use]
    pub fn args<A: Into<Arg>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// `EVALSHA` of a script, by its hash; with its source for a server that does not know it.
    pub(crate) fn script(sha: &str, source: &'static str) -> Self {
        Self { source: Some(source), ..Self::new("EVALSHA").arg(sha) }
    }

    /// Makes the script's `EVAL` of its `EVALSHA`; whether there was one to make.
    pub(crate) fn tell_script(&mut self) -> bool {
        let Some(source) = self.source.take() else { return false };
        self.name = "EVAL";
        if let Some(hash) = self.args.first_mut() {
            *hash = source.into();
        }
        true
    }

    /// Marks a writing command as safe to send twice.
    #[must_use]
    pub fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }
}

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

/// A connection to one logical database of one Redis node.
#[expect(async_fn_in_trait, reason = "components are single-threaded: the futures need not be Send")]
pub trait Redis {
    /// Sends one command and waits for its flattened reply. One round trip.
    ///
    /// # Errors
    /// Every failure is a [`RedisError`], whose kind says whether the server was reached.
    async fn execute(&self, command: Command) -> Result<Vec<Reply>, RedisError>;

    /// The same, with how long it took; without what opening a connection took, where an implementation knows that.
    ///
    /// # Errors
    /// Those of [`Redis::execute`].
    async fn measured(&self, command: Command) -> Result<(Vec<Reply>, Duration), RedisError> {
        let sent = Instant::now();
        self.execute(command).await.map(|replies| (replies, sent.elapsed()))
    }
}

impl<R: Redis> Redis for &R {
    async fn execute(&self, command: Command) -> Result<Vec<Reply>, RedisError> {
        (**self).execute(command).await
    }

    async fn measured(&self, command: Command) -> Result<(Vec<Reply>, Duration), RedisError> {
        (**self).measured(command).await
    }
}

impl<R: Redis> Redis for Rc<R> {
    async fn execute(&self, command: Command) -> Result<Vec<Reply>, RedisError> {
        (**self).execute(command).await
    }

    async fn measured(&self, command: Command) -> Result<(Vec<Reply>, Duration), RedisError> {
        (**self).measured(command).await
    }
}

/// Reads a flat reply front to back; a shape other than the expected one is an error, never a panic.
#[derive(Debug)]
pub struct Replies(std::vec::IntoIter<Reply>);

impl Replies {
    /// Starts reading at the first element.
    pub fn new(replies: Vec<Reply>) -> Self {
        Self(replies.into_iter())
    }

    /// The elements that a script packed into the next one (`cmsgpack.pack`): strings and integers. Each element of a reply is
    /// copied into the component by itself, so a reply of hundreds costs more to receive than to make.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] when it is no such element.
    pub fn packed(&mut self) -> Result<Self, RedisError> {
        let packed = self.bytes()?;
        let mut left = Bytes::new(&packed);
        let mut replies = Vec::new();
        while let Some(&first) = left.remaining_slice().first() {
            let reply = match Marker::from_u8(first) {
                Marker::FixStr(_) | Marker::Str8 | Marker::Str16 | Marker::Str32 => string(&mut left).map(Reply::Bytes),
                _ => decode::read_int(&mut left).ok().map(Reply::Int),
            };
            let bad = || RedisError::new(ErrorKind::Protocol, "the elements that a script packed cannot be read");
            replies.push(reply.ok_or_else(bad)?);
        }
        Ok(Self::new(replies))
    }

    /// How many elements are left.
    pub fn remaining(&self) -> usize {
        self.0.len()
    }

    fn unexpected(what: &str, got: Option<&Reply>) -> RedisError {
        RedisError::new(ErrorKind::Protocol, format!("expected {what} in the reply, got {got:?}"))
    }

    /// The next element as an integer (an integer reply, or a bulk string of digits).
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] when there is none.
    pub fn int(&mut self) -> Result<i64, RedisError> {
        let next = self.0.next();
        let parsed = match &next {
            Some(Reply::Int(value)) => Some(*value),
            Some(Reply::Bytes(digits)) => std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()),
            _ => None,
        };
        parsed.ok_or_else(|| Self::unexpected("an integer", next.as_ref()))
    }

    /// The next element as a count; negative numbers are an error.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] when it is not a count.
    pub fn count(&mut self) -> Result<u64, RedisError> {
        let value = self.int()?;
        u64::try_from(value).map_err(|_| Self::unexpected("a count", Some(&Reply::Int(value))))
    }

    /// The next element as bytes, `None` for nil.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] when the reply ended.
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
    /// [`ErrorKind::Protocol`] for nil or a missing element.
    pub fn bytes(&mut self) -> Result<Vec<u8>, RedisError> {
        self.optional_bytes()?.ok_or_else(|| Self::unexpected("a string", Some(&Reply::Nil)))
    }

    /// The next element as text; bytes that are not UTF-8 are replaced.
    ///
    /// # Errors
    /// [`ErrorKind::Protocol`] for nil or a missing element.
    pub fn text(&mut self) -> Result<String, RedisError> {
        let bytes = self.bytes()?;
        Ok(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
    }

    /// All remaining elements as bytes; nils are left out.
    ///
    /// # Errors
    /// None at present: a nil is skipped.
    pub fn rest(mut self) -> Result<Vec<Vec<u8>>, RedisError> {
        let mut all = Vec::with_capacity(self.remaining());
        while self.remaining() > 0 {
            all.extend(self.optional_bytes()?);
        }
        Ok(all)
    }
}

/// A packed string.
fn string(packed: &mut Bytes<'_>) -> Option<Vec<u8>> {
    let length = decode::read_str_len(packed).ok()? as usize;
    let (string, left) = packed.remaining_slice().split_at_checked(length)?;
    let string = string.to_vec();
    *packed = Bytes::new(left);
    Some(string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_of_another_shape_is_a_protocol_error() {
        let mut replies = Replies::new(vec![Reply::Status("OK".into())]);
        assert_eq!(replies.int().unwrap_err().kind, ErrorKind::Protocol);
        assert_eq!(replies.bytes().unwrap_err().kind, ErrorKind::Protocol);
    }

    #[test]
    fn packed_elements_are_read_to_the_end_or_not_at_all() {
        let packed = |bytes: &[u8]| Replies::new(vec![Reply::Bytes(bytes.to_vec())]).packed();
        let mut replies = packed(b"\xa1k\x07\xff\xcd\x01\x00").unwrap();
        assert_eq!(replies.bytes().unwrap(), b"k");
        assert_eq!([replies.int().unwrap(), replies.int().unwrap(), replies.int().unwrap()], [7, -1, 256]);
        assert_eq!(packed(b"").unwrap().remaining(), 0);
        for bad in [&b"\xa2k"[..], b"\xdb\xff\xff\xff\xffk", b"\xcd\x01", b"\xc0", b"\x91\x07"] {
            assert_eq!(packed(bad).unwrap_err().kind, ErrorKind::Protocol, "{bad:?}");
        }
    }

    #[test]
    fn integers_are_read_from_both_forms_and_counts_are_never_negative() {
        let mut replies = Replies::new(vec![Reply::Int(-1), Reply::Bytes(b"42".to_vec()), Reply::Int(-7)]);
        assert_eq!(replies.int().unwrap(), -1);
        assert_eq!(replies.count().unwrap(), 42);
        assert!(replies.count().is_err());
    }
}
