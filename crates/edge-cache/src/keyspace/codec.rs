//! Encoding of values: JSON as it is, compressed from 100 KB.
//!
//! LZ4, because values are read far more often than written: of the codecs compared by
//! `bench/codec/run` it decompresses fastest and adds the fewest bytes to a component, for a size
//! about a quarter above Deflate's.
//!
//! A compressed value is a standard LZ4 frame, recognised by the frame's magic number. It cannot be
//! mistaken for JSON, whose first byte is never below 9.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{Cursor, Error as IoError, Read, Write};

use lz4_flex::frame::{FrameDecoder, FrameEncoder};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;

/// JSON from this length is compressed.
const COMPRESS_FROM_BYTES: usize = 100_000;
/// The longest JSON that is stored or read, before compression: an instance has 4 GiB for all its
/// requests.
const MAX_JSON_BYTES: usize = 128 << 20;
/// The first bytes of an LZ4 frame.
const FRAME_MAGIC: [u8; 4] = [0x04, 0x22, 0x4d, 0x18];

/// The magic number of an LZ4 frame that readers skip.
const SKIPPED_FRAME_MAGIC: [u8; 4] = [0x50, 0x2a, 0x4d, 0x18];
/// The magic number and the length of what follows.
const SKIPPED_FRAME_HEADER_BYTES: usize = 8;

/// Encodes a value and checks that it can be decoded again: JSON has `null` for a number that is
/// not finite. Costs one decoding.
///
/// # Errors
/// [`Error::Invalid`] for a value that cannot be JSON, would not be decoded again or is too long.
pub fn encode_readable<T: Serialize + DeserializeOwned>(value: &T) -> Result<Vec<u8>, Error> {
    let json = to_json(value)?;
    if let Err(error) = serde_json::from_slice::<T>(&json) {
        let problem =
            format!("it could not be read again ({error}); a number may be NaN or infinite");
        return Err(unstorable(&problem));
    }
    compress(json).map_err(|error| unstorable(&error))
}

/// Encodes a value.
///
/// # Errors
/// [`Error::Invalid`] for a value that cannot be JSON or is too long.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Error> {
    let json = to_json(value)?;
    compress(json).map_err(|error| unstorable(&error))
}

fn to_json<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value).map_err(|error| unstorable(&error))
}

fn unstorable(problem: &dyn Display) -> Error {
    Error::invalid("value", format!("cannot be stored: {problem}"))
}

/// Compresses JSON that is long enough for it to pay off.
///
/// # Errors
/// One that says so when the JSON is too long to be read again.
pub fn compress(json: Vec<u8>) -> std::io::Result<Vec<u8>> {
    if json.len() > MAX_JSON_BYTES {
        let problem = format!(
            "it has {} bytes of JSON; the limit is {MAX_JSON_BYTES}",
            json.len()
        );
        return Err(IoError::other(problem));
    }
    if json.len() < COMPRESS_FROM_BYTES {
        return Ok(json);
    }

    let mut encoder = FrameEncoder::new(Vec::with_capacity(json.len() / 4));
    encoder.write_all(&json)?;
    let frame = encoder.finish()?;

    if frame.len() < json.len() {
        Ok(frame)
    } else {
        Ok(json)
    }
}

/// Returns whether an encoded value is compressed.
pub(super) fn is_compressed(encoded: &[u8]) -> bool {
    encoded.starts_with(&FRAME_MAGIC)
}

/// The beginning of a frame that holds so many bytes and that LZ4 readers skip.
pub(super) fn skipped_frame_header(content_bytes: usize) -> [u8; SKIPPED_FRAME_HEADER_BYTES] {
    let mut header = [0; SKIPPED_FRAME_HEADER_BYTES];
    let (magic, length) = header.split_at_mut(4);
    magic.copy_from_slice(&SKIPPED_FRAME_MAGIC);
    length.copy_from_slice(
        &u32::try_from(content_bytes)
            .unwrap_or(u32::MAX)
            .to_le_bytes(),
    );
    header
}

/// Takes such a beginning from the end of an encoded value; `None` where there is none.
pub(super) fn without_skipped_frame_header(encoded: &[u8]) -> Option<&[u8]> {
    let (frame, header) =
        encoded.split_at_checked(encoded.len().checked_sub(SKIPPED_FRAME_HEADER_BYTES)?)?;
    header.starts_with(&SKIPPED_FRAME_MAGIC).then_some(frame)
}

/// Decompresses a value that is compressed; `None` for a broken frame.
pub fn decompress(stored: &[u8]) -> Option<Cow<'_, [u8]>> {
    if !is_compressed(stored) {
        return Some(stored.into());
    }

    let mut json = Vec::new();
    FrameDecoder::new(stored)
        .take(MAX_JSON_BYTES as u64)
        .read_to_end(&mut json)
        .ok()?;
    Some(json.into())
}

/// The length of a compressed value when it is decompressed. Costs one decompression, in a small buffer.
///
/// # Errors
/// One that says why it cannot be decompressed: it is broken, or too long.
pub(crate) fn decompressed_length(compressed: &[u8]) -> std::io::Result<u64> {
    let mut decoder = FrameDecoder::new(compressed).take(MAX_JSON_BYTES as u64 + 1);
    let length = std::io::copy(&mut decoder, &mut std::io::sink())?;
    if length > MAX_JSON_BYTES as u64 {
        let problem = format!("it has more than {MAX_JSON_BYTES} bytes when it is decompressed");
        return Err(IoError::other(problem));
    }
    Ok(length)
}

