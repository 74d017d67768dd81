//! The part of the Redis protocol that is needed to find the ends of commands and replies.

use std::io::{BufRead, Error, ErrorKind, Result};

/// A command as sent.
pub(crate) struct Command {
    /// Its name in upper case.
    pub(crate) name: String,
    /// All of its bytes.
    pub(crate) bytes: Vec<u8>,
}

impl Command {
    /// Reads a command; `None` at the end of the connection.
    pub(crate) fn read(from: &mut impl BufRead) -> Result<Option<Self>> {
        let mut bytes = Vec::new();
        if from.read_until(b'\n', &mut bytes)? == 0 {
            return Ok(None);
        }

        let words = parse_length(&bytes, b'*')?.unwrap_or(0);
        let mut name = String::new();
        for word in 0..words {
            let text = read_bulk(from, &mut bytes)?;
            if word == 0 {
                name = String::from_utf8_lossy(&bytes[text]).to_ascii_uppercase();
            }
        }

        Ok(Some(Self { name, bytes }))
    }

    /// Reads the words of a command; `None` at the end of the connection.
    pub(crate) fn read_words(from: &mut impl BufRead) -> Result<Option<Vec<Vec<u8>>>> {
        let mut line = Vec::new();
        if from.read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }

        let count = parse_length(&line, b'*')?.unwrap_or(0);
        let mut words = Vec::with_capacity(count);
        for _ in 0..count {
            let mut bytes = Vec::new();
            let text = read_bulk(from, &mut bytes)?;
            bytes.truncate(text.end);
            bytes.drain(..text.start);
            words.push(bytes);
        }
        Ok(Some(words))
    }

    /// Its words.
    pub(crate) fn words(&self) -> Result<Vec<Vec<u8>>> {
        let words = Self::read_words(&mut self.bytes.as_slice())?;
        Ok(words.unwrap_or_default())
    }

    /// True for commands that a client sends when it opens a connection.
    pub(crate) fn is_opening(&self) -> bool {
        ["AUTH", "CLIENT", "HELLO", "SELECT"].contains(&self.name.as_str())
    }
}

/// The bytes of a command with these words.
pub(crate) fn encode(words: &[impl AsRef<[u8]>]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        let word = word.as_ref();
        bytes.extend(format!("${}\r\n", word.len()).into_bytes());
        bytes.extend(word);
        bytes.extend(b"\r\n");
    }
    bytes
}

/// Reads a reply of RESP2, with its nested replies.
pub(crate) fn read_reply(from: &mut impl BufRead) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut left = 1;
    while left > 0 {
        left -= 1;
        let start = bytes.len();
        if from.read_until(b'\n', &mut bytes)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }

        match bytes[start] {
            b'*' => left += parse_length(&bytes[start..], b'*')?.unwrap_or(0),
            b'$' => {
                read_text(from, &mut bytes, start)?;
            }
            _ => {}
        }
    }
    Ok(bytes)
}

/// Reads a bulk string; returns the range of its text.
fn read_bulk(from: &mut impl BufRead, bytes: &mut Vec<u8>) -> Result<std::ops::Range<usize>> {
    let start = bytes.len();
    from.read_until(b'\n', bytes)?;
    read_text(from, bytes, start)
}

/// Reads the text of a bulk string whose first line begins at `start`.
fn read_text(
    from: &mut impl BufRead,
    bytes: &mut Vec<u8>,
    start: usize,
) -> Result<std::ops::Range<usize>> {
    let text = bytes.len();
    let Some(length) = parse_length(&bytes[start..], b'$')? else {
        return Ok(text..text);
    };
    bytes.resize(text + length + 2, 0);
    from.read_exact(&mut bytes[text..])?;
    Ok(text..text + length)
}

/// The number after the type byte; `None` for -1, a nil.
fn parse_length(line: &[u8], kind: u8) -> Result<Option<usize>> {
    let number = line
        .strip_prefix(&[kind])
        .and_then(|rest| std::str::from_utf8(rest).ok());
    match number.and_then(|number| number.trim_end().parse::<i64>().ok()) {
        Some(number) => Ok(usize::try_from(number).ok()),
        None => Err(Error::new(
            ErrorKind::InvalidData,
            format!("not the Redis protocol: {}", line.escape_ascii()),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_to_their_end() {
        let mut sent: &[u8] = b"*2\r\n$3\r\nget\r\n$4\r\na\r\nb\r\n*1\r\n$4\r\nPING\r\n";

        let get = Command::read(&mut sent).unwrap().unwrap();
        let ping = Command::read(&mut sent).unwrap().unwrap();
        let end = Command::read(&mut sent).unwrap();

        assert_eq!(get.name, "GET");
        assert_eq!(get.bytes.len(), 23);
        assert!(!get.is_opening());
        assert_eq!(ping.name, "PING");
        assert!(end.is_none());
    }

    #[test]
    fn words_of_commands_are_read() {
        let mut sent: &[u8] = b"*2\r\n$3\r\nget\r\n$4\r\na\r\nb\r\n*1\r\n$4\r\nPING\r\n";
        let mut read = || Command::read_words(&mut sent).unwrap();

        assert_eq!(read().unwrap(), [b"get".to_vec(), b"a\r\nb".to_vec()]);
        assert_eq!(read().unwrap(), [b"PING".to_vec()]);
        assert!(read().is_none());
    }

    #[test]
    fn encoded_words_are_read_again() {
        let bytes = encode(&[&b"get"[..], b"a\r\nb"]);

        let command = Command::read(&mut bytes.as_slice()).unwrap().unwrap();

        assert_eq!(
            command.words().unwrap(),
            [b"get".to_vec(), b"a\r\nb".to_vec()]
        );
    }

    #[test]
    fn replies_are_read_to_their_end() {
        for whole in [
            "+OK\r\n",
            "$-1\r\n",
            "*-1\r\n",
            "*0\r\n",
            "*2\r\n:1\r\n*2\r\n$2\r\n\r\n\r\n-ERR x\r\n",
            "$0\r\n\r\n",
        ] {
            let both = [whole, "+next\r\n"].concat();
            let mut from = both.as_bytes();

            let read = read_reply(&mut from).unwrap();

            assert_eq!(read, whole.as_bytes());
            assert_eq!(from, b"+next\r\n");
        }
    }

    #[test]
    fn an_incomplete_reply_is_an_error() {
        assert!(read_reply(&mut &b"$5\r\nab"[..]).is_err());
    }
}
