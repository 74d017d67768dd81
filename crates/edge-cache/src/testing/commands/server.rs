//! Commands for the server as a whole.

use std::fmt::Write as _;

use super::args::Args;
use super::keys::unknown_subcommand;
use super::spec::{ANY, Effect, Spec};
use crate::testing::keyspace::{Counters, Keyspace};
use crate::testing::response::{Answered, Refusal, Response};

/// The version that `INFO` and `HELLO` report: the commands behave as in this one.
const VERSION: &str = "7.2.0";
/// Identifies the server's process.
const RUN_ID: &str = "6d656d6f72790000000000000000000000000000";

pub(super) const TABLE: &[Spec] = &[
    Spec("PING", 0, 1, Effect::Reads, ping),
    Spec("HELLO", 0, ANY, Effect::Reads, hello),
    Spec("SELECT", 1, 1, Effect::Reads, select),
    Spec("TIME", 0, 0, Effect::Reads, time),
    Spec("DBSIZE", 0, 0, Effect::Reads, size),
    Spec("FLUSHDB", 0, 1, Effect::Writes, flush),
    Spec("FLUSHALL", 0, 1, Effect::Writes, flush),
    Spec("INFO", 0, ANY, Effect::Reads, info),
    Spec("CONFIG", 1, 3, Effect::Reads, config),
];

fn ping(_: &mut Keyspace, args: &Args<'_>) -> Answered {
    Ok(if args.len() == 0 {
        Response::Status("PONG".into())
    } else {
        Response::bytes(args.at(0))
    })
}

fn hello(_: &mut Keyspace, args: &Args<'_>) -> Answered {
    if args.len() > 0 && args.at(0) != b"2" {
        return Err(Refusal::new("NOPROTO unsupported protocol version"));
    }

    let fields = [
        ("server", Response::bytes("redis")),
        ("version", Response::bytes(VERSION)),
        ("proto", Response::Int(2)),
        ("id", Response::Int(1)),
        ("mode", Response::bytes("standalone")),
        ("role", Response::bytes("master")),
        ("modules", Response::Array(Vec::new())),
    ];

    let named = fields.map(|(name, value)| [Response::bytes(name), value]);
    Ok(Response::Array(named.into_iter().flatten().collect()))
}

fn select(_: &mut Keyspace, args: &Args<'_>) -> Answered {
    if args.at(0) == b"0" {
        Ok(Response::ok())
    } else {
        Err(Refusal::new("ERR DB index is out of range"))
    }
}

fn time(keyspace: &mut Keyspace, _: &Args<'_>) -> Answered {
    let now = keyspace.now_us();
    let parts = [now / 1_000_000, now % 1_000_000];
    Ok(Response::strings(parts.map(|part| part.to_string())))
}

fn size(keyspace: &mut Keyspace, _: &Args<'_>) -> Answered {
    Ok(Response::count(keyspace.entries().len()))
}

fn flush(keyspace: &mut Keyspace, _: &Args<'_>) -> Answered {
    keyspace.clear();
    Ok(Response::ok())
}

/// The sections that `INFO` shows unless it is asked for others.
const DEFAULT_SECTIONS: [&str; 7] = [
    "server",
    "clients",
    "memory",
    "stats",
    "replication",
    "cluster",
    "keyspace",
];

fn info(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    let mut asked: Vec<String> = args.from(0).iter().map(|name| lower(name)).collect();
    let is_all = |name: &String| ["all", "everything", "default"].contains(&name.as_str());
    if asked.is_empty() || asked.iter().any(is_all) {
        asked.extend(DEFAULT_SECTIONS.map(str::to_owned));
    }

    let mut text = String::new();
    for name in asked {
        if let Some(fields) = section(keyspace, &name) {
            let _ = write!(text, "# {name}\r\n{fields}\r\n");
        }
    }
    Ok(Response::bytes(text))
}

fn lower(name: &[u8]) -> String {
    String::from_utf8_lossy(name).to_ascii_lowercase()
}

