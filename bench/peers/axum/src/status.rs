//! The status of Redis: PING, INFO and DBSIZE, sent together.

use std::time::Instant;

use axum::http::StatusCode;
use redis::aio::ConnectionManager;
use redis::{RedisResult, cmd};
use serde_json::{Value, json};

use crate::answer;

const LATENCY_ALERT_MS: u64 = 100;
const MEMORY_ALERT_PERCENT: f64 = 90.0;
const HIT_RATE_ALERT: f64 = 0.7;

/// The text of INFO.
struct Info(String);

impl Info {
    fn text(&self, name: &str) -> &str {
        let line = self
            .0
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.unwrap_or_default().trim_end()
    }

    fn number(&self, name: &str) -> u64 {
        self.text(name).parse().unwrap_or(0)
    }

    fn usage_percent(&self) -> Option<f64> {
        let limit = self.number("maxmemory");
        (limit > 0)
            .then(|| (self.number("used_memory") as f64 * 1000.0 / limit as f64).round() / 10.0)
    }
}

async fn read(redis: &ConnectionManager, section: &str) -> RedisResult<(u64, Info)> {
    let (mut one, mut other) = (redis.clone(), redis.clone());
    let started = Instant::now();
    let ping = async {
        cmd("PING").query_async::<()>(&mut one).await?;
        RedisResult::Ok(started.elapsed().as_millis() as u64)
    };
    let mut info = cmd("INFO");
    let (latency, info) = tokio::join!(ping, info.arg(section).query_async::<String>(&mut other));
    Ok((latency?, Info(info?)))
}

pub(crate) async fn health(redis: &ConnectionManager) -> (StatusCode, Value) {
    let (latency, info) = match read(redis, "memory").await {
        Ok(read) => read,
        Err(error) => {
            let state = json!({ "connected": false, "error": error.to_string() });
            let body =
                json!({ "status": "unhealthy", "redis": state, "timestamp": answer::timestamp() });
            return (StatusCode::SERVICE_UNAVAILABLE, body);
        }
    };

    let usage = info.usage_percent();
    let mut reasons = Vec::new();
    if latency > LATENCY_ALERT_MS {
        reasons.push(format!("PING took {latency} ms"));
    }

    if let Some(usage) = usage.filter(|usage| *usage > MEMORY_ALERT_PERCENT) {
        reasons.push(format!("memory is at {usage} % of its limit"));
    }

    let limit = info.number("maxmemory");
    let state = json!({
        "connected": true, "latency": format!("{latency}ms"), "latencyMs": latency,
        "memoryUsage": answer::bytes(info.number("used_memory")), "memoryUsageBytes": info.number("used_memory"),
        "maxMemory": (limit > 0).then(|| answer::bytes(limit)), "maxMemoryBytes": limit, "usagePercent": usage,
        "reasons": reasons,
    });

    let status = if reasons.is_empty() {
        "healthy"
    } else {
        "degraded"
    };

    (
        StatusCode::OK,
        json!({ "status": status, "redis": state, "timestamp": answer::timestamp() }),
    )
}

pub(crate) async fn stats(redis: &ConnectionManager) -> RedisResult<Value> {
    let mut other = redis.clone();
    let dbsize = cmd("DBSIZE");
    let (read, keys) = tokio::join!(
        read(redis, "default"),
        dbsize.query_async::<u64>(&mut other)
    );
    let ((latency, info), keys) = (read?, keys?);
    let (hits, misses) = (info.number("keyspace_hits"), info.number("keyspace_misses"));
    let ratio = (hits + misses > 0).then(|| hits as f64 / (hits + misses) as f64);
    let (usage, limit) = (info.usage_percent(), info.number("maxmemory"));
    let mut alerts = Vec::new();
    let mut check = |kind: &str, value: f64, threshold: f64, bad: bool| {
        if bad {
            alerts.push(json!({ "kind": kind, "value": value, "threshold": threshold }));
        }
    };

    let ratio_or_one = ratio.filter(|_| hits + misses >= 1000).unwrap_or(1.0);
    check(
        "hit_rate",
        ratio_or_one,
        HIT_RATE_ALERT,
        ratio_or_one < HIT_RATE_ALERT,
    );

    check(
        "memory",
        usage.unwrap_or(0.0),
        MEMORY_ALERT_PERCENT,
        usage.unwrap_or(0.0) > MEMORY_ALERT_PERCENT,
    );

    check(
        "latency",
        latency as f64,
        LATENCY_ALERT_MS as f64,
        latency > LATENCY_ALERT_MS,
    );

    Ok(json!({
        "memory": answer::bytes(info.number("used_memory")), "memoryBytes": info.number("used_memory"), "keyCount": keys,
        "hitRate": format!("{:.1}%", ratio.unwrap_or(0.0) * 100.0), "hitRatio": ratio,
        "uptime": answer::uptime(info.number("uptime_in_seconds")), "uptimeSeconds": info.number("uptime_in_seconds"),
        "connected": true, "version": info.text("redis_version"), "hits": hits, "misses": misses,
        "evictedKeys": info.number("evicted_keys"), "evictionsPerMinute": null, "expiredKeys": info.number("expired_keys"),
        "connectedClients": info.number("connected_clients"), "opsPerSec": info.number("instantaneous_ops_per_sec"),
        "maxMemory": (limit > 0).then(|| answer::bytes(limit)), "maxMemoryBytes": limit, "usagePercent": usage,
        "fragmentationRatio": info.text("mem_fragmentation_ratio").parse::<f64>().ok(),
        "latency": format!("{latency}ms"), "latencyMs": latency, "alerts": alerts,
    }))
}
