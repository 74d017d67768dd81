//! Lists and removes keys: with SCAN, never KEYS, and one pipeline for the details of a page.

use redis::aio::ConnectionManager;
use redis::{RedisResult, cmd, pipe};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer;

const SLICE: usize = 1000;

/// `GET /keys`.
#[derive(Deserialize)]
pub(crate) struct Page {
    pattern: Option<String>,
    limit: Option<usize>,
    cursor: Option<u64>,
}

/// `GET /scan`.
#[derive(Deserialize)]
pub(crate) struct Scan {
    pub(crate) pattern: Option<String>,
}

async fn slice(
    redis: &mut ConnectionManager,
    cursor: u64,
    pattern: Option<&str>,
    count: usize,
) -> RedisResult<(u64, Vec<String>)> {
    let mut scan = cmd("SCAN");
    scan.arg(cursor);
    if let Some(pattern) = pattern {
        scan.arg("MATCH").arg(pattern);
    }
    scan.arg("COUNT").arg(count).query_async(redis).await
}

/// Reads a page of keys with type, TTL and size: SCAN until there are enough, then one pipeline.
pub(crate) async fn list(redis: &ConnectionManager, page: &Page) -> RedisResult<Value> {
    let (mut redis, limit) = (redis.clone(), page.limit.unwrap_or(100).clamp(1, 100));
    let pattern = page.pattern.as_deref().filter(|pattern| *pattern != "*");
    let (mut cursor, mut names) = (page.cursor.unwrap_or(0), Vec::new());

    loop {
        let (next, found) = slice(&mut redis, cursor, pattern, limit).await?;
        names.extend(found);
        cursor = next;
        if cursor == 0 || names.len() >= limit {
            break;
        }
    }

    names.sort_unstable();
    names.dedup();

    let mut pipeline = pipe();
    for name in &names {
        pipeline
            .cmd("TYPE")
            .arg(name)
            .cmd("TTL")
            .arg(name)
            .cmd("MEMORY")
            .arg("USAGE")
            .arg(name);
    }

    let replies: Vec<redis::Value> = pipeline.cmd("DBSIZE").query_async(&mut redis).await?;
    let (rows, total) = replies.split_at(3 * names.len());
    let rows: Vec<Value> = names
        .iter()
        .zip(rows.chunks_exact(3))
        .map(|(name, facts)| row(name, facts))
        .collect();
    let total = if pattern.is_none() {
        total
            .first()
            .and_then(|total| redis::from_redis_value(total).ok())
    } else {
        None
    };

    let total: Option<u64> = total;
    let next = (cursor != 0).then(|| cursor.to_string());
    let pagination = json!({ "total": total, "returned": rows.len(), "hasMore": next.is_some(), "nextCursor": next });
    Ok(json!({ "keys": rows, "pagination": pagination }))
}

fn row(name: &str, facts: &[redis::Value]) -> Value {
    let kind: Option<String> = facts
        .first()
        .and_then(|fact| redis::from_redis_value(fact).ok());
    let ttl: Option<i64> = facts
        .get(1)
        .and_then(|fact| redis::from_redis_value(fact).ok());
    let size: Option<u64> = facts
        .get(2)
        .and_then(|fact| redis::from_redis_value(fact).ok());
    json!({ "key": name, "path": name, "type": kind, "ttl": ttl, "size": size.map(answer::bytes), "sizeBytes": size })
}

/// Removes the matching keys: SCAN with COUNT 1000, and one UNLINK for each slice.
pub(crate) async fn clear(redis: &ConnectionManager, pattern: &str) -> RedisResult<u64> {
    let mut redis = redis.clone();
    let protected = |name: &str| name.starts_with("cache:") || name.starts_with("lock:");
    let guarded = !protected(pattern);
    let (mut cursor, mut removed) = (0, 0);

    loop {
        let (next, mut names) = slice(&mut redis, cursor, Some(pattern), SLICE).await?;
        names.retain(|name| !guarded || !protected(name));
        if !names.is_empty() {
            removed += cmd("UNLINK")
                .arg(names)
                .query_async::<u64>(&mut redis)
                .await?;
        }
        if next == 0 {
            return Ok(removed);
        }
        cursor = next;
    }
}

/// Removes the keys of a tag, and its set.
pub(crate) async fn invalidate(redis: &ConnectionManager, tag: &str) -> RedisResult<u64> {
    let (mut redis, set) = (redis.clone(), format!("cache:tags:{tag}"));
    let (mut cursor, mut removed) = (0_u64, 0);
    loop {
        let mut scan = cmd("SSCAN");
        scan.arg(&set).arg(cursor).arg("COUNT").arg(SLICE);
        let (next, names): (u64, Vec<String>) = scan.query_async(&mut redis).await?;
        if !names.is_empty() {
            removed += cmd("UNLINK")
                .arg(names)
                .query_async::<u64>(&mut redis)
                .await?;
        }
        if next == 0 {
            break;
        }
        cursor = next;
    }

    cmd("UNLINK")
        .arg(&set)
        .query_async::<u64>(&mut redis)
        .await?;

    Ok(removed)
}

/// Scans all keys and discards them.
pub(crate) async fn scan_all(
    redis: &ConnectionManager,
    pattern: Option<&str>,
) -> RedisResult<usize> {
    let (mut redis, mut cursor, mut seen) = (redis.clone(), 0, 0);
    loop {
        let (next, names) = slice(&mut redis, cursor, pattern, SLICE).await?;
        seen += names.len();
        if next == 0 {
            return Ok(seen);
        }
        cursor = next;
    }
}
