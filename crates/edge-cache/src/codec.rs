//! How values are stored: JSON as it is, from 100 KB compressed, past 8 MiB in chunks.
//!
//! LZ4 because values are read far more often than written: of the codecs compared by `bench/codec/run` it expands fastest and
//! adds the fewest bytes to a component, for a size that is about a quarter above Deflate's.
//!
//! A compressed value is a standard LZ4 frame, recognised by the frame's magic number; a chunked one is a manifest that
//! names its chunks. Neither can be mistaken for JSON, whose first byte is never below 9.

use std::io::{Read, Write};

use lz4_flex::frame::{FrameDecoder, FrameEncoder};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::Error;

/// JSON from this length is compressed.
const COMPRESS_FROM: usize = 100_000;
/// Stored values past this length are cut into chunks of it at most.
pub(crate) const CHUNK: usize = 8 << 20;
/// The longest JSON that is stored or read, as it is before it is compressed: an instance has 4 GiB for all its requests.
const MOST: usize = 128 << 20;
/// The first bytes of an LZ4 frame.
const FRAME: [u8; 4] = [0x04, 0x22, 0x4d, 0x18];
/// The first bytes of a manifest.
const MANIFEST: &[u8] = b"\0edge-cache-chunks 1 ";

/// A value as it is stored.
pub(crate) enum Stored {
    /// In one piece.
    Whole(Vec<u8>),
    /// In chunks, named by a manifest.
    Chunked(Manifest, Vec<Vec<u8>>),
}

/// Where the chunks of a value are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// Bytes of all chunks together.
    pub(crate) bytes: usize,
    /// What the chunks' names have in common, different for every writing.
    pub(crate) id: String,
    /// How many chunks there are.
    pub(crate) count: usize,
}

impl Manifest {
    /// Reads a manifest; `None` where the stored bytes are none.
    pub(crate) fn read(stored: &[u8]) -> Option<Self> {
        let mut parts = std::str::from_utf8(stored.strip_prefix(MANIFEST)?).ok()?.split(' ');
        let (bytes, id, count) = (parts.next()?.parse().ok()?, parts.next()?.to_owned(), parts.next()?.parse().ok()?);
        Some(Self { bytes, id, count })
    }

    /// The manifest as it is stored under the value's key.
    pub(crate) fn render(&self) -> Vec<u8> {
        [MANIFEST, format!("{} {} {}", self.bytes, self.id, self.count).as_bytes()].concat()
    }

    /// The names of the chunks; the braces keep them on the key's node of a Cluster.
    pub(crate) fn keys(&self, key: &str) -> impl Iterator<Item = String> {
        (1..=self.count).map(move |n| format!("cache:chunk:{{{key}}}:{}:{n}", self.id))
    }
}

/// Turns a value into what is stored.
pub(crate) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Error> {
    let unfit = |problem: &dyn std::fmt::Display| Error::invalid("value", format!("cannot be stored: {problem}"));
    let json = serde_json::to_vec(value).map_err(|error| unfit(&error))?;
    compress(json).map_err(|error| unfit(&error))
}

/// Compresses JSON that is long enough for it to pay, and refuses what would not be read again.
pub(crate) fn compress(json: Vec<u8>) -> std::io::Result<Vec<u8>> {
    if json.len() > MOST {
        return Err(std::io::Error::other(format!("it has {} bytes of JSON, the most is {MOST}", json.len())));
    }
    if json.len() < COMPRESS_FROM {
        return Ok(json);
    }
    let mut encoder = FrameEncoder::new(Vec::with_capacity(json.len() / 4));
    encoder.write_all(&json)?;
    let frame = encoder.finish()?;
    Ok(if frame.len() < json.len() { frame } else { json })
}

/// Undoes the compression, if there is any; `None` for a broken frame.
pub(crate) fn plain(stored: &[u8]) -> Option<std::borrow::Cow<'_, [u8]>> {
    if !stored.starts_with(&FRAME) {
        return Some(stored.into());
    }
    let mut json = Vec::new();
    FrameDecoder::new(stored).take(MOST as u64).read_to_end(&mut json).ok()?;
    Some(json.into())
}

