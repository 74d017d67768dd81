//! Rows of a stream, as scripts reply with them: an id and a packed row for each.

use edge_cache::RedisError;
use edge_cache::redis::Replies;

/// Reads rows, each with its time in milliseconds. Those of another format are skipped.
pub(super) fn read_rows<T>(
    replies: &mut Replies,
    unpack: impl Fn(&[u8]) -> Option<T>,
) -> Result<Vec<(u64, T)>, RedisError> {
    let mut packed = replies.packed()?;
    let mut rows = Vec::with_capacity(packed.remaining() / 2);
    while packed.remaining() > 0 {
        let id = packed.text()?;
        let row = packed.bytes()?;
        rows.extend(milliseconds_of(&id).zip(unpack(&row)));
    }
    Ok(rows)
}

/// The time in the id of an entry, in milliseconds since 1970.
pub(super) fn milliseconds_of(id: &str) -> Option<u64> {
    id.split('-').next().and_then(|ms| ms.parse().ok())
}
