//! The write probe, which finds problems that only a write shows.

use edge_cache::redis::Redis;
use edge_cache::redis::script::Script;
use edge_cache::script;
use edge_cache::{ErrorKind, RedisError};

use super::finding::{Finding, FindingKind};

/// Tries the commands that every change needs, without an effect.
static PROBE: Script = script!(repeatable "health/probe", []);

/// Tries to write, without an effect. `key` is a name under which nothing is stored; on a Cluster's node
/// it is in one of the node's slots. Returns the problems found. One round trip.
pub(super) async fn run<R: Redis>(redis: &R, key: &str) -> Vec<Finding> {
    match refused_commands(redis, key).await {
        Ok(refused) => refused
            .iter()
            .filter_map(|(command, error)| judge_refusal(command, error))
            .collect(),
        Err(error) => vec![judge_failure(&error)],
    }
}

async fn refused_commands<R: Redis>(
    redis: &R,
    key: &str,
) -> Result<Vec<(String, RedisError)>, RedisError> {
    let mut replies = PROBE.run(redis, [key.into()], []).await?;
    let mut refused = Vec::new();
    while replies.remaining() > 0 {
        let command = replies.text()?;
        let error = RedisError::from_script_text(&replies.text()?);
        refused.push((command, error));
    }
    Ok(refused)
}

/// The problem if the probe itself fails.
fn judge_failure(error: &RedisError) -> Finding {
    let words = &error.message;
    let (kind, reason) = match error.kind {
        ErrorKind::Timeout => (
            FindingKind::WritesPaused,
            "Redis answers, but accepts no writes within the time limit: they are paused (CLIENT PAUSE), or \
             something blocks them"
                .to_owned(),
        ),
        ErrorKind::Permission => (
            FindingKind::ScriptsRefused,
            format!("the Redis user may not run scripts, which every change needs: {words}"),
        ),
        ErrorKind::Cluster => (
            FindingKind::SlotsNotServed,
            format!("the Cluster does not serve all slots: {words}"),
        ),
        _ => (
            FindingKind::ScriptsRefused,
            format!("Redis cannot run scripts, which every change needs: {words}"),
        ),
    };
    Finding::unhealthy(kind, error.kind, reason)
}

/// The problem if one of the probe's commands is refused.
fn judge_refusal(command: &str, error: &RedisError) -> Option<Finding> {
    let words = &error.message;
    let degraded = |kind, reason: &str| Finding::degraded(kind, error.kind, reason);
    let unhealthy = |kind, reason: &str| Finding::unhealthy(kind, error.kind, reason);
    let finding = match error.kind {
        // Another client uses the name of the probe's key. The write was allowed.
        ErrorKind::WrongType => return None,
        // Lookups, removals and clears work, and free memory: Redis stays ready.
        ErrorKind::OutOfMemory => degraded(
            FindingKind::MemoryFull,
            "memory is full and Redis may not evict: no new value is stored; clear what is old, raise maxmemory, or set \
             maxmemory-policy",
        ),
        ErrorKind::Permission if command == "SCAN" => degraded(
            FindingKind::NoRightToScan,
            "the Redis user may not run SCAN: keys cannot be listed or cleared by pattern",
        ),
        ErrorKind::Permission => unhealthy(
            FindingKind::NoRightToWrite,
            &format!(
                "the Redis user may not write ({command}): grant it the rights that SECURITY.md lists"
            ),
        ),
        ErrorKind::NotEnoughReplicas => unhealthy(
            FindingKind::TooFewReplicas,
            "Redis refuses writes because too few replicas follow it: see min-replicas-to-write",
        ),
        ErrorKind::ReadOnly => unhealthy(
            FindingKind::Replica,
            "this Redis is a read-only replica: writes are refused",
        ),
        ErrorKind::PersistenceFailed => unhealthy(
            FindingKind::CannotSave,
            &format!("Redis refuses writes because it cannot save to disk: {words}"),
        ),
        _ => unhealthy(
            FindingKind::WritesRefused,
            &format!("Redis refuses {command}: {words}"),
        ),
    };

    Some(finding)
}
