//! The trailer of an entry: its facts, stored behind the value.
//!
//! A trailer is written with JSON's four whitespace characters, two bits each, so every other client
//! reads the value as the JSON that it is (RFC 8259 allows whitespace after a value). A value without
//! a valid trailer is foreign: another client wrote it, and nothing is known of it.
//!
//! ```text
//! {"price":100}___t__nt...         JSON and its trailer (_ t n: space, tab, newline)
//! (LZ4 frame)(header)___t__nt...   a compressed value: its trailer is an LZ4 frame to be skipped
//! edge-cache chunks ...___t__nt... the first element of a value in chunks
//! ```
//!
//! The characters stand for bytes, the highest bits first:
//!
//! | Bytes | Contents |
//! | --- | --- |
//! | 1 | version, 1 |
//! | 6 | when the value was stored, in milliseconds of Redis' clock |
//! | 1 to 10 | for how many milliseconds it is fresh, plus 1; 0: for ever |
//! | 1 to 10 | its grace in milliseconds |
//! | 1 to 10 | how many milliseconds its load took |
//! | 4 | the epoch of its stamp |
//! | 1 to 10 | how many milliseconds before it was stored the last fence of its stamp came, times 2; plus 1 where it came after |
//! | 1 to 10 | that fence's number within the millisecond |
//! | any | its tags, separated by newlines; after a soft purge a newline, the byte 2 and, in decimal, for how many milliseconds past its TTL it may be served to every caller; then, where it has one, a newline, the byte 1 and its validator |
//! | 3 | CRC-24 of all bytes before it and of the length of all that stands before the trailer |
//! | 2 | number of all these bytes |
//!
//! Numbers are big-endian. Those of 1 to 10 bytes have 7 bits a byte, the lowest first; the highest
//! bit of a byte says that more follow.

mod packing;
#[cfg(test)]
mod tests;

use crc::{CRC_24_OPENPGP, Crc};

use self::packing::{
    from_whitespace, number_of_whitespace, push_number, take_number, to_whitespace,
};
use super::codec;
use super::fence::{SoftPurge, Stamp, StreamId};
use crate::error::Error;

/// The facts of an entry. Times are in milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// When it was stored, by Redis' clock.
    pub stored_at: u64,
    /// How long it is fresh; `None`: for ever.
    pub fresh_for: Option<u64>,
    /// How long it may be served after that, while a load runs or fails.
    pub grace: u64,
    /// How long its load took.
    pub load_time: u64,
    /// The fences that were known when its load began.
    pub stamp: Stamp,
    /// Its tags, joined by newlines.
    pub tags: String,
    /// The value's version at its source, such as an `ETag`.
    pub validator: Option<String>,
    /// A soft purge has marked it stale: for how long past its TTL it may be served to every caller,
    /// whatever grace the caller allows.
    pub marked_stale: Option<u64>,
}

const VERSION: u8 = 1;
/// Stands between the tags and the validator. Version 0.1 reads a validator as a tag that no
/// invalidation names.
const VALIDATOR: &str = "\n\u{1}";
/// Stands between the tags and the time of an entry that was marked stale. Earlier versions read it
/// as a tag that no invalidation names.
const MARKED_STALE: &str = "\n\u{2}";
/// Bytes of the checksum and the length, with which a trailer ends.
const ENDING_BYTES: usize = 5;
/// The longest tags of an entry, joined.
const MAX_TAGS_BYTES: usize = 60_000;
const CHECKSUM: Crc<u32> = Crc::<u32>::new(&CRC_24_OPENPGP);

impl Facts {
    /// The tags.
    pub fn tags(&self) -> impl Iterator<Item = &str> + Clone {
        self.tags.split('\n').filter(|tag| !tag.is_empty())
    }

    /// Returns whether it has this tag.
    pub(crate) fn has_tag(&self, tag: &str) -> bool {
        self.tags().any(|own| own == tag)
    }

    /// Lets the trailer have at least this length: separators of tags fill it.
    pub(super) fn pad_to(&mut self, trailer_length: usize) {
        let missing = trailer_length.saturating_sub(length(self)) / 4;
        self.tags.push_str(&"\n".repeat(missing));
    }

