//! The key browser's list: pages of keys with type, TTL and size, lossless from the first page to the last.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde::Serialize;

use crate::body::Query;
use crate::error::{Error, RedisError};
use crate::format;
use crate::key::KeyName;
use crate::pattern::Pattern;
use crate::redis::{Arg, Redis, Replies};
use crate::script::PAGE;
use crate::sweep;

/// The most keys on a page.
pub const MAX_LIMIT: u64 = 100;
/// How many keys a page looks at before it is handed out, full or not.
const BUDGET: usize = 10_000;
/// Bytes of a name's hash in a cursor.
const HASH_BYTES: usize = 8;

/// A checked `GET /keys`.
#[derive(Debug)]
pub struct Request {
    pattern: Pattern,
    kind: String,
    limit: u64,
    cursor: Cursor,
    exact: bool,
}

/// A page of keys.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The keys, in the order of Redis' table: none that a person would know.
    pub keys: Vec<KeyRow>,
    /// Where the walk stands.
    pub pagination: Pagination,
}

/// One key as the list shows it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeyRow {
    /// The name; see [`KeyName::display`].
    pub key: String,
    /// The name in base64, where it is not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_base64: Option<String>,
    /// The name as a URL path segment: `/api/cache/keys/{path}`.
    pub path: String,
    /// `string`, `list`, `set`, `zset`, `hash`, `stream`, or a module's type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Seconds left, -1 for a key that does not expire.
    pub ttl: i64,
    /// Memory used, null where the server will not say.
    pub size: Option<String>,
    /// Memory used, in bytes.
    pub size_bytes: Option<u64>,
}

/// Where a walk over the keys stands.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pagination {
    /// All keys of the database when the pattern is `*`; with `exact=true` those that match; else null.
    pub total: Option<u64>,
    /// Keys on this page.
    pub returned: usize,
    /// What to send for the next page; null at the end. A page may be short or empty before the end.
    pub next_cursor: Option<String>,
    /// Whether there is a next page to ask for.
    pub has_more: bool,
}

/// Where a page starts: Redis' own cursor, and what the last pages already had of that cursor's step.
#[derive(Debug, Default, PartialEq, Eq)]
struct Cursor {
    scan: u64,
    had: Vec<String>,
}

impl Cursor {
    /// `<scan>.<check>` or `<scan>.<check>.<hashes>`. The check binds it to its pattern and type: a cursor of another
    /// walk would silently skip keys.
    fn render(&self, pattern: &Pattern, kind: &str) -> String {
        let hashes = BASE64.encode(self.had.iter().flat_map(|hash| hex_bytes(hash)).collect::<Vec<u8>>());
        let check = check(self.scan, &hashes, pattern, kind);
        let tail = if hashes.is_empty() { String::new() } else { format!(".{hashes}") };
        format!("{}.{check}{tail}", self.scan)
    }

    fn parse(text: &str, pattern: &Pattern, kind: &str) -> Option<Self> {
        if text == "0" {
            return Some(Self::default());
        }
        let mut parts = text.splitn(3, '.');
        let (scan, given, hashes) = (parts.next()?.parse().ok()?, parts.next()?, parts.next().unwrap_or(""));
        let bytes = BASE64.decode(hashes).ok()?;
        let intact = given == check(scan, hashes, pattern, kind) && bytes.len().is_multiple_of(HASH_BYTES);
        let had = bytes.chunks_exact(HASH_BYTES).map(hex).collect();
        intact.then_some(Self { scan, had })
    }
}

fn check(scan: u64, hashes: &str, pattern: &Pattern, kind: &str) -> String {
    let mut sha = sha1_smol::Sha1::from(format!("{scan}.{hashes}.{kind}."));
    sha.update(pattern.as_bytes());
    sha.digest().to_string().chars().take(8).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hex_bytes(text: &str) -> Vec<u8> {
    let digit = |index: usize| text.get(index..index + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    (0..HASH_BYTES).filter_map(|index| digit(2 * index)).collect()
}

/// The hash by which a cursor remembers a name: the first 64 bits of its SHA-1, as the script computes it.
fn hash_of(key: &KeyName) -> String {
    sha1_smol::Sha1::from(key.as_bytes()).digest().to_string().chars().take(2 * HASH_BYTES).collect()
}

impl Request {
    /// Reads `pattern`, `limit` (1 to 100), `cursor`, `type` and `exact`.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the parameter.
    pub fn parse(query: &str) -> Result<Self, Error> {
        let mut query = Query::parse(query);
        let pattern = query.bytes("pattern").map(|bytes| Pattern::parse("pattern", bytes)).transpose()?;
        let pattern = pattern.unwrap_or_else(Pattern::everything);
        let kind = query.text("type")?.unwrap_or_default();
        if kind.len() > 32 || !kind.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)) {
            return Err(Error::invalid("type", "must be string, list, set, zset, hash, stream, or a module's type"));
        }
        let limit = query.number("limit", MAX_LIMIT, MAX_LIMIT)?;
        let cursor = query.text("cursor")?.unwrap_or_else(|| "0".into());
        let cursor = Cursor::parse(&cursor, &pattern, &kind).ok_or_else(|| {
            Error::invalid("cursor", "must be the `nextCursor` of a page with the same pattern and type")
        })?;
        let exact = query.flag("exact")?;
        query.finish("pattern, limit, cursor, type, exact")?;
        Ok(Self { pattern, kind, limit, cursor, exact })
    }

    /// Reads the page: one round trip. With `exact=true` for a pattern, about one more per 1,000 keys of the database.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn run<R: Redis>(&self, redis: &R) -> Result<Report, Error> {
        let args = [
            self.cursor.scan.into(),
            self.pattern.as_bytes().into(),
            self.kind.as_str().into(),
            self.limit.into(),
            BUDGET.into(),
        ];
        let had = self.cursor.had.iter().map(|hash| Arg::from(hash.as_str()));
        let mut replies = PAGE.run(redis, [], args.into_iter().chain(had)).await.map_err(refused)?;
        let (scan, inside, all) = (replies.count()?, replies.count()? as usize, replies.count()?);
        let keys = rows(replies.packed()?)?;
        let next = self.next(scan, inside, &keys);
        let everything = self.pattern == Pattern::everything() && self.kind.is_empty();
        let total = match (everything, self.exact) {
            (true, _) => Some(all),
            (false, true) => Some(sweep::count_all(redis, &self.pattern, &self.kind).await?),
            (false, false) => None,
        };
        let pagination = Pagination { total, returned: keys.len(), has_more: next.is_some(), next_cursor: next };
        Ok(Report { keys: keys.into_iter().map(|(_, row)| row).collect(), pagination })
    }

    /// The cursor after a page whose last `inside` keys are of a step that is not finished.
    fn next(&self, scan: u64, inside: usize, keys: &[(KeyName, KeyRow)]) -> Option<String> {
        let mut had = Vec::new();
        if inside > 0 {
            // The very step that this page resumed is still not finished.
            if scan == self.cursor.scan {
                had.extend(self.cursor.had.iter().cloned());
            }
            had.extend(keys.iter().rev().take(inside).map(|(key, _)| hash_of(key)));
        }
        let end = scan == 0 && inside == 0;
        (!end).then(|| Cursor { scan, had }.render(&self.pattern, &self.kind))
    }
}

