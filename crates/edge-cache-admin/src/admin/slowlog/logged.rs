//! Replies of `SLOWLOG GET` and `COMMANDLOG GET`.
//!
//! Replies arrive without their nesting. Every entry begins with three integers (id, time, duration or
//! bytes), all else in it is text, and the last two texts are the client's address and name: so entries
//! can be told apart.

use edge_cache::redis::Reply;

/// The least number of texts in an entry: a command's name, an address, a client's name.
const MIN_TEXTS: usize = 3;

/// A command that the server logged.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct LoggedCommand {
    pub(super) id: u64,
    /// When it ran, in seconds since 1970.
    pub(super) at: u64,
    /// Microseconds or bytes.
    pub(super) value: u64,
    pub(super) words: Vec<Vec<u8>>,
    pub(super) client: String,
    pub(super) client_name: String,
}

impl LoggedCommand {
    /// Reads all entries of a reply. Entries of another shape are skipped.
    pub(super) fn read_all(replies: Vec<Reply>) -> Vec<Self> {
        let mut entries = Vec::new();
        let mut numbers = Vec::new();
        let mut texts: Vec<Vec<u8>> = Vec::new();

        for reply in replies {
            match reply {
                Reply::Int(number) => {
                    if !texts.is_empty() {
                        entries.extend(Self::new(&numbers, std::mem::take(&mut texts)));
                        numbers.clear();
                    }
                    numbers.push(u64::try_from(number).unwrap_or(0));
                }
                Reply::Bytes(text) => texts.push(text),
                Reply::Status(text) => texts.push(text.into_bytes()),
                Reply::Nil => {}
            }
        }

        entries.extend(Self::new(&numbers, texts));
        entries
    }

    fn new(numbers: &[u64], mut texts: Vec<Vec<u8>>) -> Option<Self> {
        let &[id, at, value] = numbers else {
            return None;
        };
        if texts.len() < MIN_TEXTS {
            return None;
        }

        let mut last = || {
            let text = texts.pop().unwrap_or_default();
            String::from_utf8_lossy(&text).chars().take(64).collect()
        };
        let client_name = last();
        let client = last();
        Some(Self {
            id,
            at,
            value,
            words: texts,
            client,
            client_name,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_told_apart_without_their_nesting() {
        let text = |text: &str| Reply::Bytes(text.into());
        let replies = vec![
            Reply::Int(8),
            Reply::Int(1_700_000_001),
            Reply::Int(12_000),
            text("SET"),
            text("a"),
            text("17"),
            text("10.0.0.1:4000"),
            text(""),
            Reply::Int(7),
            Reply::Int(1_700_000_000),
            Reply::Int(11_000),
            text("PING"),
            text("10.0.0.2:4000"),
            text("shop"),
        ];

        let entries = LoggedCommand::read_all(replies);

        assert_eq!(entries.len(), 2);
        assert_eq!((entries[0].id, entries[0].value), (8, 12_000));
        assert_eq!(entries[0].words, [b"SET".as_slice(), b"a", b"17"]);
        assert_eq!(entries[1].words, [b"PING"]);
        assert_eq!(entries[1].client_name, "shop");
    }

    #[test]
    fn a_reply_of_another_shape_has_no_entries() {
        let odd = vec![Reply::Int(1), Reply::Bytes(b"x".to_vec()), Reply::Nil];
        assert!(LoggedCommand::read_all(odd).is_empty());
        assert!(LoggedCommand::read_all(Vec::new()).is_empty());
    }
}