fn section(keyspace: &Keyspace, name: &str) -> Option<String> {
    let fields = match name {
        "server" => server_fields(),
        "clients" => vec![("connected_clients", "1".to_owned())],
        "memory" => memory_fields(keyspace),
        "stats" => stats_fields(&keyspace.counters),
        "replication" => vec![
            ("role", "master".to_owned()),
            ("connected_slaves", "0".to_owned()),
        ],
        "cluster" => vec![("cluster_enabled", "0".to_owned())],
        "keyspace" => keyspace_fields(keyspace),
        "commandstats" => return Some(command_lines(&keyspace.counters)),
        _ => return None,
    };

    let lines = fields
        .iter()
        .map(|(name, value)| format!("{name}:{value}\r\n"));
    Some(lines.collect())
}

type Fields = Vec<(&'static str, String)>;

fn server_fields() -> Fields {
    vec![
        ("redis_version", VERSION.to_owned()),
        ("redis_mode", "standalone".to_owned()),
        ("run_id", RUN_ID.to_owned()),
        ("uptime_in_seconds", "1".to_owned()),
    ]
}

fn memory_fields(keyspace: &Keyspace) -> Fields {
    let used = keyspace.used_memory().to_string();
    vec![
        ("used_memory", used.clone()),
        ("used_memory_rss", used.clone()),
        ("used_memory_peak", used),
        ("mem_fragmentation_ratio", "1.00".to_owned()),
        ("maxmemory", keyspace.limits.max_memory.to_string()),
        ("maxmemory_policy", "noeviction".to_owned()),
    ]
}

fn stats_fields(counters: &Counters) -> Fields {
    let processed: u64 = counters.calls.values().sum();
    vec![
        ("total_connections_received", "1".to_owned()),
        ("total_commands_processed", processed.to_string()),
        ("instantaneous_ops_per_sec", "0".to_owned()),
        ("rejected_connections", "0".to_owned()),
        ("expired_keys", counters.expired.to_string()),
        ("evicted_keys", "0".to_owned()),
        ("keyspace_hits", counters.hits.to_string()),
        ("keyspace_misses", counters.misses.to_string()),
    ]
}

fn keyspace_fields(keyspace: &Keyspace) -> Fields {
    let keys = keyspace.entries().len();
    if keys == 0 {
        return Vec::new();
    }
    let expires = keyspace.expiring();
    let counts = format!("keys={keys},expires={expires},avg_ttl=0");
    vec![("db0", counts)]
}

fn command_lines(counters: &Counters) -> String {
    let lines = counters.calls.iter().map(|(name, calls)| {
        let name = name.to_ascii_lowercase();
        format!("cmdstat_{name}:calls={calls},usec=0,usec_per_call=0.00\r\n")
    });
    lines.collect()
}

/// `RESETSTAT`, and those settings by which tests make a server refuse writes.
fn config(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    match args.word(0).as_str() {
        "RESETSTAT" => keyspace.counters = Counters::default(),
        "SET" if args.len() == 3 => set_config(keyspace, args)?,
        word => return Err(unknown_subcommand(word, "CONFIG")),
    }
    Ok(Response::ok())
}

fn set_config(keyspace: &mut Keyspace, args: &Args<'_>) -> Result<(), Refusal> {
    let limits = &mut keyspace.limits;

    match lower(args.at(1)).as_str() {
        "maxmemory" => limits.max_memory = parse_bytes(args.at(2))?,
        "maxmemory-policy" if args.is(2, "noeviction") => {}
        "min-replicas-to-write" => {
            let is_refusing = args.integer(2)? > 0;
            limits.read_only =
                is_refusing.then_some("NOREPLICAS Not enough good replicas to write.");
        }
        name => {
            return Err(Refusal(format!(
                "ERR Unknown option or number of arguments for CONFIG SET - '{name}'"
            )));
        }
    }
    Ok(())
}

/// Reads a number of bytes, with or without a unit.
fn parse_bytes(text: &[u8]) -> Result<usize, Refusal> {
    let text = lower(text);
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" | "b" => 1,
        "kb" => 1 << 10,
        "mb" => 1 << 20,
        "gb" => 1 << 30,
        _ => return Err(Refusal::new("ERR argument must be a memory value")),
    };
    let number: usize = digits.parse().map_err(|_| Refusal::not_an_integer())?;
    Ok(number.saturating_mul(unit))
}