fn rows(mut replies: Replies) -> Result<Vec<(KeyName, KeyRow)>, Error> {
    let mut rows = Vec::with_capacity(replies.remaining() / 4);
    while replies.remaining() > 0 {
        let key = KeyName::new(replies.bytes()?);
        let (kind, ttl) = (replies.text()?, seconds(replies.int()?));
        let size_bytes = u64::try_from(replies.int()?).ok();
        let row = KeyRow {
            key: key.display(),
            key_base64: key.base64(),
            path: key.path_segment(),
            kind,
            ttl,
            size: size_bytes.map(format::size),
            size_bytes,
        };
        rows.push((key, row));
    }
    Ok(rows)
}

/// Seconds from milliseconds as `TTL` rounds them, negative codes unchanged.
pub(crate) fn seconds(milliseconds: i64) -> i64 {
    if milliseconds < 0 { milliseconds } else { (milliseconds + 500) / 1000 }
}

/// Servers differ in what they say of a type they do not know: Redis 7 has no such key, Redis 8 and Valkey 8 refuse it.
fn refused(error: RedisError) -> Error {
    if error.message.contains("unknown type name") {
        return Error::invalid(
            "type",
            "must be a type that this Redis has, such as string, hash, list, set, zset or stream",
        );
    }
    error.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_only_to_its_own_walk() {
        let (users, any) = (Pattern::parse("pattern", "users:*").unwrap(), Pattern::everything());
        let cursor = Cursor { scan: u64::MAX, had: vec![hash_of(&KeyName::new("a")), hash_of(&KeyName::new("b"))] };
        let text = cursor.render(&users, "hash");
        assert_eq!(Cursor::parse(&text, &users, "hash"), Some(cursor));
        assert_eq!(Cursor::parse(&text, &any, "hash"), None);
        assert_eq!(Cursor::parse(&text, &users, ""), None);
        assert_eq!(Cursor::parse(&text.replacen('1', "2", 1), &users, "hash"), None);
    }

    proptest::proptest! {
        #[test]
        fn a_cursor_with_anything_changed_in_its_position_or_check_is_refused(
            scan: u64,
            names in proptest::collection::vec("[a-z]{1,9}", 0..4),
            at: proptest::sample::Index,
            other in "[0-9a-f]",
        ) {
            let pattern = Pattern::parse("pattern", "users:*").unwrap();
            let had = names.iter().map(|name| hash_of(&KeyName::new(name.as_str()))).collect();
            let cursor = Cursor { scan, had };
            let text = cursor.render(&pattern, "");
            proptest::prop_assert_eq!(Cursor::parse(&text, &pattern, ""), Some(cursor));
            let checked = text.match_indices('.').nth(1).map_or(text.len(), |(at, _)| at);
            let at = at.index(checked);
            let forged = [&text[..at], &other, &text[at + 1..]].concat();
            if forged != text {
                proptest::prop_assert_eq!(Cursor::parse(&forged, &pattern, ""), None);
            }
        }
    }

    #[test]
    fn bad_parameters_are_refused_by_name() {
        let bad = [
            "limit=0",
            "limit=101",
            "limit=x",
            "cursor=17",
            "cursor=x.y",
            "type=a%20b",
            "exact=1",
            "patern=x",
            "pattern=%2A&pattern=x",
        ];
        for query in bad {
            let problem = Request::parse(query).unwrap_err().to_string();
            assert!(problem.starts_with(&format!("`{}`", query.split('=').next().unwrap())), "{problem}");
        }
        assert!(Request::parse("cursor=0&limit=100&type=zset&exact=true").is_ok());
    }

    #[test]
    fn remaining_time_is_rounded_as_redis_does() {
        assert_eq!([seconds(-1), seconds(-2), seconds(499), seconds(1500)], [-1, -2, 0, 2]);
    }
}
