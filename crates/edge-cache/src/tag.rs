//! Tags: names under which keys are invalidated together, each a Redis set `cache:tags:{tag}` of key names.

use std::collections::HashSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::{Error, ErrorKind, RedisError};
use crate::format;
use crate::key::KeyName;
use crate::redis::{Arg, Command, Redis, Replies};
use crate::script::{TAG_ADD, TAG_COUNT, TAG_DELETE, TAG_SWEEP};
use crate::sweep;

/// Members removed in one step.
const SLICE: usize = 1000;
/// The longest tag, in bytes.
const MAX_BYTES: usize = 256;

/// A checked tag: 1 to 256 bytes of UTF-8 without control characters; case matters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tag(String);

impl Tag {
    /// Checks a tag given in the field of that name.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is empty, too long or has control characters.
    pub fn parse(field: &str, text: impl Into<String>) -> Result<Self, Error> {
        let text = text.into();
        if text.is_empty() || text.len() > MAX_BYTES || text.chars().any(char::is_control) {
            let problem = format!("must have 1 to {MAX_BYTES} bytes and no control characters");
            return Err(Error::invalid(field, problem));
        }
        Ok(Self(text))
    }

    /// Reads one element of a request's `tags`.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the field.
    pub fn from_json(field: &str, value: &Value) -> Result<Self, Error> {
        Self::parse(field, crate::body::string(field, value)?)
    }

    /// The tag as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The set that holds the names of the tag's keys.
    pub fn key(&self) -> String {
        format!("cache:tags:{}", self.0)
    }

    /// The tag whose members are in this set aside, if it is one.
    fn of_aside(set: &str) -> Option<Self> {
        let (name, _number) = set.strip_prefix("cache:tags-aside:{cache:tags:")?.rsplit_once('}')?;
        Self::parse("tag", name).ok()
    }

    /// Where an invalidation sets the members aside, or the first of these sets; the braces keep it on the same node of a
    /// Cluster as the tag's set.
    fn aside(&self) -> String {
        format!("cache:tags-aside:{{{}}}", self.key())
    }
}

/// How many keys a tag has; members whose keys have expired do not count. One round trip per 1,000.
///
/// # Errors
/// Those of the connection.
pub async fn count<R: Redis>(redis: &R, tag: &Tag) -> Result<u64, RedisError> {
    let (mut cursor, mut living) = (b"0".to_vec(), 0);
    loop {
        let mut replies = TAG_COUNT.run(redis, [tag.key().into()], [cursor.into(), SLICE.into()]).await?;
        cursor = replies.bytes()?;
        living += replies.count()?;
        if cursor == b"0" {
            return Ok(living);
        }
    }
}

/// Adds keys to a tag, in slices of 1,000: one round trip each. The tag's set then lives at least as long as they do.
///
/// # Errors
/// Those of the connection.
pub async fn add<R: Redis>(redis: &R, tag: &Tag, life: Duration, keys: &[KeyName]) -> Result<(), RedisError> {
    for slice in keys.chunks(SLICE) {
        let members = slice.iter().map(|key| Arg::from(key.as_bytes()));
        let args = [format::milliseconds(life).into()].into_iter().chain(members);
        TAG_ADD.run(redis, [tag.key().into()], args).await?;
    }
    Ok(())
}

/// The names of a tag's keys, members whose keys have expired included. One round trip per 1,000.
///
/// # Errors
/// Those of the connection.
pub async fn keys<R: Redis>(redis: &R, tag: &Tag) -> Result<Vec<KeyName>, RedisError> {
    let (mut cursor, mut found) = (b"0".to_vec(), HashSet::new());
    loop {
        let members;
        (cursor, members) = scan_members(redis, &tag.key(), &cursor).await?;
        found.extend(members.into_iter().map(KeyName::new));
        if cursor == b"0" {
            return Ok(found.into_iter().collect());
        }
    }
}

/// Removes every key of a tag, up to 1,000 of them in one atomic step, more in several.
///
/// The members are set aside first, so that what is tagged from then on belongs to a new set and is not forgotten; what
/// an interruption leaves aside is finished by the next invalidation of the tag. One round trip per 1,000 keys and one
/// more. Returns how many keys were removed (members whose keys had expired do not count).
///
/// # Errors
/// Those of the connection; [`Error::Partial`] says how many were removed until then.
pub async fn invalidate<R: Redis>(redis: &R, tag: &Tag) -> Result<u64, Error> {
    sweep::fence(redis, "tag", tag.as_str().as_bytes()).await?;
    let (mut removed, mut cursor) = (0, Vec::new());
    loop {
        let slice = delete_slice(redis, tag, cursor).await;
        let (next, count, left) = slice.map_err(|error| Error::from(error).after(removed))?;
        removed += count;
        // More may have been put aside meanwhile or before: then the walk, at its end, begins again.
        if left == 0 {
            return Ok(removed);
        }
        cursor = next;
    }
}

/// Removes about 1,000 keys of a tag: the next cursor, how many were removed, and how many members are left.
async fn delete_slice<R: Redis>(redis: &R, tag: &Tag, cursor: Vec<u8>) -> Result<(Vec<u8>, u64, u64), RedisError> {
    let sets = [tag.key().into(), tag.aside().into()];
    let mut replies = TAG_DELETE.run(redis, sets, [SLICE.into(), cursor.into()]).await?;
    Ok((replies.bytes()?, replies.count()?, replies.count()?))
}

