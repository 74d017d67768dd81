//! Reading a whole value of any length, a piece at a time.
//!
//! A string is read in pieces of 1 MiB, so that no call holds Redis up and only one piece is in memory.
//! It may be replaced meanwhile, so before the last piece is handed out, Redis compares the hashes of all:
//!
//! ```text
//! open                  50,000,000 bytes, piece 1
//! read_piece (bytes)    pieces 2 to 48
//! read_piece (hash)     pieces 1 to 48 are still those that were read
//!                       piece 48 is handed out
//! ```
//!
//! A value in chunks is read a chunk at a time; each begins with the id of its writing. A compressed value
//! is read whole, which is its compressed length, and then decompressed a piece at a time.

mod chunked;
mod not_whole;
mod stored;

use crate::error::RedisError;
use crate::keyspace::chunks::Head;
use crate::keyspace::codec::{self, Decompression};
use crate::keyspace::key::KeyName;
use crate::keyspace::trailer;
use crate::redis::script::{Script, shared};
use crate::redis::{Redis, Replies};
use crate::script;
use chunked::Chunks;
pub use not_whole::NotWhole;
use stored::{PIECE_BYTES, Pieces};

/// Begins to read a value.
static OPEN: Script = script!(repeatable "value/open", [shared::OWN_READS, shared::TRAILERS]);

/// The longest compressed value that is decompressed, in bytes as it is stored.
pub const MAX_COMPRESSED_BYTES: u64 = 128 << 20;

/// The form in which a value is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueForm {
    /// Without its trailer, decompressed.
    Decoded,
    /// The bytes as they are stored; of a value in chunks those of the chunks together.
    Stored,
}

/// A value that is being read.
#[derive(Debug)]
pub struct WholeValue {
    bytes: u64,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Pieces(Pieces),
    Chunks(Chunks),
    Compressed(Box<Decompression>),
}

/// The reply to the question how a value is stored.
struct Opened {
    bytes: u64,
    /// The length of an entry without its trailer.
    value_bytes: Option<u64>,
    /// The beginning of a string.
    beginning: Vec<u8>,
}

impl WholeValue {
    /// Begins to read a value. One round trip; for a decompressed one those of reading all of it.
    ///
    /// # Errors
    /// [`NotWhole`].
    pub async fn open<R: Redis>(
        redis: &R,
        key: &KeyName,
        form: ValueForm,
    ) -> Result<Self, NotWhole> {
        let keys = [key.as_bytes().into()];
        let mut replies = OPEN.run(redis, keys, [PIECE_BYTES.into()]).await?;
        match replies.text()?.as_str() {
            "none" => Err(NotWhole::Missing),
            "string" => {
                let opened = Opened::read(&mut replies)?;
                Self::open_string(redis, key, opened, form).await
            }
            kind => match Opened::read(&mut replies)?.head() {
                Some(head) => Self::open_chunks(redis, Chunks::new(key, head), form).await,
                None => Err(NotWhole::Collection(kind.to_owned())),
            },
        }
    }

    /// The number of its bytes in this form.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Reads the next piece; `None` at the end. One round trip, but for a compressed value; before the last
    /// piece of a string one more for each piece.
    ///
    /// # Errors
    /// [`NotWhole::Changed`], and those of the connection. The pieces before are then worth nothing.
    pub async fn next_piece<R: Redis>(&mut self, redis: &R) -> Result<Option<Vec<u8>>, NotWhole> {
        match &mut self.source {
            Source::Pieces(pieces) => pieces.next(redis).await,
            Source::Chunks(chunks) => chunks.next(redis).await,
            Source::Compressed(decompression) => decompression
                .next_piece(PIECE_BYTES)
                .map_err(|error| NotWhole::Undecodable(error.to_string())),
        }
    }

    async fn open_string<R: Redis>(
        redis: &R,
        key: &KeyName,
        opened: Opened,
        form: ValueForm,
    ) -> Result<Self, NotWhole> {
        let is_compressed = codec::is_compressed(&opened.beginning);
        let value_bytes = opened.value_bytes.unwrap_or(opened.bytes);
        let wanted = match form {
            ValueForm::Decoded => value_bytes,
            ValueForm::Stored => opened.bytes,
        };

        let pieces = Pieces::new(key, opened.bytes, wanted, opened.beginning);
        if form == ValueForm::Stored || !is_compressed {
            return Ok(Self {
                bytes: wanted,
                source: Source::Pieces(pieces),
            });
        }
        let mut encoded = Self::read_all(redis, wanted, Source::Pieces(pieces)).await?;
        if opened.value_bytes.is_some()
            && let Some(frame) = codec::without_skipped_frame_header(&encoded)
        {
            encoded.truncate(frame.len());
        }
        Self::decompress(encoded)
    }

    async fn open_chunks<R: Redis>(
        redis: &R,
        mut chunks: Chunks,
        form: ValueForm,
    ) -> Result<Self, NotWhole> {
        let bytes = chunks.bytes();
        let is_compressed =
            form == ValueForm::Decoded && codec::is_compressed(chunks.peek(redis).await?);
        let source = Source::Chunks(chunks);
        if !is_compressed {
            return Ok(Self { bytes, source });
        }
        Self::decompress(Self::read_all(redis, bytes, source).await?)
    }

    /// Reads a compressed value as it is stored.
    async fn read_all<R: Redis>(
        redis: &R,
        bytes: u64,
        source: Source,
    ) -> Result<Vec<u8>, NotWhole> {
        if bytes > MAX_COMPRESSED_BYTES {
            return Err(NotWhole::Undecodable(format!(
                "it has {bytes} bytes; at most {MAX_COMPRESSED_BYTES} are decompressed"
            )));
        }

        let mut reading = Self { bytes, source };
        let mut all = Vec::new();
        while let Some(piece) = reading.next_piece(redis).await? {
            all.extend(piece);
        }
        Ok(all)
    }

    /// Decompresses once to find out the length, and whether that is possible.
    fn decompress(encoded: Vec<u8>) -> Result<Self, NotWhole> {
        let bytes = codec::decompressed_length(&encoded);
        let bytes = bytes.map_err(|error| NotWhole::Undecodable(error.to_string()))?;
        let source = Source::Compressed(Box::new(Decompression::new(encoded)));
        Ok(Self { bytes, source })
    }
}

impl Opened {
    /// Reads the part of the reply that follows the type.
    fn read(replies: &mut Replies) -> Result<Self, RedisError> {
        let bytes = replies.count()?;
        let trailer = replies.bytes()?;
        let closed = replies.count()?;
        let facts = trailer::read(&trailer, closed as usize);
        Ok(Self {
            bytes,
            value_bytes: facts.map(|_| closed - trailer.len() as u64),
            beginning: replies.bytes()?,
        })
    }

    /// Reads the first element of a value in chunks: its length and its number of chunks. `None` for another
    /// client's list.
    fn head(&self) -> Option<Head> {
        Head::read(&self.beginning).map(|(head, _)| head)
    }
}
