//! Metrics in the text format of Prometheus, from counters alone: a scrape never walks over keys.
//!
//! What means the same as in redis_exporter has its name (`redis_...`); the rest is `edge_cache_...`.

mod text;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

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
/// counted. Never fails: a Redis that cannot be asked is `redis_up 0`.
pub async fn run<R: Redis, A: Redis>(redis: &R, audit: &A) -> String {
    let mut text = Text::default();
    let reading = read(redis, audit).await;
    text.family("redis_up", Kind::Gauge, "Whether Redis answers.");
    text.sample(&[], if reading.is_ok() { 1.0 } else { 0.0 });
    if let Ok(reading) = reading {
        reading.server(&mut text);
        reading.cache(&mut text);
        reading.administration(&mut text);
    }
    text.finish()
}

struct Reading {
    info: Info,
    took: Duration,
    lookups: Fields,
    counters: Fields,
    events: Fields,
    warmup: Option<Status>,
}

/// The counters of a hash, by name.
type Fields = BTreeMap<String, u64>;

async fn read<R: Redis, A: Redis>(redis: &R, audit: &A) -> Result<Reading, RedisError> {
    let info = async {
        let sent = Instant::now();
        let reply = redis.execute(Command::read("INFO")).await;
        reply.map(|reply| (reply, sent.elapsed()))
    };
    let hash = |name| Command::read("HGETALL").arg(name);
    let warmup = redis.execute(Command::read("GET").arg(WARMUP_STATUS));
    let ((info, warmup), (lookups, (counters, events))) = join(
        join(info, warmup),
        join(redis.execute(hash(LOOKUPS)), join(audit.execute(hash(COUNTERS)), redis.execute(hash(EVENTS)))),
    )
    .await;
    let (info, took) = info?;
    let warmup = Replies::new(warmup?).optional_bytes()?;
    Ok(Reading {
        info: Info::new(Replies::new(info).text()?),
        took,
        lookups: fields(lookups?)?,
        counters: fields(counters?)?,
        events: fields(events?)?,
        warmup: warmup.and_then(|json| serde_json::from_slice(&json).ok()),
    })
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
    fn server(&self, text: &mut Text) {
        let version = self.info.text("valkey_version").or(self.info.text("redis_version")).unwrap_or_default();
        text.family("redis_instance_info", Kind::Gauge, "The server, in labels.");
        let role = self.info.text("role").unwrap_or_default();
        text.sample(&[("redis_version", version), ("role", role)], 1.0);
        for (name, field, kind, help) in FROM_INFO {
            if let Some(value) = self.info.decimal(field) {
                text.family(name, kind, help);
                text.sample(&[], value);
            }
        }
        text.family("redis_db_keys", Kind::Gauge, "Keys of each logical database.");
        for db in 0..64 {
            let name = format!("db{db}");
            let keys =
                self.info.text(&name).and_then(|facts| facts.strip_prefix("keys=")?.split(',').next()?.parse().ok());
            if let Some(keys) = keys {
                text.sample(&[("db", &name)], keys);
            }
        }
        text.family("edge_cache_redis_latency_seconds", Kind::Gauge, "How long Redis took to answer this scrape.");
        text.sample(&[], self.took.as_secs_f64());
    }

    /// Services' look-ups, by module: the first segment of the key. Beyond 100 modules the rest is `overflow`.
    fn cache(&self, text: &mut Text) {
        let of = |what: &'static str| {
            let ours = move |(field, value): (&'_ String, &'_ u64)| {
                let (module, kind) = field.rsplit_once(':')?;
                (kind == what).then(|| (module.to_owned(), *value))
            };
            self.lookups.iter().filter_map(ours)
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
        let families = [
            (
                "edge_cache_invalidations_total",
                "invalidations",
                "kind",
                "Keys, patterns and tags invalidated, by kind.",
            ),
            ("edge_cache_clears_total", "clears", "kind", "Clears by pattern, and global ones."),
            ("edge_cache_keys_removed_total", "removed", "by", "Keys removed, by what removed them."),
            ("edge_cache_warmups_total", "warmups", "result", "Warmups by result."),
        ];
        for (name, what, label, help) in families {
            text.family(name, Kind::Counter, help);
            for (field, count) in &self.counters {
                if let Some((_, kind)) = field.split_once(':').filter(|(known, _)| *known == what) {
                    text.sample(&[(label, kind)], *count as f64);
                }
            }
        }
        self.changes(text);
        text.family("edge_cache_events_total", Kind::Counter, "Domain events by what became of them.");
        for (outcome, count) in &self.events {
            text.sample(&[("outcome", outcome)], *count as f64);
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

    /// Changes are counted as `changes:action/outcome`.
    fn changes(&self, text: &mut Text) {
        let changes = || {
            let parts = |field: &'_ String| {
                let (action, outcome) = field.strip_prefix("changes:")?.split_once('/')?;
                Some((action.to_owned(), outcome.to_owned()))
            };
            self.counters.iter().filter_map(move |(field, count)| Some((parts(field)?, *count as f64)))
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
}
