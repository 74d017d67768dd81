//! Just enough of Redis' protocol to know where a command and a reply end.

use std::io::{BufRead, Error, ErrorKind, Result};

/// A command as it was sent.
pub(crate) struct Command {
    /// Its name in upper case.
    pub(crate) name: String,
    /// All of its bytes.
    pub(crate) bytes: Vec<u8>,
}

impl Command {
    /// Reads one; `None` at the end of the connection.
    pub(crate) fn read(from: &mut impl BufRead) -> Result<Option<Self>> {
        let mut bytes = Vec::new();
        if from.read_until(b'\n', &mut bytes)? == 0 {
            return Ok(None);
        }
        let words = count(&bytes, b'*')?.unwrap_or(0);
        let mut name = String::new();
        for word in 0..words {
            let text = bulk(from, &mut bytes)?;
            if word == 0 {
                name = String::from_utf8_lossy(&bytes[text]).to_ascii_uppercase();
            }
        }
        Ok(Some(Self { name, bytes }))
    }

    /// Whether clients send it by themselves when they open a connection.
    pub(crate) fn is_opening(&self) -> bool {
        ["AUTH", "CLIENT", "HELLO", "SELECT"].contains(&self.name.as_str())
    }
}

/// Reads one reply of protocol 2, nested ones included.
pub(crate) fn reply(from: &mut impl BufRead) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut left = 1;
    while left > 0 {
        left -= 1;
        let start = bytes.len();
        if from.read_until(b'\n', &mut bytes)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        match bytes[start] {
            b'*' => left += count(&bytes[start..], b'*')?.unwrap_or(0),
            b'$' => {
                payload(from, &mut bytes, start)?;
            }
            _ => {}
        }
    }
    Ok(bytes)
}

/// Reads a bulk string with its head; where its text lies.
fn bulk(from: &mut impl BufRead, bytes: &mut Vec<u8>) -> Result<std::ops::Range<usize>> {
    let start = bytes.len();
    from.read_until(b'\n', bytes)?;
    payload(from, bytes, start)
}

/// Reads the text of a bulk string whose head begins at `start`.
fn payload(from: &mut impl BufRead, bytes: &mut Vec<u8>, start: usize) -> Result<std::ops::Range<usize>> {
    let text = bytes.len();
    let Some(length) = count(&bytes[start..], b'$')? else { return Ok(text..text) };
    bytes.resize(text + length + 2, 0);
    from.read_exact(&mut bytes[text..])?;
    Ok(text..text + length)
}

/// The number behind the kind; `None` for that of a nil, -1.
fn count(line: &[u8], kind: u8) -> Result<Option<usize>> {
    let number = line.strip_prefix(&[kind]).and_then(|rest| std::str::from_utf8(rest).ok());
    match number.and_then(|number| number.trim_end().parse::<i64>().ok()) {
        Some(number) => Ok(usize::try_from(number).ok()),
        None => Err(Error::new(ErrorKind::InvalidData, format!("not of Redis' protocol: {}", line.escape_ascii()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_replies_end_where_they_end() {
        let mut sent: &[u8] = b"*2\r\n$3\r\nget\r\n$4\r\na\r\nb\r\n*1\r\n$4\r\nPING\r\n";
        let get = Command::read(&mut sent).unwrap().unwrap();
        assert_eq!((get.name.as_str(), get.bytes.len(), get.is_opening()), ("GET", 23, false));
        assert_eq!(Command::read(&mut sent).unwrap().unwrap().name, "PING");
        assert!(Command::read(&mut sent).unwrap().is_none());
        for whole in
            ["+OK\r\n", "$-1\r\n", "*-1\r\n", "*0\r\n", "*2\r\n:1\r\n*2\r\n$2\r\n\r\n\r\n-ERR x\r\n", "$0\r\n\r\n"]
        {
            let both = [whole, "+next\r\n"].concat();
            let mut from = both.as_bytes();
            assert_eq!((reply(&mut from).unwrap(), from), (whole.as_bytes().to_vec(), &b"+next\r\n"[..]));
        }
        assert!(reply(&mut &b"$5\r\nab"[..]).is_err());
    }
}
