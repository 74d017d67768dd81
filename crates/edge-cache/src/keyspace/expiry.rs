//! Expiry of a key: the time left, how much of it the value is fresh, and changing it.

use std::time::Duration;

use crate::error::RedisError;
use crate::keyspace::entry_facts;
use crate::keyspace::key::KeyName;
use crate::keyspace::tag::{self, Tag};
use crate::keyspace::ttl::MAX_TTL;
use crate::redis::{Command, Redis, Replies, ServerClock};
use crate::units::milliseconds;

/// PTTL in a script's reply when it exceeds 2^53 ms, beyond which Lua is not exact.
const PTTL_BEYOND_LUA: i64 = -3;
/// The largest whole number that every JSON reader represents exactly.
const MAX_SAFE_INTEGER: i64 = (1 << 53) - 1;

/// Time left to a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemainingLife {
    /// Seconds, -1 for a key that does not expire.
    pub ttl: i64,
    /// The same as text where it exceeds 2^53, which some JSON readers round.
    pub ttl_text: Option<String>,
    /// Seconds for which the value is fresh; `None`: for ever.
    pub fresh_for: Option<i64>,
    /// True when the value is past its TTL and served only within its grace.
    pub stale: bool,
}

impl RemainingLife {
    /// Computes it from the key's PTTL (negative: no expiry) and the grace in its trailer, both in
    /// milliseconds.
    pub fn new(left: i64, grace: u64) -> Self {
        let grace = i64::try_from(grace).unwrap_or(i64::MAX);
        let ttl = seconds(left);
        Self {
            ttl,
            ttl_text: (ttl > MAX_SAFE_INTEGER).then(|| ttl.to_string()),
            fresh_for: (left >= 0).then(|| seconds(left.saturating_sub(grace).max(0))),
            stale: grace > 0 && (0..=grace).contains(&left),
        }
    }
}

/// Returns a key's exact PTTL, given the one in a script's reply. One round trip where the script
/// could not represent it, otherwise none.
///
/// # Errors
/// Those of the connection.
pub async fn exact_pttl<R: Redis>(
    redis: &R,
    key: &KeyName,
    from_script: i64,
) -> Result<i64, RedisError> {
    if from_script != PTTL_BEYOND_LUA {
        return Ok(from_script);
    }

    let reply = redis.execute(Command::read("PTTL").arg(key.as_bytes()));
    Replies::new(reply.await?).int()
}

/// Converts milliseconds to seconds as `TTL` rounds them; negative codes stay unchanged.
pub fn seconds(milliseconds: i64) -> i64 {
    if milliseconds < 0 {
        milliseconds
    } else {
        milliseconds / 1000 + i64::from(milliseconds % 1000 >= 500)
    }
}

/// How long a key lives from now on.
#[derive(Debug, Clone, Copy)]
pub struct NewLife {
    /// How long its value is fresh.
    pub ttl: Duration,
    /// How long after that it may be served.
    pub grace: Duration,
}

impl NewLife {
    /// Fresh until it expires.
    pub fn without_grace(ttl: Duration) -> Self {
        Self {
            ttl,
            grace: Duration::ZERO,
        }
    }
}

/// Changes how long a key lives (`None`: for ever); the seconds left, `None` when the key does not
/// exist. An entry that a soft purge has marked stays stale. Its tags' sets live at least as long. Two round trips, and one for an entry with tags.
///
/// # Errors
/// Those of the connection.
pub async fn set<R: Redis>(
    redis: &R,
    clock: &ServerClock,
    key: &KeyName,
    life: Option<NewLife>,
) -> Result<Option<i64>, RedisError> {
    let grace = life.map_or(0, |life| milliseconds(life.grace));
    let ttl = life.map(|life| milliseconds(life.ttl).max(1));
    let expiry = ttl.map_or_else(String::new, |ttl| ttl.saturating_add(grace).to_string());
    let changed = entry_facts::change(redis, key, &expiry, Some(clock), |facts| {
        let age = clock.now().saturating_sub(facts.stored_at);
        if facts.marked_stale.is_some() {
            let stale_for = age.saturating_sub(facts.fresh_for.unwrap_or(age));
            let life = ttl.unwrap_or(milliseconds(MAX_TTL));
            facts.grace = life.saturating_add(grace).saturating_add(stale_for);
            return;
        }
        facts.fresh_for = ttl.map(|ttl| ttl.saturating_add(age));
        facts.grace = grace;
    });
    let Some(changed) = changed.await? else {
        return Ok(None);
    };

    if let Some(facts) = changed.facts {
        tag::set::touch(redis, key.as_bytes(), &Tag::of_trailer(&facts.tags)).await?;
    }
    Ok(Some(seconds(changed.pttl)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remaining_time_is_rounded_as_redis_does() {
        assert_eq!(
            [seconds(-1), seconds(-2), seconds(499), seconds(1500)],
            [-1, -2, 0, 2]
        );
        assert_eq!(seconds(i64::MAX), 9_223_372_036_854_776);
    }

    #[test]
    fn a_value_is_stale_within_its_grace() {
        let life = |left, grace| {
            let life = RemainingLife::new(left, grace);
            (life.ttl, life.fresh_for, life.stale)
        };
        assert_eq!(life(90_000, 60_000), (90, Some(30), false));
        assert_eq!(life(60_000, 60_000), (60, Some(0), true));
        assert_eq!(life(90_000, 0), (90, Some(90), false));
        assert_eq!(life(-1, 60_000), (-1, None, false));
    }

    #[test]
    fn a_time_that_json_readers_round_is_text_too() {
        assert_eq!(
            RemainingLife::new(i64::MAX, 0).ttl_text.as_deref(),
            Some("9223372036854776")
        );
        assert_eq!(RemainingLife::new(MAX_SAFE_INTEGER, 0).ttl_text, None);
    }
}