/// The first bytes of a value, undone as far as what is at hand of it goes; and whether that is the whole value.
pub(crate) fn preview(stored: &[u8], most: usize) -> (Vec<u8>, bool) {
    if !stored.starts_with(&FRAME) {
        let shown = stored.get(..most).unwrap_or(stored);
        return (shown.to_vec(), shown.len() == stored.len());
    }
    let mut decoder = FrameDecoder::new(stored).take(most as u64 + 1);
    let (mut shown, mut part) = (Vec::new(), [0; 8192]);
    let whole = loop {
        match decoder.read(&mut part) {
            Ok(0) => break true,
            Ok(read) => shown.extend_from_slice(part.get(..read).unwrap_or(&[])),
            // The frame is cut here; what came before is shown.
            Err(_) => break false,
        }
    };
    let whole = whole && shown.len() <= most;
    shown.truncate(most);
    (shown, whole)
}

/// Turns what is stored back into a value; `None` where it is none of this type.
pub(crate) fn decode<T: DeserializeOwned>(stored: &[u8]) -> Option<T> {
    serde_json::from_slice(&plain(stored)?).ok()
}

/// Cuts a value that is too large for one key. `id` is asked for only then: it may be a call to the host.
pub(crate) fn split(stored: Vec<u8>, id: impl FnOnce() -> u64) -> Stored {
    if stored.len() <= CHUNK {
        return Stored::Whole(stored);
    }
    let chunks: Vec<Vec<u8>> = stored.chunks(CHUNK).map(<[u8]>::to_vec).collect();
    Stored::Chunked(Manifest { bytes: stored.len(), id: format!("{:016x}", id()), count: chunks.len() }, chunks)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn small_values_are_plain_json_and_large_ones_frames() {
        assert_eq!(encode(&json!({"a": 1})).unwrap(), br#"{"a":1}"#);
        let large = json!(vec!["a fairly repetitive element"; 10_000]);
        let stored = encode(&large).unwrap();
        assert!(stored.starts_with(&FRAME) && stored.len() < 30_000);
        assert_eq!(decode::<Value>(&stored), Some(large));
    }

    #[test]
    fn what_is_broken_or_of_another_type_is_no_value() {
        assert_eq!(decode::<u64>(b"\"text\""), None);
        assert_eq!(decode::<Value>(&[&FRAME[..], b"garbage"].concat()), None);
        assert_eq!(decode::<Value>(b""), None);
    }

    #[test]
    fn what_is_too_large_is_neither_stored_nor_unpacked() {
        let json = format!("\"{}\"", "x".repeat(MOST));
        let mut encoder = FrameEncoder::new(Vec::new());
        encoder.write_all(json.as_bytes()).unwrap();
        let bomb = encoder.finish().unwrap();
        assert!(bomb.len() < 1 << 20);
        assert_eq!(decode::<String>(&bomb), None);
        assert!(encode(&json).unwrap_err().to_string().contains("the most is"));
    }

    #[test]
    fn a_preview_undoes_the_compression_as_far_as_it_goes() {
        let stored = encode(&vec!["element"; 50_000]).unwrap();
        assert_eq!(preview(&stored, 1 << 20).0.len(), 500_001);
        assert!(preview(&stored, 1 << 20).1);
        let (start, whole) = preview(&stored, 1000);
        assert!(start.starts_with(b"[\"element\",") && start.len() == 1000 && !whole);
        assert!(!preview(&stored[..stored.len() / 2], 1 << 20).1);
        assert_eq!(preview(b"plain", 3), (b"pla".to_vec(), false));
    }

    #[test]
    fn a_manifest_names_its_chunks() {
        let Stored::Chunked(manifest, chunks) = split(vec![7; 2 * CHUNK + 1], || 255) else { panic!("must be cut") };
        assert_eq!((chunks.len(), chunks[2].len(), manifest.bytes), (3, 1, 2 * CHUNK + 1));
        assert_eq!(Manifest::read(&manifest.render()).as_ref(), Some(&manifest));
        assert_eq!(manifest.keys("k").last().unwrap(), "cache:chunk:{k}:00000000000000ff:3");
        assert_eq!(Manifest::read(b"{}"), None);
    }
}