/// A step through a set: the next cursor, `0` at the end, and about 1,000 members.
async fn scan_members<R: Redis>(redis: &R, set: &str, cursor: &[u8]) -> Result<(Vec<u8>, Vec<Vec<u8>>), RedisError> {
    let scan = Command::read("SSCAN").arg(set).arg(cursor).arg("COUNT").arg(SLICE);
    let mut replies = Replies::new(redis.execute(scan).await?);
    Ok((replies.bytes()?, replies.rest()?))
}

/// Where a sweep over all tags stands, between its steps.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sweep {
    /// Redis' cursor over the keyspace; empty: at the start.
    scan: String,
    /// Whether the walk over the keyspace has ended; the sets it found may not be finished.
    #[serde(default)]
    at_end: bool,
    /// Tags' sets found there and not finished.
    sets: Vec<String>,
    /// The cursor within the first of them.
    member: String,
}

/// What a step of a sweep did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Swept {
    /// Members looked at.
    pub members: u64,
    /// Members removed because their keys are gone, and keys that an interrupted invalidation had set aside.
    pub removed: u64,
    /// Whether the sweep came to the end of the keyspace; the next step starts anew.
    pub finished: bool,
}

impl Swept {
    /// Adds what a further step did.
    pub(crate) fn add(&mut self, step: &Self) {
        self.members += step.members;
        self.removed += step.removed;
        self.finished = step.finished;
    }
}

impl Sweep {
    /// Goes on for about `budget` members or ten times as many keys of the keyspace, whichever comes first. Two round trips per
    /// 1,000 members.
    ///
    /// The script that stores a key tags it too, so a member taken here while its key is being written comes back.
    ///
    /// # Errors
    /// Those of the connection; the sweep can go on from where it stood.
    pub async fn step<R: Redis>(&mut self, redis: &R, budget: u64) -> Result<Swept, RedisError> {
        let (mut swept, mut visited) = (Swept::default(), 0);
        while swept.members < budget && visited < 10 * budget {
            match self.sets.first().cloned() {
                Some(set) => self.members(redis, &set, &mut swept).await?,
                None if self.at_end => {
                    (self.at_end, swept.finished) = (false, true);
                    break;
                }
                None => {
                    visited += SLICE as u64;
                    self.at_end = self.find(redis).await?;
                }
            }
        }
        Ok(swept)
    }

    /// Looks for tags' sets; whether that was the end of the keyspace.
    async fn find<R: Redis>(&mut self, redis: &R) -> Result<bool, RedisError> {
        let cursor = if self.scan.is_empty() { "0" } else { &self.scan };
        let scan = Command::read("SCAN").arg(cursor).arg("MATCH").arg("cache:tags*").arg("COUNT").arg(SLICE);
        let mut replies = Replies::new(redis.execute(scan.arg("TYPE").arg("set")).await?);
        let next = replies.text()?;
        let found = replies.rest()?.into_iter().filter_map(|name| String::from_utf8(name).ok());
        self.sets.extend(found.filter(|name| name.starts_with("cache:tags:") || Tag::of_aside(name).is_some()));
        let end = next == "0";
        self.scan = if end { String::new() } else { next };
        Ok(end)
    }

    /// Removes what an invalidation that was interrupted has set aside: nobody may ask for that tag again.
    async fn finish<R: Redis>(&mut self, redis: &R, tag: &Tag, swept: &mut Swept) -> Result<(), RedisError> {
        let (_, removed, left) = delete_slice(redis, tag, b"0".to_vec()).await?;
        // Whether their keys were there or not.
        swept.members += SLICE as u64;
        swept.removed += removed;
        if left == 0 {
            self.sets.remove(0);
        }
        Ok(())
    }

    async fn members<R: Redis>(&mut self, redis: &R, set: &str, swept: &mut Swept) -> Result<(), RedisError> {
        if let Some(tag) = Tag::of_aside(set) {
            return self.finish(redis, &tag, swept).await;
        }
        let cursor = if self.member.is_empty() { "0" } else { &self.member };
        let (next, members) = match scan_members(redis, set, cursor.as_bytes()).await {
            // It was a set when it was found.
            Err(error) if error.kind == ErrorKind::WrongType => (b"0".to_vec(), Vec::new()),
            scanned => scanned?,
        };
        swept.members += members.len() as u64;
        for members in members.chunks(SLICE) {
            let names = members.iter().map(|member| member.as_slice().into());
            swept.removed += TAG_SWEEP.run(redis, [set.into()], names).await?.count()?;
        }
        if next == b"0" {
            self.sets.remove(0);
            self.member.clear();
        } else {
            self.member = String::from_utf8_lossy(&next).into_owned();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_short_printable_text() {
        assert_eq!(Tag::parse("tags[0]", "user-data").unwrap().key(), "cache:tags:user-data");
        for bad in [String::new(), "x".repeat(257), "a\nb".into()] {
            assert!(Tag::parse("tags[0]", bad).unwrap_err().to_string().starts_with("`tags[0]`"));
        }
    }
}
