//! The key browser's list: pages of keys with type, TTL and size. Following the cursors returns
//! every key that existed throughout.

mod cursor;
mod facts;
mod place;
mod plain;
mod row;

pub use place::PageNode;
pub use row::KeyRow;

use edge_cache::KeyName;
use edge_cache::keyspace::conditions::Conditions;
use edge_cache::keyspace::pattern::{Pattern, Search};
use edge_cache::keyspace::scan;
use edge_cache::redis::script::{Script, shared};
use edge_cache::redis::{Arg, Command, OnNode, Redis, Replies};
use edge_cache::{ErrorKind, RedisError, script};
use serde::Serialize;

use crate::admin::conditions;
use crate::error::Error;
use crate::input::Parameters;
use cursor::{Cursor, NameHash};
use place::Place;
use plain::PageQuery;
use row::Page;

/// Reads a page of keys with type, TTL and size.
static READ_PAGE: Script = script!(repeatable "list_keys/read_page", [
    shared::OWN_READS,
    shared::PATTERN,
    shared::WALK,
    shared::EXISTENCE,
    shared::PROTECTED,
    shared::TRAILERS,
    shared::CONDITIONS,
]);

/// The most keys on a page, and the number without a `limit`.
pub const MAX_PAGE_KEYS: u64 = 100;
/// Keys visited after which a page ends, full or not.
const MAX_VISITED_KEYS: usize = 10_000;
/// Bytes of names on a page. A row has its name up to three times, escaped: a page stays below
/// about 2 MB.
const MAX_PAGE_NAME_BYTES: usize = 160 << 10;
/// A checked `GET /keys`.
#[derive(Debug)]
pub struct ListKeysRequest {
    pattern: Pattern,
    /// Conditions that the keys must meet besides the pattern.
    conditions: Conditions,
    limit: u64,
    cursor: Cursor,
    exact: bool,
}

/// A page of keys.
#[derive(Debug, Serialize)]
pub struct ListKeysReport {
    /// The keys, in the order of Redis' table, which is not alphabetical.
    pub keys: Vec<KeyRow>,
    /// The position in the list.
    pub pagination: KeyPagination,
}

/// The position of a page in the list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyPagination {
    /// All keys of the database when the pattern is `*`; with `exact=true` those that match; else
    /// null.
    pub total: Option<u64>,
    /// Keys on this page.
    pub returned: usize,
    /// The cursor of the next page; null on the last. A page may be short or empty before the end.
    pub next_cursor: Option<String>,
    /// True if there is a next page.
    pub has_more: bool,
    /// The node whose keys the page has; absent for a single server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<PageNode>,
}

impl ListKeysRequest {
    /// Reads `pattern`, `limit` (1 to 100), `cursor`, the conditions and `exact`.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the parameter.
    pub fn parse(query: &str) -> Result<Self, Error> {
        let mut parameters = Parameters::parse(query);
        let pattern = parameters
            .nonempty_bytes("pattern")
            .map(|bytes| Pattern::parse("pattern", bytes))
            .transpose()?
            .unwrap_or_else(Pattern::everything);
        let conditions = conditions::from_parameters(&mut parameters)?;

        let limit = parameters.number("limit", MAX_PAGE_KEYS, MAX_PAGE_KEYS)?;
        let cursor = parameters.text("cursor")?.unwrap_or_else(|| "0".into());
        let described = conditions::describe(&conditions);
        let cursor = Cursor::parse(&cursor, &pattern, &described).ok_or_else(|| {
            Error::invalid(
                "cursor",
                "must be the `nextCursor` of a page with the same pattern, type and conditions",
            )
        })?;
        let exact = parameters.flag("exact")?;
        parameters.reject_unknown(&format!(
            "pattern, limit, cursor, {}, exact",
            conditions::KNOWN
        ))?;

        Ok(Self {
            pattern,
            conditions,
            limit,
            cursor,
            exact,
        })
    }

    /// Reads the page. One round trip; about ten where a Cluster refuses scripts without keys. With
    /// `exact=true` for a pattern, about one more per 1,000 keys of the database. A Cluster's nodes
    /// are listed one after the other.
    ///
    /// # Errors
    /// Those of the connection; [`Error::Invalid`] for a condition that the server cannot test.
    pub async fn run<R: Redis>(&self, redis: &R) -> Result<ListKeysReport, Error> {
        let topology = redis.newest_topology().await?;
        let nodes = topology.nodes(redis);
        let Some(place) = Place::find(&topology, &nodes, &self.cursor) else {
            return Err(no_primaries().into());
        };
        let page = self.read_page(place.node, place.cursor()).await;
        let page = page.map_err(conditions::explain)?;

        let next = next_cursor(place.cursor(), &page);
        let next = next.map_or_else(|| place.next_node(), |next| Some(place.at(next)));
        let next_cursor = next
            .map(|cursor| cursor.render(&self.pattern, &conditions::describe(&self.conditions)));
        let database_keys = match page.database_keys {
            Some(keys) if !topology.is_cluster() => keys,
            _ if self.is_everything() => count_keys(&nodes).await?,
            _ => 0,
        };
        let pagination = KeyPagination {
            total: self.total(redis, database_keys).await?,
            returned: page.rows.len(),
            has_more: next_cursor.is_some(),
            next_cursor,
            node: place.page_node(),
        };
        Ok(ListKeysReport {
            keys: page.rows.into_iter().map(|(_, row)| row).collect(),
            pagination,
        })
    }

