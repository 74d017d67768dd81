//! The walk of a job: a part for each node.

use edge_cache::RedisError;
use edge_cache::keyspace::key::{JOB_NAMES_PREFIX, JOB_PART_PREFIX};
use edge_cache::redis::{Command, Redis, Replies, SlotMap, Topology};
use serde::{Deserialize, Serialize};

use super::counts::{Counts, SelectedCounts};

/// The most passes over a Cluster whose slots keep moving.
const MAX_PASSES: u32 = 30;
/// The most names that are tried to find one in a slot of a node; each node of a Cluster of 100 has
/// one in the first few hundred.
const MAX_TRIED_NAMES: u32 = 200_000;

/// A pass over the nodes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Plan {
    /// The pass, from 1.
    pub(super) pass: u32,
    /// Digest of the map of slots at its beginning; 0 for a single server.
    pub(super) map: u32,
    /// The name of a joint walk; `None` if the job walks alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) joint: Option<String>,
    pub(super) parts: Vec<Part>,
}

/// The walk over one node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Part {
    /// The key that has its counts and its cursor, in a slot of the node.
    pub(super) key: String,
    /// The node's address; `None` for a single server.
    pub(super) node: Option<String>,
    #[serde(flatten)]
    pub(super) counts: Counts,
    #[serde(default)]
    pub(super) selected: SelectedCounts,
    /// The place of the job among those of a joint walk: the names of its counts.
    #[serde(default, skip_serializing_if = "is_first")]
    pub(super) place: usize,
    /// Places and counts of the other jobs of the walk, while a worker advances it.
    #[serde(skip)]
    pub(super) others: Vec<(usize, Counts)>,
    /// True if the node has been walked, or no longer has the slot of the part.
    pub(super) has_ended: bool,
    /// True if it ended before the node was walked.
    pub(super) is_cut: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_first(place: &usize) -> bool {
    *place == 0
}

/// The decision after a pass.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum AfterPass {
    Done,
    Another,
    /// Slots have moved during every pass.
    GiveUp,
}

impl Plan {
    /// Plans a pass over the nodes of a topology. The walk has the name of its job, or that of a joint
    /// walk.
    pub(super) fn new(topology: &Topology, walk: &str, pass: u32) -> Self {
        let Topology::Cluster(map) = topology else {
            let part = Part {
                key: format!("{JOB_PART_PREFIX}{{{walk}}}:{pass}"),
                ..Part::default()
            };
            return Self {
                pass,
                map: 0,
                joint: None,
                parts: vec![part],
            };
        };

        let part = |node: String, tag: u32| Part {
            key: format!("{JOB_PART_PREFIX}{{{tag:x}}}:{walk}:{pass}"),
            node: Some(node),
            ..Part::default()
        };
        let primaries = map.primaries().into_iter();
        Self {
            pass,
            map: map.digest(),
            joint: None,
            parts: primaries
                .map(|node| part(node.to_string(), tag_on(map, &node.to_string(), pass)))
                .collect(),
        }
    }

    pub(super) fn has_ended(&self) -> bool {
        self.parts.iter().all(|part| part.has_ended)
    }

    /// Decides what follows the pass, by the map of slots at its end.
    pub(super) fn after(&self, topology: &Topology) -> AfterPass {
        let is_cut = self.parts.iter().any(|part| part.is_cut);
        let map = match topology {
            Topology::Cluster(map) => map.digest(),
            Topology::Single => 0,
        };

        if map == self.map && !is_cut {
            AfterPass::Done
        } else if self.pass < MAX_PASSES {
            AfterPass::Another
        } else {
            AfterPass::GiveUp
        }
    }
}

/// A hash tag in a slot of the node. It differs for each pass, because a slot may be moving.
fn tag_on(map: &SlotMap, node: &str, pass: u32) -> u32 {
    let is_on_node = |tag: &u32| {
        let owner = map.owner_of_key(format!("{tag:x}").as_bytes());
        owner.is_some_and(|owner| owner.to_string() == node)
    };
    let tags = (0..MAX_TRIED_NAMES).filter(is_on_node);
    tags.take(pass as usize).last().unwrap_or_default()
}