    /// Returns how long the value stays fresh from `now` on, negative when it is stale; `None`: for
    /// ever. After a soft purge it is at most 0, also where the clock's estimate is behind.
    pub fn fresh_left(&self, now: u64) -> Option<i64> {
        let fresh_until = self.stored_at.saturating_add(self.fresh_for?);
        let left = fresh_until.cast_signed().saturating_sub_unsigned(now);
        Some(if self.marked_stale.is_some() {
            left.min(0)
        } else {
            left
        })
    }

    /// Ends the freshness at this time of Redis' clock. An entry without grace may then be served to
    /// every caller for the soft grace, but not longer than it would have been fresh. One that has
    /// been marked stale before stays as it is.
    pub(crate) fn mark_stale(&mut self, purge: SoftPurge) {
        if self.marked_stale.is_some() {
            return;
        }
        let left = self.fresh_left(purge.at);
        let is_fresh = left.is_none_or(|left| left > 0);

        let mut for_every_caller = 0;
        if is_fresh {
            self.fresh_for = Some(purge.at.saturating_sub(self.stored_at));
            if self.grace == 0 {
                let left = left.map_or(u64::MAX, i64::unsigned_abs);
                for_every_caller = left.min(purge.grace.milliseconds());
                self.grace = for_every_caller;
            }
        }
        self.marked_stale = Some(for_every_caller);
    }

    /// Returns when the entry may no longer be served, by Redis' clock; `None`: never.
    pub(crate) fn ends_at(&self) -> Option<u64> {
        let fresh_until = self.stored_at.saturating_add(self.fresh_for?);
        Some(fresh_until.saturating_add(self.grace))
    }
}

/// Appends the facts to an encoded value.
///
/// # Errors
/// [`Error::Invalid`] when the tags are too long together.
pub fn append(mut value: Vec<u8>, facts: &Facts) -> Result<Vec<u8>, Error> {
    if codec::is_compressed(&value) {
        value.extend(codec::skipped_frame_header(length(facts)));
    }
    let rendered = render(facts, value.len())?;
    value.extend(rendered);
    Ok(value)
}

/// Renders the trailer of a value of so many bytes.
///
/// # Errors
/// [`Error::Invalid`] when the tags are too long together.
pub(super) fn render(facts: &Facts, value_length: usize) -> Result<Vec<u8>, Error> {
    if facts.tags.len() > MAX_TAGS_BYTES {
        let problem = format!(
            "have {} bytes together; the limit is {MAX_TAGS_BYTES}",
            facts.tags.len()
        );
        return Err(Error::invalid("tags", problem));
    }

    let packed = pack(facts);
    let checksum = checksum(&packed, value_length).to_be_bytes();
    let length = ((packed.len() + ENDING_BYTES) as u64).to_be_bytes();
    let bytes = packed.iter().chain(&checksum[1..]).chain(&length[6..]);
    Ok(bytes.flat_map(|byte| to_whitespace(*byte)).collect())
}

/// The length of the trailer of these facts.
pub(super) fn length(facts: &Facts) -> usize {
    (pack(facts).len() + ENDING_BYTES) * 4
}

/// Splits what is stored into the encoded value and its facts; `None` for a foreign value.
pub fn split(stored: &[u8]) -> (&[u8], Option<Facts>) {
    let Some((value, facts)) = split_own(stored) else {
        return (stored, None);
    };
    (value, Some(facts))
}

/// Reads a trailer, given the length of all that is stored.
pub fn read(trailer: &[u8], stored_length: usize) -> Option<Facts> {
    let bytes = from_whitespace(trailer)?;
    unpack(&bytes, stored_length.checked_sub(trailer.len())?)
}

/// Reads the grace from the beginning of a trailer whose end is not known, so its checksum is not
/// compared.
pub fn grace_in(beginning: &[u8]) -> Option<u64> {
    let bytes = from_whitespace(beginning)?;
    let (facts, _) = unpack_numbers(&bytes)?;
    Some(facts.grace)
}

/// Takes the encoded value from the beginning of what is stored, and says whether all of it is there.
/// `value_length` counts all that stands before the trailer.
pub(super) fn value_in(beginning: &[u8], value_length: usize) -> (&[u8], bool) {
    let Some(value) = beginning.get(..value_length) else {
        return (beginning, false);
    };
    let frame = codec::without_skipped_frame_header(value).filter(|_| codec::is_compressed(value));
    (frame.unwrap_or(value), true)
}