    async fn read_page<R: Redis>(
        &self,
        node: &OnNode<'_, R>,
        cursor: &Cursor,
    ) -> Result<Page, RedisError> {
        let read = node.run_keyless(&READ_PAGE, self.script_args(cursor));
        if let Some(replies) = read.await? {
            return Page::read(node, replies).await;
        }

        let query = PageQuery {
            pattern: &self.pattern,
            conditions: &self.conditions,
            cursor,
            limit: self.limit as usize,
            max_name_bytes: MAX_PAGE_NAME_BYTES,
            max_visited: MAX_VISITED_KEYS,
        };
        plain::read_page(node, &query).await
    }

    fn script_args(&self, cursor: &Cursor) -> Vec<Arg> {
        let Search { head, parts } = self.pattern.search();
        let mut args = vec![
            cursor.scan.as_slice().into(),
            head.into(),
            parts.into(),
            self.conditions.kind.as_str().into(),
            self.limit.into(),
            MAX_VISITED_KEYS.into(),
            MAX_PAGE_NAME_BYTES.into(),
        ];
        let needs_reading = if self.conditions.need_reading() {
            "1"
        } else {
            ""
        };
        args.push(needs_reading.into());
        args.extend(self.conditions.script_args());
        args.extend(cursor.returned.iter().map(|hash| hash.hex().into()));
        args
    }

    /// True if the answer takes a walk over the whole keyspace.
    pub fn is_walk(&self) -> bool {
        self.exact && !self.is_everything()
    }

    fn is_everything(&self) -> bool {
        self.pattern == Pattern::everything() && self.conditions.are_none()
    }

    async fn total<R: Redis>(&self, redis: &R, database_keys: u64) -> Result<Option<u64>, Error> {
        if self.is_everything() {
            return Ok(Some(database_keys));
        }
        if !self.exact {
            return Ok(None);
        }
        let matching = scan::count_all(redis, &self.pattern, &self.conditions).await;
        Ok(Some(matching.map_err(conditions::explain)?))
    }
}

/// The cursor of the same node after a page; `None` at the node's end.
fn next_cursor(cursor: &Cursor, page: &Page) -> Option<Cursor> {
    if page.scan == b"0" && page.unfinished == 0 {
        return None;
    }

    let mut returned = Vec::new();
    if page.unfinished > 0 {
        // The step that this page resumed has still more.
        if page.scan == cursor.scan {
            returned.clone_from(&cursor.returned);
        }
        let last = page.rows.iter().rev().take(page.unfinished);
        returned.extend(last.map(|(key, _): &(KeyName, KeyRow)| NameHash::of(key)));
    }
    Some(Cursor {
        scan: page.scan.clone(),
        returned,
        node: None,
    })
}

/// Counts the keys of all nodes. One round trip at each.
async fn count_keys<R: Redis>(nodes: &[OnNode<'_, R>]) -> Result<u64, RedisError> {
    let counted = scan::on_each(nodes, async |node: &OnNode<'_, R>| {
        let size = node.execute(Command::read("DBSIZE")).await?;
        Replies::new(size).count()
    });
    Ok(counted.await?.into_iter().sum())
}

fn no_primaries() -> RedisError {
    RedisError::new(ErrorKind::Cluster, "no node of the Cluster serves any slot")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_parameter_is_rejected_by_name() {
        let bad = [
            ("limit", "limit=0"),
            ("limit", "limit=101"),
            ("limit", "limit=x"),
            ("cursor", "cursor=17"),
            ("cursor", "cursor=x.y"),
            ("type", "type=a%20b"),
            ("exact", "exact=1"),
            ("patern", "patern=x"),
            ("pattern", "pattern=%2A&pattern=x"),
        ];

        for (name, query) in bad {
            let problem = ListKeysRequest::parse(query).unwrap_err().to_string();
            assert!(problem.starts_with(&format!("`{name}`")), "{problem}");
        }
    }

    #[test]
    fn all_parameters_can_be_given_together() {
        let query = "pattern=a%2A&cursor=0&limit=100&type=zset&exact=true";
        assert!(ListKeysRequest::parse(query).is_ok());
    }
}
