//! The keys and arguments of `write_batch.lua` for a batch of entries.

use super::entry::{Entry, EntryFormat, WriteConditions};
use crate::keyspace::key::KeyName;
use crate::keyspace::tag::{self, Tag};
use crate::redis::Arg;
use crate::redis::script::{Script, shared};
use crate::{script, units};

/// Writes a batch.
pub(super) static WRITE_BATCH: Script = script!(once "value/write_batch", [
    shared::FENCES,
    shared::EXISTENCE,
    shared::REMOVAL,
    shared::TAGS,
    shared::TRAILERS,
    shared::NEAR,
]);

/// A call of the script.
#[derive(Debug, Default)]
pub(super) struct Call<'a> {
    names: Vec<KeyName>,
    /// Lists that hold chunks.
    lists: Vec<Arg>,
    /// The tags of all entries, each once.
    tags: Vec<&'a Tag>,
    pub(super) args: Vec<Arg>,
    current: Option<Run<'a>>,
    /// The script does not reach the tags' sets, which are in other slots.
    leaves_sets: bool,
}

/// Consecutive entries with the same attributes, which are sent once for all of them.
#[derive(Debug)]
struct Run<'a> {
    format: EntryFormat<'a>,
    values_per_entry: usize,
    entries: usize,
    /// Position of `entries` among the arguments.
    entries_at: usize,
}

impl<'a> Call<'a> {
    /// Encodes one entry for a script that does not reach its tags' sets.
    pub(super) fn encode_apart(entry: Entry<'a>, conditions: WriteConditions<'_>) -> Self {
        Self {
            leaves_sets: true,
            ..Self::with_head(1, entry.list.iter().len(), conditions)
        }
        .with([entry])
    }

    /// Encodes the entries of a batch.
    pub(super) fn encode(entries: Vec<Entry<'a>>, conditions: WriteConditions<'_>) -> Self {
        let lists = entries.iter().filter(|entry| entry.list.is_some()).count();
        Self::with_head(entries.len(), lists, conditions).with(entries)
    }

    fn with_head(entries: usize, lists: usize, conditions: WriteConditions<'_>) -> Self {
        let force = if conditions.force { "1" } else { "0" };
        let mut args = Vec::with_capacity(entries + 8);
        args.extend([
            force.into(),
            conditions.stamp.into(),
            conditions.warmup_owner.into(),
            entries.into(),
            lists.into(),
        ]);
        Self {
            names: Vec::with_capacity(entries),
            args,
            ..Self::default()
        }
    }

    fn with(mut self, entries: impl IntoIterator<Item = Entry<'a>>) -> Self {
        for entry in entries {
            self.push(entry);
        }
        self
    }

    fn push(&mut self, mut entry: Entry<'a>) {
        if let Some(list) = entry.list {
            self.lists.push(list);
            entry.values.insert(0, self.lists.len().into());
        }
        let continues_run = self.current.as_ref().is_some_and(|run| {
            run.format == entry.format && run.values_per_entry == entry.values.len()
        });
        if !continues_run {
            self.begin_run(entry.format, entry.values.len());
        }

        self.count_entry();
        self.names.push(entry.key);
        self.args.extend(entry.values);
    }

    fn begin_run(&mut self, format: EntryFormat<'a>, values_per_entry: usize) {
        let entries_at = self.args.len();
        let sets = if self.leaves_sets { &[] } else { format.tags };
        self.args.extend([
            Arg::Int(0),
            format.kind.into(),
            units::milliseconds(format.life).into(),
            tag::join(format.tags).into(),
            sets.len().into(),
        ]);

        for tag in sets {
            let place = self.place_of(tag);
            self.args.push(place.into());
        }
        self.args.push(values_per_entry.into());

        self.current = Some(Run {
            format,
            values_per_entry,
            entries: 0,
            entries_at,
        });
    }

    /// Returns the position of a tag among those of the call, counted from 1.
    fn place_of(&mut self, tag: &'a Tag) -> usize {
        let known = self.tags.iter().position(|known| *known == tag);
        known.unwrap_or_else(|| {
            self.tags.push(tag);
            self.tags.len() - 1
        }) + 1
    }

    fn count_entry(&mut self) {
        let Some(run) = &mut self.current else {
            return;
        };
        run.entries += 1;
        if let Some(count) = self.args.get_mut(run.entries_at) {
            *count = run.entries.into();
        }
    }

    /// The keys of the call: `own`, the entries, their locks, lists of chunks, the tags' sets.
    pub(super) fn keys(&self, own: [Arg; 4]) -> Vec<Arg> {
        let names = self.names.iter().map(|name| name.as_bytes().into());
        let locks = self.names.iter().map(|name| name.lock().into());
        let sets = self.tags.iter().map(|tag| tag.key().into());
        let keys = own.into_iter().chain(names).chain(locks);
        keys.chain(self.lists.iter().cloned()).chain(sets).collect()
    }
}