fn split_own(stored: &[u8]) -> Option<(&[u8], Facts)> {
    let length = number_of_whitespace(stored.last_chunk()?)?;
    let length = usize::from(length);
    let (value, trailer) = stored.split_at_checked(stored.len().checked_sub(length * 4)?)?;

    let facts = read(trailer, stored.len())?;
    if !codec::is_compressed(value) {
        return Some((value, facts));
    }
    Some((codec::without_skipped_frame_header(value)?, facts))
}

/// The bytes of a trailer before its checksum.
fn pack(facts: &Facts) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(32 + facts.tags.len());
    bytes.push(VERSION);
    bytes.extend_from_slice(&facts.stored_at.to_be_bytes()[2..]);
    push_number(
        &mut bytes,
        facts
            .fresh_for
            .map_or(0, |fresh_for| fresh_for.saturating_add(1)),
    );
    push_number(&mut bytes, facts.grace);
    push_number(&mut bytes, facts.load_time);

    bytes.extend_from_slice(&facts.stamp.epoch.to_be_bytes());
    push_number(
        &mut bytes,
        distance(facts.stored_at, facts.stamp.id.milliseconds),
    );
    push_number(&mut bytes, facts.stamp.id.sequence);

    bytes.extend_from_slice(facts.tags.as_bytes());
    if let Some(for_every_caller) = facts.marked_stale {
        bytes.extend_from_slice(MARKED_STALE.as_bytes());
        bytes.extend_from_slice(for_every_caller.to_string().as_bytes());
    }
    if let Some(validator) = &facts.validator {
        bytes.extend_from_slice(VALIDATOR.as_bytes());
        bytes.extend_from_slice(validator.as_bytes());
    }
    bytes
}

fn unpack(bytes: &[u8], value_length: usize) -> Option<Facts> {
    let (facts, ending) = bytes.split_at_checked(bytes.len().checked_sub(ENDING_BYTES)?)?;
    let expected = checksum(facts, value_length).to_be_bytes();
    if ending.get(..3)? != expected.get(1..)? {
        return None;
    }

    let (facts, texts) = unpack_numbers(facts)?;
    let texts = std::str::from_utf8(texts).ok()?;
    let (tags, validator) = match texts.split_once(VALIDATOR) {
        Some((tags, validator)) => (tags, Some(validator.to_owned())),
        None => (texts, None),
    };
    let (tags, marked_stale) = match tags.split_once(MARKED_STALE) {
        Some((tags, for_every_caller)) => (tags, Some(for_every_caller.parse().ok()?)),
        None => (tags, None),
    };
    Some(Facts {
        tags: tags.to_owned(),
        validator,
        marked_stale,
        ..facts
    })
}

/// Reads all that stands before the tags; the facts without tags, and the rest.
fn unpack_numbers(bytes: &[u8]) -> Option<(Facts, &[u8])> {
    let (version, rest) = bytes.split_first()?;
    if *version != VERSION {
        return None;
    }

    let (stored_at, mut rest) = rest.split_at_checked(6)?;
    let stored_at = stored_at
        .iter()
        .fold(0, |number, byte| number << 8 | u64::from(*byte));
    let fresh_for = take_number(&mut rest)?;
    let grace = take_number(&mut rest)?;
    let load_time = take_number(&mut rest)?;

    let (epoch, mut rest) = rest.split_first_chunk::<4>()?;
    let milliseconds = at_distance(stored_at, take_number(&mut rest)?);
    let sequence = take_number(&mut rest)?;

    let facts = Facts {
        stored_at,
        fresh_for: fresh_for.checked_sub(1),
        grace,
        load_time,
        stamp: Stamp {
            epoch: u32::from_be_bytes(*epoch),
            id: StreamId {
                milliseconds,
                sequence,
            },
        },
        tags: String::new(),
        validator: None,
        marked_stale: None,
    };
    Some((facts, rest))
}

fn checksum(facts: &[u8], value_length: usize) -> u32 {
    let mut digest = CHECKSUM.digest();
    digest.update(facts);
    digest.update(&(value_length as u64).to_be_bytes());
    digest.finalize()
}

/// A fence came before the value was stored, but for an error of the clock's estimate.
fn distance(stored_at: u64, fence: u64) -> u64 {
    match stored_at.checked_sub(fence) {
        Some(before) => before << 1,
        None => (fence - stored_at) << 1 | 1,
    }
}

fn at_distance(stored_at: u64, distance: u64) -> u64 {
    if distance & 1 == 0 {
        stored_at.wrapping_sub(distance >> 1)
    } else {
        stored_at.wrapping_add(distance >> 1)
    }
}