impl Part {
    /// The key that has the names that a dry run has matched, in the same slot.
    pub(super) fn names_key(&self) -> String {
        self.key.replacen(JOB_PART_PREFIX, JOB_NAMES_PREFIX, 1)
    }

    /// Reads the counts of the part from the node that has its slot now, those of all jobs that walk
    /// together. Returns false if it has been begun without this job. One round trip.
    pub(super) async fn refresh<R: Redis>(&mut self, redis: &R) -> Result<bool, RedisError> {
        let places = self.by_place();
        let fields = places
            .iter()
            .flat_map(|(place, _)| Counts::fields_at(*place));
        let read = Command::read("HMGET")
            .arg(self.key.as_str())
            .args(["cursor", "walked"])
            .args(fields)
            .args(SelectedCounts::FIELDS);
        let mut replies = Replies::new(redis.execute(read).await?);
        let Some(cursor) = replies.optional_bytes()? else {
            return Ok(true);
        };

        let walked = replies.count()?;
        let stored = places
            .iter()
            .map(|_| Counts::read_at_place(&mut replies, walked));
        let stored = stored.collect::<Result<Vec<_>, RedisError>>()?;
        let is_known = stored.first().is_some_and(Option::is_some);
        let counts = stored.into_iter().zip(places);
        self.set_counts(counts.map(|(stored, (_, known))| stored.unwrap_or(known)));
        self.selected = SelectedCounts::read(&mut replies)?;
        self.has_ended |= cursor == b"end";
        Ok(is_known)
    }

    /// Places and counts of the jobs of the walk, first those of the job itself.
    pub(super) fn by_place(&self) -> Vec<(usize, Counts)> {
        let others = self.others.iter().copied();
        [(self.place, self.counts)]
            .into_iter()
            .chain(others)
            .collect()
    }

    /// Keeps new counts, in the order of [`Part::by_place`].
    pub(super) fn set_counts(&mut self, counts: impl IntoIterator<Item = Counts>) {
        let mut counts = counts.into_iter();
        let others = self.others.iter_mut().map(|(_, counts)| counts);
        for (known, counts) in [&mut self.counts]
            .into_iter()
            .chain(others)
            .zip(&mut counts)
        {
            *known = counts;
        }
    }

    /// Ends the part before its node has been walked.
    pub(super) async fn cut<R: Redis>(&mut self, redis: &R) -> Result<(), RedisError> {
        self.refresh(redis).await?;
        self.is_cut |= !self.has_ended;
        self.has_ended = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(pass: u32, is_cut: bool) -> Plan {
        let part = Part {
            is_cut,
            has_ended: true,
            ..Part::default()
        };
        Plan {
            pass,
            map: 0,
            joint: None,
            parts: vec![part],
        }
    }

    #[test]
    fn a_pass_that_was_cut_is_followed_by_another_and_not_without_end() {
        let after = |pass, is_cut| plan(pass, is_cut).after(&Topology::Single);

        assert_eq!(after(1, false), AfterPass::Done);
        assert_eq!(after(1, true), AfterPass::Another);
        assert_eq!(after(MAX_PASSES, true), AfterPass::GiveUp);
        assert_eq!(after(MAX_PASSES, false), AfterPass::Done);
    }

    #[test]
    fn a_part_is_stored_with_its_counts() {
        let part = Part {
            key: "cache:job-part:{0}:1:1".to_owned(),
            counts: Counts {
                matched: 3,
                ..Counts::default()
            },
            ..Part::default()
        };
        let json = serde_json::to_string(&part).unwrap();
        assert_eq!(serde_json::from_str::<Part>(&json).unwrap(), part);
    }
}