/// A compressed value that is decompressed a piece at a time.
#[derive(Debug)]
pub(crate) struct Decompression {
    decoder: FrameDecoder<Cursor<Vec<u8>>>,
}

impl Decompression {
    pub(crate) fn new(compressed: Vec<u8>) -> Self {
        Self {
            decoder: FrameDecoder::new(Cursor::new(compressed)),
        }
    }

    /// Decompresses the next piece, of at most so many bytes; `None` at the end.
    ///
    /// # Errors
    /// One for a broken frame.
    pub(crate) fn next_piece(&mut self, max_bytes: usize) -> std::io::Result<Option<Vec<u8>>> {
        let mut piece = Vec::with_capacity(max_bytes);
        let mut decoder = (&mut self.decoder).take(max_bytes as u64);
        decoder.read_to_end(&mut piece)?;
        Ok((!piece.is_empty()).then_some(piece))
    }
}

/// Decodes a stored value; `None` where it is not of this type.
pub fn decode<T: DeserializeOwned>(stored: &[u8]) -> Option<T> {
    serde_json::from_slice(&decompress(stored)?).ok()
}

/// Decompresses the first bytes of a value of which perhaps only the beginning was read; the second
/// part says whether they are the whole value.
pub fn preview(stored: &[u8], max_bytes: usize) -> (Vec<u8>, bool) {
    if !is_compressed(stored) {
        let shown = stored.get(..max_bytes).unwrap_or(stored);
        return (shown.to_vec(), shown.len() == stored.len());
    }

    let mut decoder = FrameDecoder::new(stored).take(max_bytes as u64 + 1);
    let mut shown = Vec::new();
    let mut part = [0; 8192];
    let is_at_end = loop {
        match decoder.read(&mut part) {
            Ok(0) => break true,
            Ok(read) => shown.extend_from_slice(part.get(..read).unwrap_or(&[])),
            // The frame is cut here; everything before it is shown.
            Err(_) => break false,
        }
    };

    let is_whole = is_at_end && shown.len() <= max_bytes;
    shown.truncate(max_bytes);
    (shown, is_whole)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_small_value_is_stored_as_plain_json() {
        assert_eq!(encode(&json!({"a": 1})).unwrap(), br#"{"a":1}"#);
    }

    #[test]
    fn a_large_value_is_stored_as_a_compressed_frame() {
        let large = json!(vec!["a fairly repetitive element"; 10_000]);

        let stored = encode(&large).unwrap();

        assert!(stored.starts_with(&FRAME_MAGIC));
        assert!(stored.len() < 30_000);
        assert_eq!(decode::<Value>(&stored), Some(large));
    }

    #[test]
    fn a_number_that_is_not_finite_is_refused() {
        let error = encode_readable(&f64::NAN).unwrap_err().to_string();

        assert!(error.contains("NaN"), "{error}");
        assert!(encode_readable(&vec![1.0, f64::INFINITY]).is_err());
        assert_eq!(encode_readable(&None::<f64>).unwrap(), b"null");
    }

    #[test]
    fn a_map_whose_keys_are_not_strings_is_refused() {
        let map = BTreeMap::from([((1, 2), 3)]);

        let error = encode(&map).unwrap_err().to_string();

        assert!(error.contains("cannot be stored"), "{error}");
    }

    #[test]
    fn a_value_that_is_broken_or_of_another_type_is_not_decoded() {
        let broken_frame = [&FRAME_MAGIC[..], b"garbage"].concat();

        assert_eq!(decode::<u64>(b"\"text\""), None);
        assert_eq!(decode::<Value>(&broken_frame), None);
        assert_eq!(decode::<Value>(b""), None);
    }

    #[test]
    fn a_value_above_the_limit_is_neither_stored_nor_decompressed() {
        let json = format!("\"{}\"", "x".repeat(MAX_JSON_BYTES));
        let mut encoder = FrameEncoder::new(Vec::new());
        encoder.write_all(json.as_bytes()).unwrap();
        let bomb = encoder.finish().unwrap();
        assert!(bomb.len() < 1 << 20);

        let error = encode(&json).unwrap_err().to_string();

        assert!(error.contains("the limit is"), "{error}");
        assert_eq!(decode::<String>(&bomb), None);
    }

    #[test]
    fn a_value_is_decompressed_in_pieces() {
        let stored = encode(&vec!["element"; 50_000]).unwrap();
        let whole = decompress(&stored).unwrap().into_owned();
        assert_eq!(decompressed_length(&stored).unwrap(), whole.len() as u64);

        let mut decompression = Decompression::new(stored.clone());
        let mut all = Vec::new();
        while let Some(piece) = decompression.next_piece(1000).unwrap() {
            assert!(piece.len() <= 1000);
            all.extend(piece);
        }

        assert_eq!(all, whole);
        assert!(decompressed_length(&stored[..stored.len() / 2]).is_err());
    }

    #[test]
    fn a_preview_is_decompressed_up_to_its_limit() {
        let stored = encode(&vec!["element"; 50_000]).unwrap();

        let (whole, is_whole) = preview(&stored, 1 << 20);
        assert_eq!(whole.len(), 500_001);
        assert!(is_whole);

        let (start, is_whole) = preview(&stored, 1000);
        assert!(start.starts_with(b"[\"element\","));
        assert_eq!(start.len(), 1000);
        assert!(!is_whole);
    }

    #[test]
    fn a_preview_of_a_part_is_never_the_whole_value() {
        let stored = encode(&vec!["element"; 50_000]).unwrap();
        let half = &stored[..stored.len() / 2];

        assert!(!preview(half, 1 << 20).1);
        assert_eq!(preview(b"plain", 3), (b"pla".to_vec(), false));
    }
}
