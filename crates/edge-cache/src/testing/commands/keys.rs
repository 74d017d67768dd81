//! Commands for keys of any type.

use super::args::Args;
use super::spec::{ANY, Effect, Spec};
use crate::testing::glob;
use crate::testing::keyspace::Keyspace;
use crate::testing::response::{Answered, Refusal, Response};

pub(super) const TABLE: &[Spec] = &[
    Spec("DEL", 1, ANY, Effect::Writes, delete),
    Spec("UNLINK", 1, ANY, Effect::Writes, delete),
    Spec("EXISTS", 1, ANY, Effect::Reads, exists),
    Spec("TYPE", 1, 1, Effect::Reads, kind),
    Spec("TTL", 1, 1, Effect::Reads, |keyspace, args| {
        time_left(keyspace, args, 1000)
    }),
    Spec("PTTL", 1, 1, Effect::Reads, |keyspace, args| {
        time_left(keyspace, args, 1)
    }),
    Spec("EXPIRE", 2, 2, Effect::Writes, |keyspace, args| {
        expire(keyspace, args, 1000)
    }),
    Spec("PEXPIRE", 2, 2, Effect::Writes, |keyspace, args| {
        expire(keyspace, args, 1)
    }),
    Spec("PERSIST", 1, 1, Effect::Writes, persist),
    Spec("RENAME", 2, 2, Effect::Writes, rename),
    Spec("KEYS", 1, 1, Effect::Reads, keys),
    Spec("SCAN", 1, ANY, Effect::Reads, scan),
    Spec("OBJECT", 2, 2, Effect::Reads, object),
    Spec("MEMORY", 2, 4, Effect::Reads, memory),
];

fn delete(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    let keys = args.from(0).iter();
    let removed = keys.filter(|key| keyspace.remove(key).is_some()).count();
    Ok(Response::count(removed))
}

fn exists(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    let keys = args.from(0).iter();
    let found = keys.filter(|key| keyspace.look_up(key).is_some()).count();
    Ok(Response::count(found))
}

fn kind(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    let entry = keyspace.look_up(args.at(0));
    let kind = entry.map_or("none", |entry| entry.value.kind());
    Ok(Response::Status(kind.into()))
}

/// Returns the time until a key expires, in units of so many milliseconds; -1 where it does not, -2
/// without a key.
fn time_left(keyspace: &mut Keyspace, args: &Args<'_>, unit: u64) -> Answered {
    let now = keyspace.now();
    let Some(entry) = keyspace.look_up(args.at(0)) else {
        return Ok(Response::Int(-2));
    };
    let left = entry.expires_at.map(|at| at.saturating_sub(now));
    let left = left.map(|left| (left + unit / 2) / unit);
    Ok(Response::Int(left.map_or(-1, |left| {
        i64::try_from(left).unwrap_or(i64::MAX)
    })))
}

fn expire(keyspace: &mut Keyspace, args: &Args<'_>, unit: i64) -> Answered {
    let until = expiry(keyspace, args, 1, unit, "expire")?;
    Ok(Response::flag(keyspace.set_expiry(args.at(0), Some(until))))
}

/// Reads a time from now, in units of so many milliseconds, as milliseconds since 1970.
pub(super) fn expiry(
    keyspace: &Keyspace,
    args: &Args<'_>,
    place: usize,
    unit: i64,
    command: &str,
) -> Result<u64, Refusal> {
    let now = i64::try_from(keyspace.now()).unwrap_or(i64::MAX);
    let from_now = args.integer(place)?.checked_mul(unit);
    let at = from_now.and_then(|from_now| from_now.checked_add(now));
    let at = at.ok_or_else(|| invalid_expiry(command))?;
    Ok(u64::try_from(at).unwrap_or(0))
}

pub(super) fn invalid_expiry(command: &str) -> Refusal {
    Refusal(format!("ERR invalid expire time in '{command}' command"))
}

fn persist(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    let key = args.at(0);
    let expires = keyspace
        .peek(key)
        .is_some_and(|entry| entry.expires_at.is_some());
    if expires {
        keyspace.set_expiry(key, None);
    }
    Ok(Response::flag(expires))
}

