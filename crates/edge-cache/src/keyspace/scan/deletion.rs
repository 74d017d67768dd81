//! Removal of the keys of one node that match a pattern, slice by slice.

use super::position::{Position, Progress};
use super::scripts::delete_slice;
use crate::error::Error;
use crate::keyspace::pattern::Pattern;
use crate::redis::{OnNode, Redis};

/// Removes the keys that match from this position to the end of the keyspace.
pub(super) async fn delete_from<R: Redis>(
    redis: &OnNode<'_, R>,
    pattern: &Pattern,
    mut position: Position,
) -> Result<u64, Error> {
    let mut removed = 0;
    loop {
        let (next, count) = delete_slice(redis, pattern, &position.cursor)
            .await
            .map_err(|error| Error::from(error).after(removed))?;
        removed += count;

        if position.advance(redis, next) == Progress::HasEnded {
            return Ok(removed);
        }
    }
}
