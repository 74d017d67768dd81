//! Metrics in the text format of Prometheus, from counters alone: a scrape never walks over keys.
//!
//! What means the same as in redis_exporter has its name (`redis_...`); the rest is `edge_cache_...`.

mod text;

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join;

use crate::error::RedisError;
use crate::info::Info;
use crate::key::{COUNTERS, EVENTS, LOOKUPS, WARMUP_STATUS};
use crate::redis::{Command, Redis, Replies, Reply};
use crate::warmup::Status;
use text::{Kind, Text};

/// Metrics that `INFO` holds as they are: name, field, kind, help.
const FROM_INFO: [(&str, &str, Kind, &str); 12] = [
    ("redis_uptime_in_seconds", "uptime_in_seconds", Kind::Gauge, "Seconds since the server started."),
    ("redis_connected_clients", "connected_clients", Kind::Gauge, "Connections of clients."),
    ("redis_blocked_clients", "blocked_clients", Kind::Gauge, "Clients that wait in a blocking command."),
    ("redis_memory_used_bytes", "used_memory", Kind::Gauge, "Memory used."),
    ("redis_memory_max_bytes", "maxmemory", Kind::Gauge, "The limit on memory; 0 where there is none."),
    (
        "redis_mem_fragmentation_ratio",
        "mem_fragmentation_ratio",
        Kind::Gauge,
        "Memory held in relation to memory used.",
    ),
    ("redis_commands_processed_total", "total_commands_processed", Kind::Counter, "Commands processed."),
    ("redis_connections_received_total", "total_connections_received", Kind::Counter, "Connections accepted."),
    ("redis_keyspace_hits_total", "keyspace_hits", Kind::Counter, "Look-ups that found their key."),
    ("redis_keyspace_misses_total", "keyspace_misses", Kind::Counter, "Look-ups that did not."),
    ("redis_evicted_keys_total", "evicted_keys", Kind::Counter, "Keys removed because memory was full."),
    ("redis_expired_keys_total", "expired_keys", Kind::Counter, "Keys removed because their time was over."),
];

/// Reads everything and renders it: five commands, overlapping; one of them to the audit trail's database, where changes are
/// counted. Never fails: a Redis that does not answer `INFO` is `redis_up 0`, and counters that cannot be read are left out, which
/// `edge_cache_scrape_errors` tells.
pub async fn run<R: Redis, A: Redis>(redis: &R, audit: &A) -> String {
    let mut text = Text::default();
    let reading = read(redis, audit).await;
    text.family("redis_up", Kind::Gauge, "Whether Redis answers.");
    text.sample(&[], if reading.info.is_some() { 1.0 } else { 0.0 });
    text.family(
        "edge_cache_scrape_errors",
        Kind::Gauge,
        "Commands of this scrape that failed; what they read is left out.",
    );
    text.sample(&[], f64::from(reading.errors));
    reading.server(&mut text);
    reading.cache(&mut text);
    reading.administration(&mut text);
    text.finish()
}

/// What could be read.
#[derive(Default)]
struct Reading {
    info: Option<(Info, Duration)>,
    lookups: Option<Fields>,
    counters: Option<Fields>,
    events: Option<Fields>,
    warmup: Option<Status>,
    errors: u32,
}

/// The counters of a hash, by name.
type Fields = BTreeMap<String, u64>;

async fn read<R: Redis, A: Redis>(redis: &R, audit: &A) -> Reading {
    let info = async {
        let (reply, took) = redis.measured(Command::read("INFO")).await?;
        Replies::new(reply).text().map(|info| (Info::new(info), took))
    };
    let warmup = async {
        let reply = redis.execute(Command::read("GET").arg(WARMUP_STATUS)).await?;
        let json = Replies::new(reply).optional_bytes()?;
        Ok(json.and_then(|json| serde_json::from_slice(&json).ok()))
    };
    let ((info, warmup), (lookups, (counters, events))) =
        join(join(info, warmup), join(hash(redis, LOOKUPS), join(hash(audit, COUNTERS), hash(redis, EVENTS)))).await;
    let mut reading = Reading::default();
    reading.info = reading.of(info);
    reading.warmup = reading.of(warmup).flatten();
    reading.lookups = reading.of(lookups);
    reading.counters = reading.of(counters);
    reading.events = reading.of(events);
    reading
}

async fn hash<R: Redis>(redis: &R, name: &str) -> Result<Fields, RedisError> {
    fields(redis.execute(Command::read("HGETALL").arg(name)).await?)
}

fn fields(reply: Vec<Reply>) -> Result<Fields, RedisError> {
    let parts = Replies::new(reply).rest()?;
    let pair = |pair: &[Vec<u8>]| {
        let text = |part: Option<&Vec<u8>>| String::from_utf8(part?.clone()).ok();
        Some((text(pair.first())?, text(pair.get(1))?.parse().ok()?))
    };
    Ok(parts.chunks(2).filter_map(pair).collect())
}

impl Reading {
    /// What one command read; a failure is counted.
    fn of<T>(&mut self, read: Result<T, RedisError>) -> Option<T> {
        self.errors += u32::from(read.is_err());
        read.ok()
    }