fn rename(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    let Some(entry) = keyspace.remove(args.at(0)) else {
        return Err(Refusal::new("ERR no such key"));
    };
    keyspace.remove(args.at(1));
    keyspace.set(args.at(1), entry.value, entry.expires_at);
    Ok(Response::ok())
}

/// Returns whether a pattern, if there is one, matches. `*` matches also the empty name.
fn is_match(pattern: Option<&[u8]>, name: &[u8]) -> bool {
    pattern.is_none_or(|pattern| pattern == b"*" || glob::matches(pattern, name))
}

fn keys(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    let names = keyspace.entries().iter().map(|(name, _)| name);
    let matching = names.filter(|name| is_match(Some(args.at(0)), name));
    Ok(Response::strings(matching))
}

/// The options of a scanning command.
pub(super) struct Scan<'a> {
    cursor: u64,
    pub(super) count: usize,
    pattern: Option<&'a [u8]>,
    kind: Option<String>,
}

impl<'a> Scan<'a> {
    /// Reads a cursor and the options behind it.
    pub(super) fn parse(args: &Args<'a>, place: usize) -> Result<Self, Refusal> {
        let cursor = std::str::from_utf8(args.at(place)).ok();
        let cursor = cursor.and_then(|cursor| cursor.parse().ok());
        let mut scan = Self {
            cursor: cursor.ok_or_else(|| Refusal::new("ERR invalid cursor"))?,
            count: 10,
            pattern: None,
            kind: None,
        };

        for place in (place + 1..args.len()).step_by(2) {
            match args.word(place).as_str() {
                "COUNT" => scan.count = args.count(place + 1)?.max(1),
                "MATCH" => scan.pattern = Some(args.at(place + 1)),
                "TYPE" => scan.kind = Some(args.word(place + 1).to_ascii_lowercase()),
                _ => return Err(Refusal::syntax()),
            }
        }
        Ok(scan)
    }

    /// Steps through the items, and keeps the names that match.
    pub(super) fn step<'b, V>(
        &self,
        items: &'b crate::testing::ordered::Ordered<V>,
    ) -> (impl Iterator<Item = (&'b [u8], &'b V)>, u64) {
        let (step, next) = items.step(self.cursor, self.count);
        let pattern = self.pattern;
        let matching = step
            .into_iter()
            .filter(move |(name, _)| is_match(pattern, name));
        (matching, next)
    }
}

/// The reply of a scanning command.
pub(super) fn scanned(next: u64, found: Response) -> Response {
    Response::Array(vec![Response::bytes(next.to_string()), found])
}

fn scan(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    let scan = Scan::parse(args, 0)?;
    let (step, next) = scan.step(keyspace.entries());
    let of_kind = step.filter(|(_, entry)| {
        let kind = scan.kind.as_deref();
        kind.is_none_or(|kind| kind == entry.value.kind())
    });
    let names = Response::strings(of_kind.map(|(name, _)| name));
    Ok(scanned(next, names))
}

fn object(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    let now = keyspace.now();
    let Some(entry) = keyspace.peek(args.at(1)) else {
        return Ok(Response::Nil);
    };
    match args.word(0).as_str() {
        "ENCODING" => Ok(Response::bytes(entry.value.encoding())),
        "IDLETIME" => {
            let idle = now.saturating_sub(entry.used_at) / 1000;
            Ok(Response::Int(i64::try_from(idle).unwrap_or(i64::MAX)))
        }
        "REFCOUNT" => Ok(Response::Int(1)),
        word => Err(unknown_subcommand(word, "OBJECT")),
    }
}

pub(super) fn unknown_subcommand(word: &str, command: &str) -> Refusal {
    let word = word.to_ascii_lowercase();
    Refusal(format!(
        "ERR unknown subcommand '{word}'. Try {command} HELP."
    ))
}

fn memory(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    if !args.is(0, "USAGE") {
        return Err(unknown_subcommand(&args.word(0), "MEMORY"));
    }
    let bytes = keyspace.memory_of(args.at(1));
    Ok(bytes.map_or(Response::Nil, Response::count))
}
