//! Commands for strings.

use super::args::{Args, range};
use super::keys::{expiry, invalid_expiry};
use super::spec::{ANY, Effect, Spec};
use crate::testing::keyspace::Keyspace;
use crate::testing::response::{Answered, Refusal, Response};
use crate::testing::value::{Value, parse_integer};

/// The length beyond which Redis refuses a string.
const MAX_BYTES: usize = 512 << 20;

pub(super) const TABLE: &[Spec] = &[
    Spec("GET", 1, 1, Effect::Reads, get),
    Spec("MGET", 1, ANY, Effect::Reads, get_many),
    Spec("SET", 2, ANY, Effect::Adds, set),
    Spec("MSET", 2, ANY, Effect::Adds, set_many),
    Spec("STRLEN", 1, 1, Effect::Reads, length),
    Spec("GETRANGE", 3, 3, Effect::Reads, get_range),
    Spec("SETRANGE", 3, 3, Effect::Adds, set_range),
    Spec("INCR", 1, 1, Effect::Adds, |keyspace, args| {
        increment(keyspace, args, 1)
    }),
    Spec("INCRBY", 2, 2, Effect::Adds, |keyspace, args| {
        let by = args.integer(1)?;
        increment(keyspace, args, by)
    }),
];

fn get(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    let text = keyspace.read::<Vec<u8>>(args.at(0))?;
    Ok(Response::optional(text))
}

/// Another type than a string counts as no value.
fn get_many(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    let keys = args.from(0).iter();
    let values = keys.map(|key| {
        let text = keyspace.read::<Vec<u8>>(key);
        Response::optional(text.unwrap_or_default())
    });
    Ok(Response::Array(values.collect()))
}

/// Options of `SET`.
#[derive(Default)]
struct SetOptions {
    expires_at: Option<u64>,
    keeps_expiry: bool,
    only_new: bool,
    only_existing: bool,
    returns_old: bool,
}

impl SetOptions {
    fn parse(keyspace: &Keyspace, args: &Args<'_>) -> Result<Self, Refusal> {
        let mut options = Self::default();
        let mut place = 2;
        while place < args.len() {
            match args.word(place).as_str() {
                "NX" => options.only_new = true,
                "XX" => options.only_existing = true,
                "GET" => options.returns_old = true,
                "KEEPTTL" => options.keeps_expiry = true,
                word @ ("EX" | "PX") if place + 1 < args.len() => {
                    let unit = if word == "EX" { 1000 } else { 1 };
                    place += 1;
                    if args.integer(place)? <= 0 {
                        return Err(invalid_expiry("set"));
                    }
                    options.expires_at = Some(expiry(keyspace, args, place, unit, "set")?);
                }
                _ => return Err(Refusal::syntax()),
            }
            place += 1;
        }

        if options.only_new && options.only_existing {
            return Err(Refusal::syntax());
        }
        Ok(options)
    }
}

fn set(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    let key = args.at(0);
    let options = SetOptions::parse(keyspace, args)?;
    let old = if options.returns_old {
        Some(Response::optional(keyspace.read::<Vec<u8>>(key)?))
    } else {
        None
    };

    let entry = keyspace.peek(key);
    if options.only_new && entry.is_some() || options.only_existing && entry.is_none() {
        return Ok(old.unwrap_or(Response::Nil));
    }
    let kept = entry
        .filter(|_| options.keeps_expiry)
        .and_then(|entry| entry.expires_at);
    let value = Value::String(args.at(1).to_vec());
    keyspace.set(key, value, options.expires_at.or(kept));
    Ok(old.unwrap_or_else(Response::ok))
}

fn set_many(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    let pairs = args.from(0).chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return Err(Refusal::new(
            "ERR wrong number of arguments for 'mset' command",
        ));
    }
    for pair in pairs {
        if let [key, value] = pair {
            keyspace.set(key, Value::String(value.clone()), None);
        }
    }
    Ok(Response::ok())
}

fn length(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    let text = keyspace.read::<Vec<u8>>(args.at(0))?;
    Ok(Response::count(text.map_or(0, Vec::len)))
}

fn get_range(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    let (start, end) = (args.integer(1)?, args.integer(2)?);
    let text = keyspace.read::<Vec<u8>>(args.at(0))?;
    let part = text.and_then(|text| {
        // An end before the first byte means the first byte, unless the range is reversed.
        let length = i64::try_from(text.len()).unwrap_or(i64::MAX);
        let is_reversed = start < 0 && end < 0 && start > end;
        let end = if is_reversed { end } else { end.max(-length) };
        text.get(range(start, end, text.len()))
    });
    Ok(Response::bytes(part.unwrap_or_default()))
}

fn set_range(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    let offset = usize::try_from(args.integer(1)?)
        .map_err(|_| Refusal::new("ERR offset is out of range"))?;
    let part = args.at(2);
    let end = offset.saturating_add(part.len());
    if end > MAX_BYTES {
        return Err(Refusal::new(
            "ERR string exceeds maximum allowed size (proto-max-bulk-len)",
        ));
    }
    if part.is_empty() {
        return length(keyspace, args);
    }

    let text = keyspace.create::<Vec<u8>>(args.at(0))?;
    if text.len() < end {
        text.resize(end, 0);
    }
    if let Some(place) = text.get_mut(offset..end) {
        place.copy_from_slice(part);
    }
    Ok(Response::count(text.len()))
}

fn increment(keyspace: &mut Keyspace, args: &Args<'_>, by: i64) -> Answered {
    let key = args.at(0);
    let old = keyspace.change::<Vec<u8>>(key)?;
    let old = match old {
        Some(text) => parse_integer(text).ok_or_else(Refusal::not_an_integer)?,
        None => 0,
    };
    let new = add(old, by)?;
    *keyspace.create::<Vec<u8>>(key)? = new.to_string().into_bytes();
    Ok(Response::Int(new))
}

pub(super) fn add(old: i64, by: i64) -> Result<i64, Refusal> {
    old.checked_add(by)
        .ok_or_else(|| Refusal::new("ERR increment or decrement would overflow"))
}
