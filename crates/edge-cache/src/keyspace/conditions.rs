//! Conditions on keys besides their names: type, size, TTL, idle time.
//!
//! Walks test them at the node that lists the keys. Keys that a node lists but cannot read, because
//! their slot is moving or its scripts may use only declared keys, are tested slot by slot. No test
//! counts as a use of a key.

use serde::{Deserialize, Serialize};

use crate::error::RedisError;
use crate::keyspace::MAX_KEYS_PER_CALL;
use crate::keyspace::key::KeyName;
use crate::redis::script::{Script, shared};
use crate::redis::{Arg, Redis, concurrently};
use crate::script;

/// Tests which keys meet conditions.
static MEET: Script = script!(repeatable "keys/meet", [shared::OWN_READS, shared::CONDITIONS]);

/// In a script's error, the beginning of the name of the condition whose test the server refuses.
const REFUSED: &str = "refused condition ";

/// Conditions that a key must meet, all of them. The default has none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Conditions {
    /// The type; empty for any.
    pub kind: String,
    /// The least bytes of memory, as `MEMORY USAGE` reports them.
    pub min_size_bytes: Option<u64>,
    /// The most seconds left. Keys without an expiry do not meet it.
    pub max_ttl_seconds: Option<u64>,
    /// True for keys without an expiry only.
    pub without_ttl: bool,
    /// The least seconds since the last use, as `OBJECT IDLETIME` reports them.
    pub idle_seconds: Option<u64>,
}

/// A condition that the server cannot test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedCondition {
    /// Its name in requests: `idleSeconds` or `minSizeBytes`.
    pub name: &'static str,
    /// The server's error.
    pub reason: String,
}

impl Conditions {
    /// Returns whether every key meets them.
    pub fn are_none(&self) -> bool {
        *self == Self::default()
    }

    /// Returns whether `SCAN` alone cannot test them.
    pub fn need_reading(&self) -> bool {
        let rest = Self {
            kind: String::new(),
            ..self.clone()
        };
        !rest.are_none()
    }

    /// The arguments of `conditions_of` in `scripts/lib/conditions.lua` behind the type.
    pub fn script_args(&self) -> [Arg; 4] {
        let number = |number: Option<u64>| number.map_or_else(|| "".into(), Arg::from);
        let without_ttl = if self.without_ttl { "1" } else { "" };
        let max_left = self
            .max_ttl_seconds
            .map(|seconds| seconds.saturating_mul(1000));
        [
            number(self.min_size_bytes),
            number(max_left),
            without_ttl.into(),
            number(self.idle_seconds),
        ]
    }
}

impl RefusedCondition {
    /// The condition whose test the server refuses, if that is what an error says.
    pub fn find(error: &RedisError) -> Option<Self> {
        let (_, rest) = error.message.split_once(REFUSED)?;
        let (name, reason) = rest.split_once(": ")?;
        let name = ["idleSeconds", "minSizeBytes"]
            .into_iter()
            .find(|known| *known == name)?;
        Some(Self {
            name,
            reason: reason.trim_end().to_owned(),
        })
    }
}

/// Returns the names of keys that exist and meet conditions. One round trip per 1,000, on a Cluster
/// one for each slot, of which 64 overlap.
///
/// # Errors
/// Those of the connection; [`RefusedCondition::find`] recognises a condition that the server
/// cannot test.
pub async fn meet<R: Redis>(
    redis: &R,
    names: Vec<KeyName>,
    conditions: &Conditions,
) -> Result<Vec<KeyName>, RedisError> {
    let topology = redis.topology().await?;
    let mut met = Vec::new();
    for slice in names.chunks(MAX_KEYS_PER_CALL) {
        let groups = topology.group(slice, |name| name.as_bytes());
        let testing = groups.into_iter().map(|group| async move {
            let keys = group.iter().map(|(_, name)| name.as_bytes().into());
            let kind: Arg = conditions.kind.as_str().into();
            let args = [kind].into_iter().chain(conditions.script_args());
            let mut replies = MEET.run(redis, keys, args).await?;

            let mut met = Vec::new();
            for (_, name) in group {
                if replies.count()? > 0 {
                    met.push(name.clone());
                }
            }
            Ok(met)
        });
        let groups: Vec<Vec<KeyName>> = concurrently(testing.collect()).await?;
        met.extend(groups.into_iter().flatten());
    }
    Ok(met)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn a_refused_condition_is_found_in_the_errors_of_all_servers() {
        for text in [
            "ERR Error running script (call to f_1b5): @user_script:9: user_script:9: refused condition idleSeconds: ERR An LFU maxmemory policy is selected",
            "ERR user_script:9: refused condition idleSeconds: ERR An LFU maxmemory policy is selected script: 1b5, on @user_script:9.",
        ] {
            let error = RedisError::new(ErrorKind::Server, text);

            let refused = RefusedCondition::find(&error).unwrap();

            assert_eq!(refused.name, "idleSeconds");
            assert!(refused.reason.starts_with("ERR An LFU"), "{refused:?}");
        }

        let other = RedisError::new(ErrorKind::Server, "ERR unknown command");
        assert_eq!(RefusedCondition::find(&other), None);
    }

    #[test]
    fn only_the_type_needs_no_reading() {
        let kind = Conditions {
            kind: "hash".to_owned(),
            ..Conditions::default()
        };
        let idle = Conditions {
            idle_seconds: Some(1),
            ..kind.clone()
        };

        assert!(Conditions::default().are_none());
        assert!(!kind.are_none() && !kind.need_reading());
        assert!(idle.need_reading());
    }
}
