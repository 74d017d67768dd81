//! Ids of operations: changes as their responses name them.
//!
//! An id is made of the id of the change's intent, the number of the stream that gets its record,
//! and a random part, without which ids could be guessed:
//!
//! ```text
//! 1763209860000-0-1-5f0c2a9e5f0c2a9e   recorded: the record is in stream 1, soon after the intent
//! summed-1-5f0c2a9e5f0c2a9e            past a quota: part of a summary record
//! unrecorded-1-5f0c2a9e5f0c2a9e        the trail refused the intent: the record is in the log
//! ~1-5f0c2a9e5f0c2a9e                  in an intent, whose id is not known before it is written
//! ```
//!
//! So nothing beside the trail has to be stored: a record is searched from its intent's id on.

use super::streams::{AuditStream, STREAM_KEYS};

/// The longest id.
pub(super) const MAX_ID_BYTES: usize = 80;
/// Digits of the random part.
const RANDOM_DIGITS: usize = 16;
/// The beginning of an id in an intent.
const PENDING: &str = "~";
const SUMMED: &str = "summed-";
const UNRECORDED: &str = "unrecorded-";

/// The part of an id that says where the record is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In this stream, at the intent's id or later.
    Recorded {
        began_ms: u64,
        intent: String,
        stream: usize,
        /// Stream and random part.
        rest: String,
    },
    Summed,
    Unrecorded,
}

/// The id of an operation whose intent has not been written, from 128 random bits in hexadecimal.
pub(super) fn pending_id(stream: AuditStream, random: &str) -> String {
    let random = random.get(..RANDOM_DIGITS).unwrap_or(random);
    format!("{PENDING}{}-{random}", stream.number())
}

/// The id of an operation, from the id that its intent has and the reply of the intent's script: the
/// intent's id, `sum`, or empty if the trail refused it.
pub(super) fn complete_id(pending: &str, intent: &str) -> String {
    let rest = pending.trim_start_matches(PENDING);
    match intent {
        "sum" => format!("{SUMMED}{rest}"),
        "" => format!("{UNRECORDED}{rest}"),
        id => format!("{id}-{rest}"),
    }
}

impl Place {
    pub(super) fn parse(id: &str) -> Option<Self> {
        if id.len() > MAX_ID_BYTES {
            return None;
        }
        if let Some(rest) = id.strip_prefix(SUMMED) {
            return is_end_of_id(rest).then_some(Self::Summed);
        }
        if let Some(rest) = id.strip_prefix(UNRECORDED) {
            return is_end_of_id(rest).then_some(Self::Unrecorded);
        }

        let mut parts = id.splitn(3, '-');
        let began_ms = parts.next()?.parse::<u64>().ok()?;
        let sequence = parts.next()?.parse::<u64>().ok()?;
        let rest = parts.next().filter(|rest| is_end_of_id(rest))?;
        let intent = format!("{began_ms}-{sequence}");
        // Numbers have one form.
        if id != format!("{intent}-{rest}") {
            return None;
        }

        Some(Self::Recorded {
            began_ms,
            intent,
            stream: rest.split('-').next()?.parse().ok()?,
            rest: rest.to_owned(),
        })
    }
}

/// Returns whether a text is the number of a stream and a random part.
fn is_end_of_id(text: &str) -> bool {
    let Some((stream, random)) = text.split_once('-') else {
        return false;
    };
    let is_stream = (1..=STREAM_KEYS.len()).any(|number| stream == number.to_string());
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    is_stream && random.len() == RANDOM_DIGITS && random.bytes().all(is_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANDOM: &str = "5f0c2a9e5f0c2a9e";

    #[test]
    fn an_id_says_where_the_record_is() {
        let pending = pending_id(AuditStream::Automatic, "5f0c2a9e5f0c2a9e00000000");
        assert_eq!(pending, format!("~3-{RANDOM}"));

        let recorded = complete_id(&pending, "1763209860000-7");
        let place = Place::Recorded {
            began_ms: 1_763_209_860_000,
            intent: "1763209860000-7".into(),
            stream: 3,
            rest: format!("3-{RANDOM}"),
        };
        assert_eq!(recorded, format!("1763209860000-7-3-{RANDOM}"));
        assert_eq!(Place::parse(&recorded), Some(place));

        let summed = complete_id(&pending, "sum");
        assert_eq!(Place::parse(&summed), Some(Place::Summed));
        let unrecorded = complete_id(&pending, "");
        assert_eq!(Place::parse(&unrecorded), Some(Place::Unrecorded));
    }

    #[test]
    fn no_other_text_is_an_id() {
        let bad = [
            String::new(),
            "1".into(),
            "1-2".into(),
            "1-2-1".into(),
            "1-2-1-".into(),
            "1-2-1-5F0C2A9E5F0C2A9E".into(),
            "1-2-1-5f0c2a9e".into(),
            format!("1-2-0-{RANDOM}"),
            format!("1-2-4-{RANDOM}"),
            format!("x-2-1-{RANDOM}"),
            format!("1-2-1-{RANDOM}\""),
            format!("01-2-1-{RANDOM}"),
            format!("1-+2-1-{RANDOM}"),
            format!("1-2-01-{RANDOM}"),
            format!("~1-{RANDOM}"),
            format!("summed-{RANDOM}"),
            format!("{}-2-1-{RANDOM}", "9".repeat(100)),
        ];
        for id in bad {
            assert_eq!(Place::parse(&id), None, "{id}");
        }
    }
}
