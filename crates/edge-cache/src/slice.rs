//! A slice of keys and values on its way to Redis, each whole or not at all.

use std::time::Duration;

use crate::error::RedisError;
use crate::format;
use crate::key::FENCES;
use crate::redis::{Arg, Redis, Replies};
use crate::script::WRITE_SLICE;

/// What entries that follow each other may have in common; it is sent once for all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Manner<'a> {
    /// `string`, `list`, `hash` or `zset`.
    pub(crate) kind: &'static str,
    pub(crate) life: Duration,
    /// Joined by newlines.
    pub(crate) tags: &'a str,
    /// The id and number of the chunks, where the value is their manifest.
    pub(crate) chunks: String,
}

/// Arguments of the script that writes a slice.
#[derive(Debug, Default)]
pub(crate) struct Slice<'a> {
    keys: Vec<Arg>,
    args: Vec<Arg>,
    /// The current run: what its entries have in common, how many values each, how many there are, where that is told.
    run: Option<(Manner<'a>, usize, usize, usize)>,
}

impl<'a> Slice<'a> {
    pub(crate) fn with_capacity(entries: usize) -> Self {
        Self { keys: Vec::with_capacity(entries + 1), args: Vec::with_capacity(entries + 8), run: None }
    }

    /// Appends an entry.
    pub(crate) fn push(&mut self, key: &[u8], manner: Manner<'a>, values: impl ExactSizeIterator<Item = Arg>) {
        let each = values.len();
        match &mut self.run {
            Some((current, width, count, told)) if *current == manner && *width == each => {
                *count += 1;
                self.args[*told] = (*count).into();
            }
            _ => {
                let told = self.args.len();
                let Manner { kind, life, tags, chunks } = &manner;
                let life = format::milliseconds(*life);
                let head =
                    [1_i64.into(), (*kind).into(), life.into(), (*tags).into(), chunks.as_str().into(), each.into()];
                self.args.extend(head);
                self.run = Some((manner, each, 1, told));
            }
        }
        self.keys.push(key.into());
        self.args.extend(values);
    }

    /// Writes it: over what exists where `force`, only if nothing was invalidated since `stamp`, and as long as the lock of warmups
    /// is that of `owner` (empty: in any case). One round trip. The reply is that of `write_slice.lua`.
    pub(crate) async fn write<R: Redis>(
        self,
        redis: &R,
        force: bool,
        stamp: &[u8],
        owner: &str,
    ) -> Result<Replies, RedisError> {
        let force = if force { "1" } else { "0" };
        let keys = [FENCES.into()].into_iter().chain(self.keys);
        WRITE_SLICE.run(redis, keys, [force.into(), stamp.into(), owner.into()].into_iter().chain(self.args)).await
    }
}