    fn server(&self, text: &mut Text) {
        let Some((info, took)) = &self.info else { return };
        let version = info.text("valkey_version").or(info.text("redis_version")).unwrap_or_default();
        text.family("redis_instance_info", Kind::Gauge, "The server, in labels.");
        let role = info.text("role").unwrap_or_default();
        text.sample(&[("redis_version", version), ("role", role)], 1.0);
        for (name, field, kind, help) in FROM_INFO {
            if let Some(value) = info.decimal(field) {
                text.family(name, kind, help);
                text.sample(&[], value);
            }
        }
        text.family("redis_db_keys", Kind::Gauge, "Keys of each logical database.");
        for db in 0..64 {
            let name = format!("db{db}");
            let keys = info.text(&name).and_then(|facts| facts.strip_prefix("keys=")?.split(',').next()?.parse().ok());
            if let Some(keys) = keys {
                text.sample(&[("db", &name)], keys);
            }
        }
        text.family("edge_cache_redis_latency_seconds", Kind::Gauge, "How long Redis took to answer this scrape.");
        text.sample(&[], took.as_secs_f64());
    }

    /// Services' look-ups, by module: the first segment of the key. Beyond 100 modules the rest is `overflow`.
    fn cache(&self, text: &mut Text) {
        let Some(lookups) = &self.lookups else { return };
        let of = |what: &'static str| {
            let ours = move |(field, value): (&'_ String, &'_ u64)| {
                let (module, kind) = field.rsplit_once(':')?;
                (kind == what).then(|| (module.to_owned(), *value))
            };
            lookups.iter().filter_map(ours)
        };
        text.family("edge_cache_lookups_total", Kind::Counter, "Look-ups by module and by how they ended.");
        for outcome in ["hit", "stale", "miss", "bypass"] {
            for (module, count) in of(outcome) {
                text.sample(&[("module", &module), ("outcome", outcome)], count as f64);
            }
        }
        let families = [
            ("edge_cache_loads_total", "loads", 1.0, "Loads of values that were not in the cache, by module."),
            ("edge_cache_load_errors_total", "load_errors", 1.0, "Loads that failed, by module."),
            ("edge_cache_load_seconds_total", "load_us", 1e-6, "Time spent loading, by module."),
        ];
        for (name, field, unit, help) in families {
            text.family(name, Kind::Counter, help);
            for (module, count) in of(field) {
                text.sample(&[("module", &module)], count as f64 * unit);
            }
        }
        text.family(
            "edge_cache_circuit_opened_total",
            Kind::Counter,
            "How often an instance stopped asking a Redis that was away.",
        );
        text.sample(&[], of("circuit_opened").map(|(_, count)| count).sum::<u64>() as f64);
    }

    fn administration(&self, text: &mut Text) {
        if let Some(counters) = &self.counters {
            removals(counters, text);
            changes(counters, text);
        }
        if let Some(events) = &self.events {
            text.family("edge_cache_events_total", Kind::Counter, "Domain events by what became of them.");
            for (outcome, count) in events {
                text.sample(&[("outcome", outcome)], *count as f64);
            }
        }
        let Some(warmup) = &self.warmup else { return };
        text.family("edge_cache_warmup_keys", Kind::Gauge, "Keys of the running or last warmup.");
        text.sample(&[("result", "created")], warmup.keys_created as f64);
        text.sample(&[("result", "skipped")], warmup.keys_skipped as f64);
        text.family("edge_cache_warmup_errors", Kind::Gauge, "Errors of the running or last warmup.");
        text.sample(&[], warmup.errors as f64);
        text.family(
            "edge_cache_warmup_duration_seconds",
            Kind::Gauge,
            "How long the running or last warmup has taken.",
        );
        text.sample(&[], warmup.duration_ms as f64 / 1e3);
    }
}

fn removals(counters: &Fields, text: &mut Text) {
    let families = [
        (
            "edge_cache_invalidations_total",
            "invalidations",
            "kind",
            "Invalidations that named keys, tags or patterns, by which of them.",
        ),
        ("edge_cache_clears_total", "clears", "kind", "Clears by pattern, and global ones."),
        ("edge_cache_keys_removed_total", "removed", "by", "Keys removed, by what removed them."),
    ];
    for (name, what, label, help) in families {
        text.family(name, Kind::Counter, help);
        for (field, count) in counters {
            if let Some((_, kind)) = field.split_once(':').filter(|(known, _)| *known == what) {
                text.sample(&[(label, kind)], *count as f64);
            }
        }
    }
}

/// Changes are counted as `changes:action/outcome`.
fn changes(counters: &Fields, text: &mut Text) {
    let changes = || {
        let parts = |field: &'_ String| {
            let (action, outcome) = field.strip_prefix("changes:")?.split_once('/')?;
            Some((action.to_owned(), outcome.to_owned()))
        };
        counters.iter().filter_map(move |(field, count)| Some((parts(field)?, *count as f64)))
    };
    text.family("edge_cache_changes_total", Kind::Counter, "What the audit trail has, by action and outcome.");
    for ((action, outcome), count) in changes() {
        text.sample(&[("action", &action), ("outcome", &outcome)], count);
    }
    text.family("edge_cache_warmups_total", Kind::Counter, "Warmups by how they ended.");
    for ((_, outcome), count) in changes().filter(|((action, _), _)| action == "warmup") {
        text.sample(&[("outcome", &outcome)], count);
    }
}
