//! The reading of a server: its answers to `PING` and `INFO`, and figures that follow from them.

use std::time::Duration;

use edge_cache::redis::info::Info;
use edge_cache::redis::{Command, Redis, Replies};
use edge_cache::units::{self, one_decimal};
use edge_cache::{ErrorKind, RedisError};
use futures_util::future::join;

/// The figures of a server, or of a Cluster's nodes together.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) info: Info,
    /// How long `PING` took, or `INFO` while Redis refuses that; of the slowest node.
    pub(crate) latency: Duration,
    /// Percent of `maxmemory` in use; of the fullest node.
    pub(crate) usage_percent: Option<f64>,
    /// Seconds since the server started; since the first of the nodes did.
    pub(crate) longest_uptime: Option<u64>,
}

impl Reading {
    pub(crate) fn new(info: Info, latency: Duration) -> Self {
        Self {
            usage_percent: usage_percent(&info),
            longest_uptime: info.number("uptime_in_seconds"),
            latency,
            info,
        }
    }
}

/// Reads `PING` and `INFO`: two commands that overlap, one round trip. While Redis refuses `PING`
/// (`MISCONF`), the latency is that of `INFO`.
pub(crate) async fn read<R: Redis>(redis: &R) -> Result<Reading, RedisError> {
    let ping = redis.execute_timed(Command::read("PING"));
    let info = redis.execute_timed(Command::read("INFO"));
    let (ping, info) = join(ping, info).await;

    let (info, latency_of_info) = info?;
    let latency = match ping {
        Ok((_, latency)) => latency,
        // The only command besides writes that Redis refuses while it cannot save.
        Err(error) if error.kind == ErrorKind::PersistenceFailed => latency_of_info,
        Err(error) => return Err(error),
    };
    let info = Replies::new(info).text()?;
    Ok(Reading::new(Info::new(info), latency))
}

/// Percent of `maxmemory` in use; `None` if there is no limit or it is not reported.
pub(crate) fn usage_percent(info: &Info) -> Option<f64> {
    let used = info.number("used_memory")?;
    let limit = info.number("maxmemory").filter(|limit| *limit > 0)?;
    Some(one_decimal(used as f64 * 100.0 / limit as f64))
}

/// The keys with a TTL in a logical database that has `keys` keys; `None` where the server does not report
/// them, or the database is not known.
pub(crate) fn keys_with_ttl(info: &Info, database: Option<u16>, keys: Option<u64>) -> Option<u64> {
    let Some(figures) = info.text(&format!("db{}", database?)) else {
        // A database without keys has no line.
        return keys.filter(|keys| *keys == 0);
    };
    let mut figures = figures.split(',');
    figures.find_map(|figure| figure.strip_prefix("expires=")?.parse().ok())
}

/// The share of lookups that found their key, as text and as a ratio.
pub(crate) fn hit_rate(hits: Option<u64>, misses: Option<u64>) -> (Option<String>, Option<f64>) {
    let (Some(hits), Some(misses)) = (hits, misses) else {
        return (None, None);
    };
    let lookups = hits.saturating_add(misses);
    if lookups == 0 {
        return (Some(units::percent(0.0)), None);
    }
    let ratio = hits as f64 / lookups as f64;
    let rounded = (ratio * 10_000.0).round() / 10_000.0;
    (Some(units::percent(ratio)), Some(rounded))
}

/// `7.0.12`, or `valkey 8.1.0`: Valkey's `redis_version` is only one it is compatible with.
pub(crate) fn version(info: &Info) -> Option<String> {
    let valkey = info.text("valkey_version");
    let valkey = valkey.map(|version| format!("valkey {version}"));
    valkey.or_else(|| info.text("redis_version").map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_with_a_ttl_are_those_of_the_database() {
        let info = Info::new("db0:keys=9,expires=4,avg_ttl=7\r\ndb1:keys=2\r\n");
        let of = |database, keys| keys_with_ttl(&info, database, keys);

        assert_eq!(of(Some(0), Some(9)), Some(4));
        assert_eq!(of(Some(1), Some(2)), None, "not reported");
        assert_eq!(of(Some(2), Some(0)), Some(0));
        assert_eq!(of(Some(2), Some(5)), None, "another database in fact");
        assert_eq!(of(None, Some(9)), None);
    }
}
