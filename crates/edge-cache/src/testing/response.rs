//! Replies of commands before they are flattened.

use crate::redis::Reply;

/// A reply, with the nesting that scripts and other clients see.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Response {
    Nil,
    Int(i64),
    Bytes(Vec<u8>),
    Status(String),
    Error(String),
    Array(Vec<Self>),
}

/// The error that a command ends with, as Redis words it, e.g. `WRONGTYPE ...`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal(pub(super) String);

/// The result of a command.
pub(super) type Answered = Result<Response, Refusal>;

impl Refusal {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(super) fn wrong_type() -> Self {
        Self::new("WRONGTYPE Operation against a key holding the wrong kind of value")
    }

    pub(super) fn syntax() -> Self {
        Self::new("ERR syntax error")
    }

    pub(super) fn not_an_integer() -> Self {
        Self::new("ERR value is not an integer or out of range")
    }
}

impl Response {
    pub(super) fn ok() -> Self {
        Self::Status("OK".into())
    }

    /// A count of something.
    pub(super) fn count(count: usize) -> Self {
        Self::Int(i64::try_from(count).unwrap_or(i64::MAX))
    }

    pub(super) fn flag(is_so: bool) -> Self {
        Self::Int(i64::from(is_so))
    }

    pub(super) fn bytes(bytes: impl AsRef<[u8]>) -> Self {
        Self::Bytes(bytes.as_ref().to_vec())
    }

    pub(super) fn optional(bytes: Option<impl AsRef<[u8]>>) -> Self {
        bytes.map_or(Self::Nil, Self::bytes)
    }

    /// A list of strings.
    pub(super) fn strings<S: AsRef<[u8]>>(strings: impl IntoIterator<Item = S>) -> Self {
        Self::Array(strings.into_iter().map(Self::bytes).collect())
    }

    /// Appends the reply's elements to a flat list.
    ///
    /// # Errors
    /// The first error among them.
    pub(super) fn flatten_into(self, replies: &mut Vec<Reply>) -> Result<(), Refusal> {
        match self {
            Self::Nil => replies.push(Reply::Nil),
            Self::Int(number) => replies.push(Reply::Int(number)),
            Self::Bytes(bytes) => replies.push(Reply::Bytes(bytes)),
            Self::Status(status) => replies.push(Reply::Status(status)),
            Self::Error(text) => return Err(Refusal(text)),
            Self::Array(elements) => {
                for element in elements {
                    element.flatten_into(replies)?;
                }
            }
        }
        Ok(())
    }

    /// Appends the reply as Redis sends it over a connection (RESP2).
    pub(super) fn encode_into(&self, sent: &mut Vec<u8>) {
        let head = match self {
            Self::Nil => "$-1".to_owned(),
            Self::Int(number) => format!(":{number}"),
            Self::Bytes(bytes) => format!("${}", bytes.len()),
            Self::Status(status) => format!("+{}", one_line(status)),
            Self::Error(text) => format!("-{}", one_line(text)),
            Self::Array(elements) => format!("*{}", elements.len()),
        };
        sent.extend_from_slice(head.as_bytes());
        sent.extend_from_slice(b"\r\n");

        match self {
            Self::Bytes(bytes) => {
                sent.extend_from_slice(bytes);
                sent.extend_from_slice(b"\r\n");
            }
            Self::Array(elements) => {
                for element in elements {
                    element.encode_into(sent);
                }
            }
            Self::Nil | Self::Int(_) | Self::Status(_) | Self::Error(_) => {}
        }
    }
}

fn one_line(text: &str) -> String {
    text.replace(['\r', '\n'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_replies_are_flattened_and_encoded() {
        let nested = Response::Array(vec![
            Response::bytes("0"),
            Response::Array(vec![Response::Int(1), Response::Nil]),
            Response::Array(Vec::new()),
        ]);

        let mut sent = Vec::new();
        nested.encode_into(&mut sent);
        assert_eq!(sent, b"*3\r\n$1\r\n0\r\n*2\r\n:1\r\n$-1\r\n*0\r\n");

        let mut flat = Vec::new();
        nested.flatten_into(&mut flat).unwrap();
        let expected = [Reply::Bytes(b"0".to_vec()), Reply::Int(1), Reply::Nil];
        assert_eq!(flat, expected);
    }
}
