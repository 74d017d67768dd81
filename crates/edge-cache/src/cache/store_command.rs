//! The script that stores a loaded value, with its keys, arguments and outcome.

use std::time::Duration;

use super::load::Load;
use crate::keyspace::chunks::StorableValue;
use crate::keyspace::key::FENCES;
use crate::keyspace::tag::Tag;
use crate::redis::Arg;
use crate::redis::script::{Script, shared};
use crate::script;
use crate::units::milliseconds;

/// Stores a loaded value unless an invalidation came first.
pub(super) static STORE: Script = script!(once "load/store", [
    shared::FENCES,
    shared::EXISTENCE,
    shared::TAGS,
    shared::WAITERS,
]);

/// End of a load whose value was ready to be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StoreOutcome {
    /// The value is stored, or the entry removed because the source has nothing or its result is not
    /// to be stored; the lock is released.
    Stored,
    /// An invalidation came, or the lock was lost.
    Superseded,
    /// The module has too many negative results: the key is removed, waiters have the value, the
    /// lock is released.
    LimitReached,
}

/// A value with all that the script needs to store it.
pub(super) struct StoreCommand<'a> {
    pub(super) life: Duration,
    pub(super) value: &'a StorableValue,
    pub(super) tags: &'a [Tag],
    pub(super) negative: Option<NegativeLimit>,
}

/// Bound of a module's negative results.
pub(super) struct NegativeLimit {
    /// The key that counts them.
    pub(super) counter: String,
    pub(super) max: u32,
}

impl StoreCommand<'_> {
    pub(super) fn keys(&self, load: &Load<'_>) -> Vec<Arg> {
        let name = &load.name;
        let list = self.value.list().unwrap_or(name.as_bytes());
        let counter = self
            .negative
            .as_ref()
            .map(|negative| negative.counter.as_bytes());
        let mut keys: Vec<Arg> = vec![
            name.as_bytes().into(),
            name.lock().into(),
            FENCES.into(),
            name.waiting().into(),
            name.turns(false).into(),
            list.into(),
            counter.unwrap_or(name.as_bytes()).into(),
        ];

        let tags = self.tags.iter().chain(self.left_tags(load));
        keys.extend(tags.map(|tag| tag.key().into()));
        keys
    }

    /// The tags that the value before had and this one has not.
    pub(super) fn left_tags<'l>(&'l self, load: &'l Load<'_>) -> impl Iterator<Item = &'l Tag> {
        load.old_tags.iter().filter(|tag| !self.tags.contains(tag))
    }

    pub(super) fn args(&self, load: &Load<'_>, stamp: &[u8]) -> [Arg; 7] {
        let max_negative = self
            .negative
            .as_ref()
            .map(|negative| negative.max.to_string());
        [
            load.lock.owner.as_str().into(),
            stamp.into(),
            milliseconds(self.life).into(),
            self.value.as_bytes().into(),
            self.tags.len().into(),
            max_negative.unwrap_or_default().into(),
            "".into(),
        ]
    }
}
