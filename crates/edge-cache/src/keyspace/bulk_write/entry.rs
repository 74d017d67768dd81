//! Entries that are to be written, and under which conditions.

use std::time::Duration;

use crate::keyspace::key::KeyName;
use crate::keyspace::tag::Tag;
use crate::redis::Arg;

/// Attributes that consecutive entries may share; they are sent once for all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryFormat<'a> {
    /// `list`, `hash` or `zset`; for a string `string` or `chunks`.
    pub kind: &'static str,
    /// TTL and grace together.
    pub life: Duration,
    /// The tags.
    pub tags: &'a [Tag],
}

/// An entry that is to be written.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) key: KeyName,
    pub(super) format: EntryFormat<'a>,
    pub(super) values: Vec<Arg>,
    /// The list that holds its chunks.
    pub(super) list: Option<Arg>,
}

/// Conditions of writing a batch.
#[derive(Debug, Clone, Copy, Default)]
pub struct WriteConditions<'a> {
    /// Overwrite keys that exist.
    pub force: bool,
    /// Write only if nothing was invalidated since this stamp; empty: write in any case.
    pub stamp: &'a [u8],
    /// Write only while this owner holds the warmup lock; empty: write in any case.
    pub warmup_owner: &'a str,
}
