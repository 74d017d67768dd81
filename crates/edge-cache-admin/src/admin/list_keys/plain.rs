//! A page of keys with plain commands, for servers that refuse scripts without keys. It is as lossless as that of the
//! script (`list_keys/read_page.lua`), in several round trips.

use std::collections::HashSet;

use edge_cache::keyspace::conditions::{self, Conditions};
use edge_cache::keyspace::pattern::Pattern;
use edge_cache::keyspace::scan;
use edge_cache::redis::{OnNode, Redis};
use edge_cache::{KeyName, RedisError};

use super::cursor::{Cursor, NameHash};
use super::facts;
use super::row::Page;

/// The most keys that one step visits.
const MAX_STEP_KEYS: usize = 1000;

/// The keys of a page.
pub(super) struct PageQuery<'a> {
    pub(super) pattern: &'a Pattern,
    pub(super) conditions: &'a Conditions,
    pub(super) cursor: &'a Cursor,
    /// The most keys on the page.
    pub(super) limit: usize,
    /// The most bytes of their names; one longer name makes a page of its own.
    pub(super) max_name_bytes: usize,
    /// Keys visited after which the page ends, full or not.
    pub(super) max_visited: usize,
}

/// Names of a page, as far as they were found.
struct Names<'a> {
    query: &'a PageQuery<'a>,
    head: Vec<u8>,
    names: Vec<KeyName>,
    on_page: HashSet<KeyName>,
    bytes_left: usize,
}

/// A step of `SCAN`.
struct Step {
    next: Vec<u8>,
    /// Names that the page does not have yet.
    new: Vec<KeyName>,
    count: usize,
}

/// Reads a page of a node's keys: a round trip for each step of `SCAN`, and about eight for the facts of 100 keys.
///
/// # Errors
/// Those of the connection.
pub(super) async fn read_page<R: Redis>(
    node: &OnNode<'_, R>,
    query: &PageQuery<'_>,
) -> Result<Page, RedisError> {
    let mut found = Names {
        query,
        head: query.pattern.search().head,
        names: Vec::new(),
        on_page: HashSet::new(),
        bytes_left: query.max_name_bytes,
    };
    let (scan, unfinished) = found.find(node).await?;
    Ok(Page {
        scan,
        unfinished,
        database_keys: None,
        rows: facts::read_rows(node, found.names).await?,
    })
}

impl Names<'_> {
    /// Finds the names: the cursor after the page, and how many of its last keys are of that cursor's step, which has more.
    async fn find<R: Redis>(
        &mut self,
        node: &OnNode<'_, R>,
    ) -> Result<(Vec<u8>, usize), RedisError> {
        let mut cursor = self.query.cursor.scan.clone();
        let mut visited = 0;
        let mut count = self.first_count();
        loop {
            let step = self.step_that_fits(node, &cursor, count).await?;
            let size_before = self.names.len();
            if !self.take(step.new) {
                return Ok((cursor, self.names.len() - size_before));
            }

            cursor = step.next;
            visited += step.count;
            let is_full = self.room() == 0 || self.bytes_left == 0;
            if cursor == b"0" || is_full || visited >= self.query.max_visited {
                return Ok((cursor, 0));
            }
            count = if self.names.len() > size_before {
                count_for(self.room())
            } else {
                MAX_STEP_KEYS.min(step.count * 2)
            };
        }
    }

    fn first_count(&self) -> usize {
        if self.query.cursor.returned.is_empty() {
            count_for(self.query.limit)
        } else {
            1
        }
    }

    fn room(&self) -> usize {
        self.query.limit - self.names.len()
    }

    /// Makes a step, and repeats it with a smaller count while it has more names than the page has room for; down to one
    /// bucket of the server's table.
    async fn step_that_fits<R: Redis>(
        &self,
        node: &OnNode<'_, R>,
        cursor: &[u8],
        count: usize,
    ) -> Result<Step, RedisError> {
        let mut step = self.step(node, cursor, count).await?;
        let mut less = 1;
        while step.count > 1 {
            let bytes: usize = step.new.iter().map(|name| name.as_bytes().len()).sum();
            let is_too_long = bytes > self.bytes_left;
            if step.new.len() <= self.room() && !is_too_long {
                break;
            }

            let by_bytes = if is_too_long {
                step.count * self.bytes_left / bytes
            } else {
                step.count
            };
            let fewer = step.count.min(self.room()).saturating_sub(less);
            step = self.step(node, cursor, fewer.min(by_bytes).max(1)).await?;
            less *= 2;
        }
        Ok(step)
    }

    async fn step<R: Redis>(
        &self,
        node: &OnNode<'_, R>,
        cursor: &[u8],
        count: usize,
    ) -> Result<Step, RedisError> {
        let conditions = self.query.conditions;
        let kind = &conditions.kind;
        let (next, mut new) = scan::read_names(node, cursor, &self.head, count, kind).await?;

        let returned = &self.query.cursor.returned;
        let mut seen = HashSet::new();
        new.retain(|name| {
            self.query.pattern.matches(name.as_bytes())
                && !self.on_page.contains(name)
                && (returned.is_empty() || !returned.contains(&NameHash::of(name)))
                && seen.insert(name.clone())
        });
        if conditions.need_reading() {
            new = conditions::meet(node, new, conditions).await?;
        }
        Ok(Step { next, new, count })
    }

    /// Takes names while the page has room for them; false when some are left.
    fn take(&mut self, new: Vec<KeyName>) -> bool {
        for name in new {
            let length = name.as_bytes().len();
            if self.room() == 0 || (!self.names.is_empty() && length > self.bytes_left) {
                return false;
            }
            self.bytes_left = self.bytes_left.saturating_sub(length);
            self.on_page.insert(name.clone());
            self.names.push(name);
        }
        true
    }
}

/// The count for a step that has room for so many keys: a little less, because a step may return a key or two more.
fn count_for(room: usize) -> usize {
    if room > 10 { room - 2 } else { room.max(1) }
}
