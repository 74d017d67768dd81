//! One call of the script that tallies keys.

use edge_cache::RedisError;
use edge_cache::keyspace::MAX_KEYS_PER_CALL;
use edge_cache::redis::script::{Script, shared};
use edge_cache::redis::{Arg, OnNode, Redis, Replies};
use edge_cache::script;
use serde::{Deserialize, Serialize};

use super::large_keys::LargeKeys;
use super::segments::GroupName;
use super::sketch::Sketch;
use super::tally::Tally;
use crate::lua;

static TALLY_SLICE: Script = script!(repeatable "analysis/tally_slice", [
    shared::OWN_READS,
    shared::WALK,
    shared::PROTECTED,
    lua::SEGMENTS,
    lua::TTL_CLASSES,
]);

/// Keys of a run: large enough that `SCAN` costs little, small enough that a sample has many runs.
pub(super) const RUN_KEYS: u64 = 16;
/// The most runs of a call; its time ends it earlier.
const MAX_RUNS: usize = 48;

/// How keys are tallied on one node, and the sums so far.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct NodeTally {
    pub(super) depth: u8,
    /// True if the server tells how long keys are idle.
    pub(super) knows_idle: bool,
    /// True if the server refuses `MEMORY USAGE`.
    pub(super) is_estimated: bool,
    pub(super) sketch: Sketch,
    pub(super) large: LargeKeys,
    pub(super) runs: u64,
    /// Runs that found no keys.
    pub(super) empty_runs: u64,
    /// Keys that were found and belong to a cache of another namespace.
    pub(super) keys_of_others: u64,
}

impl NodeTally {
    pub(super) fn new(depth: u8, knows_idle: bool) -> Self {
        Self {
            depth,
            knows_idle,
            ..Self::default()
        }
    }

    /// The form in which jobs store it.
    pub(crate) fn pack(mut self) -> Vec<u8> {
        self.sketch.shrink();
        // Packing fails only for types without a length.
        postcard::to_extend(&self, Vec::new()).unwrap_or_default()
    }

    /// Reads what was stored; `None` if there is nothing, or it is of another version.
    pub(crate) fn unpack(stored: &[u8]) -> Option<Self> {
        postcard::from_bytes(stored).ok()
    }

    /// Keys that were visited.
    pub(crate) fn keys_visited(&self) -> u64 {
        self.sketch.all.keys
    }

    /// Tallies a slice of at most `most` keys, which its time may end earlier, and returns the next cursor, `0` at the end; `None` where the node
    /// refuses scripts without keys. One round trip.
    pub(crate) async fn tally_slice<R: Redis>(
        &mut self,
        node: &OnNode<'_, R>,
        cursor: &[u8],
        most: usize,
    ) -> Result<Option<Vec<u8>>, RedisError> {
        let most = most.min(MAX_KEYS_PER_CALL);
        let head = [most.into(), "".into(), cursor.into()];
        let args = self.args().into_iter().chain(head);
        match node.run_keyless(&TALLY_SLICE, args).await? {
            Some(replies) => self.read(replies).map(|(next, _)| Some(next)),
            None => Ok(None),
        }
    }

    /// Tallies runs from these cursors on, and returns how many were made; `None` where the node
    /// refuses scripts without keys. One round trip.
    pub(super) async fn tally_runs<R: Redis>(
        &mut self,
        node: &OnNode<'_, R>,
        cursors: &[u64],
    ) -> Result<Option<usize>, RedisError> {
        let head: [Arg; 2] = ["".into(), RUN_KEYS.into()];
        let cursors = cursors.iter().take(MAX_RUNS);
        let cursors = cursors.map(|cursor| Arg::from(cursor.to_string()));
        let args = self.args().into_iter().chain(head).chain(cursors);
        match node.run_keyless(&TALLY_SLICE, args).await? {
            Some(replies) => self.read(replies).map(|(_, runs)| Some(runs as usize)),
            None => Ok(None),
        }
    }

    fn args(&self) -> [Arg; 5] {
        let flag = |is_set| if is_set { "1" } else { "" };
        let [bytes, elements] = self.large.least();
        [
            u64::from(self.depth).into(),
            bytes.into(),
            elements.into(),
            flag(self.is_estimated).into(),
            flag(self.knows_idle).into(),
        ]
    }

    /// Reads the reply of the script: the next cursor, and the number of runs.
    fn read(&mut self, mut replies: Replies) -> Result<(Vec<u8>, u64), RedisError> {
        let next = replies.bytes()?;
        let runs = replies.count()?;
        self.runs = self.runs.saturating_add(runs);
        self.empty_runs = self.empty_runs.saturating_add(replies.count()?);
        self.keys_of_others = self.keys_of_others.saturating_add(replies.count()?);
        self.is_estimated |= replies.bytes()? == b"1";
        self.knows_idle &= replies.bytes()? == b"1";

        let mut groups = replies.packed()?;
        while groups.remaining() > 0 {
            let prefix = groups.bytes()?;
            let depth = u8::try_from(groups.count()?).unwrap_or(u8::MAX);
            let tally = Tally::read(&mut groups)?;
            self.sketch.add(GroupName { prefix, depth }, &tally);
        }
        self.large.read(replies.packed()?)?;
        Ok((next, runs))
    }
}
