//! Counts of the keys that patterns match, slice by slice.

use std::collections::HashSet;

use edge_cache::keyspace::pattern::Pattern;
use edge_cache::keyspace::scan;
use edge_cache::redis::script::{Script, shared};
use edge_cache::redis::{Arg, Command, OnNode, Redis, Replies};
use edge_cache::{KeyName, RedisError, script};
use futures_util::future::try_join;

/// Counts the keys of a slice that patterns match, each once.
static COUNT_SLICE: Script = script!(repeatable "share/count_slice", [
    shared::OWN_READS,
    shared::PATTERN,
    shared::WALK,
    shared::PROTECTED,
]);

/// A count of the keys that patterns match.
#[derive(Debug)]
pub(crate) struct PatternCount<'a> {
    pub(crate) patterns: &'a [Pattern],
    /// Sets whose members do not count, nor do these sets; none on a Cluster, where they are in other slots.
    pub(crate) sets: &'a [Arg],
    /// The glob that `SCAN` filters by: the common beginning of the counted names, and a star.
    pub(crate) head: Vec<u8>,
    /// The most keys that one slice visits.
    pub(crate) max_visited: usize,
}

/// The counts of one slice.
#[derive(Debug)]
pub(crate) struct CountedSlice {
    /// The cursor of the next slice, `0` at the end.
    pub(crate) next: Vec<u8>,
    pub(crate) counts: Counts,
    /// The keys of each pattern, each key for the first that would remove it.
    pub(crate) by_pattern: Vec<u64>,
}

/// Counts of one slice, or of several.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Keys of the database.
    pub(crate) database: u64,
    pub(crate) visited: u64,
    /// Visited keys that are services'.
    pub(crate) services: u64,
    /// Services' keys that the patterns match.
    pub(crate) matched: u64,
}

impl PatternCount<'_> {
    /// Counts a slice from this cursor on. One round trip.
    ///
    /// # Errors
    /// Those of the connection.
    pub(crate) async fn slice<R: Redis>(
        &self,
        node: &OnNode<'_, R>,
        cursor: &[u8],
    ) -> Result<CountedSlice, RedisError> {
        let mut args: Vec<Arg> = vec![
            cursor.into(),
            self.head.as_slice().into(),
            self.max_visited.into(),
        ];
        args.extend(self.patterns.iter().flat_map(pattern_args));

        let replies = if self.sets.is_empty() {
            node.run_keyless(&COUNT_SLICE, args).await?
        } else {
            let sets = self.sets.iter().cloned();
            Some(COUNT_SLICE.run(node, sets, args).await?)
        };
        match replies {
            Some(replies) => self.read(replies),
            None => self.count_plainly(node, cursor).await,
        }
    }

    fn read(&self, mut replies: Replies) -> Result<CountedSlice, RedisError> {
        let next = replies.bytes()?;
        let counts = Counts {
            database: replies.count()?,
            visited: replies.count()?,
            services: replies.count()?,
            matched: replies.count()?,
        };
        let by_pattern = self.patterns.iter().map(|_| replies.count());
        Ok(CountedSlice {
            next,
            counts,
            by_pattern: by_pattern.collect::<Result<_, _>>()?,
        })
    }

    /// Counts a slice as the script does, with plain commands that overlap.
    async fn count_plainly<R: Redis>(
        &self,
        node: &OnNode<'_, R>,
        cursor: &[u8],
    ) -> Result<CountedSlice, RedisError> {
        let reading = scan::read_names(node, cursor, &self.head, self.max_visited, "");
        let counting = node.execute(Command::read("DBSIZE"));
        let ((next, names), database) = try_join(reading, counting).await?;

        let mut by_pattern = vec![0; self.patterns.len()];
        let mut counts = Counts {
            database: Replies::new(database).count()?,
            visited: names.len() as u64,
            ..Counts::default()
        };
        let mut seen: HashSet<&KeyName> = HashSet::new();
        for name in &names {
            let is_protected = name.is_protected();
            counts.services += u64::from(!is_protected);
            let is_of_other = node.namespace().is_of_other(name.as_bytes());
            let first = self
                .patterns
                .iter()
                .position(|pattern| !is_of_other && pattern.removes(name));
            let Some(first) = first.filter(|_| seen.insert(name) && !name.is_own_record()) else {
                continue;
            };
            counts.matched += u64::from(!is_protected);
            if let Some(count) = by_pattern.get_mut(first) {
                *count += 1;
            }
        }
        Ok(CountedSlice {
            next,
            counts,
            by_pattern,
        })
    }
}

/// Returns the two arguments of `share/count_slice.lua` for a pattern.
fn pattern_args(pattern: &Pattern) -> [Arg; 2] {
    let names_protected = if pattern.names_protected() { "1" } else { "" };
    [names_protected.into(), pattern.search().parts.into()]
}
