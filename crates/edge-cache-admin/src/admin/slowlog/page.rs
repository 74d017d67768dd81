//! `GET /slowlog`: a page of the kept entries, and all of them in groups.

use edge_cache::redis::Redis;
use edge_cache::redis::script::Script;
use edge_cache::script;
use serde::Serialize;

use super::collect::{NodeLog, collect_entries};
use super::entry::{KeptEntry, LogKind, milliseconds, time};
use super::group::{SlowGroup, group};
use super::own_scripts::OwnScripts;
use super::{ENTRIES, MAX_ENTRIES};
use crate::error::Error;
use crate::input::Parameters;

/// Reads kept entries.
static READ: Script = script!(repeatable "slowlog/read", []);

/// The most entries on a page, and how many without a `limit`.
const MAX_PAGE_ENTRIES: u64 = 100;
const DEFAULT_PAGE_ENTRIES: u64 = 50;

/// A checked `GET /slowlog`.
#[derive(Debug)]
pub struct SlowlogRequest {
    limit: u64,
    /// The id of the last entry of the page before.
    cursor: Option<String>,
}

/// A page of the slow log, newest first.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SlowlogPage {
    /// The entries.
    pub entries: Vec<SlowEntry>,
    /// All kept entries in at most 100 groups, those that took the most time first; on the first page
    /// only.
    pub groups: Vec<SlowGroup>,
    /// Every node, with the reason where its log cannot be read.
    pub nodes: Vec<NodeLog>,
    /// Why new entries could not be kept; null if they are.
    pub not_kept: Option<String>,
    /// The position in the log.
    pub pagination: SlowlogPagination,
}

/// A command that a node logged, without its values.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SlowEntry {
    /// The entry's id.
    pub id: String,
    /// When the command ran.
    pub at: String,
    /// The log it was in.
    pub kind: LogKind,
    /// The node's address; null for a single server.
    pub node: Option<String>,
    /// The command, with the second word where that belongs to its name.
    pub command: String,
    /// The name of edge-cache's script; null for other commands.
    pub script: Option<&'static str>,
    /// The names of its first keys, at most three.
    pub keys: Vec<String>,
    /// The number of its arguments.
    pub arguments: u64,
    /// How long it took; null for a large request or reply.
    pub duration_ms: Option<f64>,
    /// Its bytes; null for a slow command.
    pub size_bytes: Option<u64>,
    /// The address of the client that sent it.
    pub client: String,
    /// The name that this client gave itself; empty for none.
    pub client_name: String,
}

/// The position of a page in the slow log.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SlowlogPagination {
    /// All kept entries.
    pub total: u64,
    /// Entries on this page.
    pub returned: usize,
    /// The cursor of the next, older page; null on the last.
    pub next_cursor: Option<String>,
    /// True if there are older entries.
    pub has_more: bool,
}

impl SlowlogRequest {
    /// Reads `limit` (1 to 100, 50 by default) and `cursor`.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the parameter.
    pub fn parse(query: &str) -> Result<Self, Error> {
        let mut parameters = Parameters::parse(query);
        let limit = parameters.number("limit", MAX_PAGE_ENTRIES, DEFAULT_PAGE_ENTRIES)?;
        let cursor = parameters.text("cursor")?;
        parameters.reject_unknown("limit, cursor")?;

        if cursor.as_deref().is_some_and(|cursor| !is_id(cursor)) {
            let problem = "must be the `nextCursor` of an earlier page";
            return Err(Error::invalid("cursor", problem));
        }
        Ok(Self { limit, cursor })
    }

    /// Reads the nodes' logs, then the page. One round trip besides those of [`collect_entries`].
    ///
    /// # Errors
    /// Those of the connections.
    pub async fn run<R: Redis, A: Redis>(
        &self,
        redis: &R,
        trail: &A,
    ) -> Result<SlowlogPage, Error> {
        let collected = collect_entries(redis, trail).await?;

        let (from, count) = match &self.cursor {
            Some(cursor) => (format!("({cursor}"), self.limit + 1),
            None => ("+".to_owned(), MAX_ENTRIES),
        };
        let mut replies = READ
            .run(trail, [ENTRIES.into()], [from.into(), count.into()])
            .await?;
        let total = replies.count()?;
        let kept = KeptEntry::read_all(&mut replies)?;

        let scripts = OwnScripts::new(redis.namespace());
        let groups = match self.cursor {
            Some(_) => Vec::new(),
            None => group(kept.iter().map(|(_, entry)| entry), &scripts),
        };
        let (entries, pagination) = self.page(kept, total, &scripts);
        Ok(SlowlogPage {
            entries,
            groups,
            nodes: collected.nodes,
            not_kept: collected.problem.map(|problem| problem.message),
            pagination,
        })
    }

    fn page(
        &self,
        mut kept: Vec<(String, KeptEntry)>,
        total: u64,
        scripts: &OwnScripts,
    ) -> (Vec<SlowEntry>, SlowlogPagination) {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let has_more = kept.len() > limit;
        kept.truncate(limit);

        let last = kept.last().map(|(id, _)| id.clone());
        // Entries of several nodes that were read at once are in the order of the nodes.
        kept.sort_by_key(|(_, entry)| std::cmp::Reverse(entry.at));
        let entries: Vec<SlowEntry> = kept
            .into_iter()
            .map(|(id, entry)| SlowEntry::new(id, entry, scripts))
            .collect();

        let pagination = SlowlogPagination {
            total,
            returned: entries.len(),
            next_cursor: last.filter(|_| has_more),
            has_more,
        };
        (entries, pagination)
    }
}

impl SlowEntry {
    fn new(id: String, entry: KeptEntry, scripts: &OwnScripts) -> Self {
        let is_slow = entry.kind == LogKind::Slow;
        Self {
            id,
            at: time(entry.at),
            kind: entry.kind,
            node: entry.node,
            command: entry.command,
            script: entry.script.and_then(|hash| scripts.name(&hash)),
            keys: entry.keys,
            arguments: entry.arguments,
            duration_ms: is_slow.then(|| milliseconds(entry.value)),
            size_bytes: (!is_slow).then_some(entry.value),
            client: entry.client,
            client_name: entry.client_name,
        }
    }
}

/// True for the id of a stream's entry, other than 0-0.
fn is_id(text: &str) -> bool {
    let is_number =
        |part: &str| part.bytes().all(|byte| byte.is_ascii_digit()) && part.parse::<u64>().is_ok();
    match text.split_once('-') {
        Some((ms, number)) => {
            is_number(ms)
                && is_number(number)
                && text.bytes().any(|byte| matches!(byte, b'1'..=b'9'))
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_the_id_of_an_entry() {
        assert!(SlowlogRequest::parse("cursor=1700000000000-3&limit=100").is_ok());
        for bad in ["x", "1", "0-0", "1-", "-1", "1-2-3", "%2B1-1", "%2B"] {
            assert!(
                SlowlogRequest::parse(&format!("cursor={bad}")).is_err(),
                "{bad}"
            );
        }
        assert!(SlowlogRequest::parse("limit=101").is_err());
    }
}
