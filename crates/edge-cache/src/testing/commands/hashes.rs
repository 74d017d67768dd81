//! Commands for hashes.

use super::args::Args;
use super::keys::{Scan, scanned};
use super::spec::{ANY, Effect, Spec};
use super::strings::add;
use crate::testing::keyspace::Keyspace;
use crate::testing::response::{Answered, Refusal, Response};
use crate::testing::value::{Hash, parse_integer};

pub(super) const TABLE: &[Spec] = &[
    Spec("HSET", 3, ANY, Effect::Adds, set),
    Spec("HGET", 2, 2, Effect::Reads, get),
    Spec("HMGET", 2, ANY, Effect::Reads, get_many),
    Spec("HGETALL", 1, 1, Effect::Reads, |keyspace, args| {
        list(keyspace, args, |field, value| vec![field, value])
    }),
    Spec("HKEYS", 1, 1, Effect::Reads, |keyspace, args| {
        list(keyspace, args, |field, _| vec![field])
    }),
    Spec("HVALS", 1, 1, Effect::Reads, |keyspace, args| {
        list(keyspace, args, |_, value| vec![value])
    }),
    Spec("HDEL", 2, ANY, Effect::Writes, delete),
    Spec("HEXISTS", 2, 2, Effect::Reads, exists),
    Spec("HLEN", 1, 1, Effect::Reads, length),
    Spec("HINCRBY", 3, 3, Effect::Adds, increment),
    Spec("HSCAN", 2, ANY, Effect::Reads, scan),
];

fn set(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    let pairs = args.from(1).chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return Err(Refusal::new(
            "ERR wrong number of arguments for 'hset' command",
        ));
    }

    let hash = keyspace.create::<Hash>(args.at(0))?;
    let mut added = 0;
    for pair in pairs {
        if let [field, value] = pair {
            added += usize::from(hash.insert(field, value.clone()).is_none());
        }
    }
    Ok(Response::count(added))
}

fn get(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    let hash = keyspace.read::<Hash>(args.at(0))?;
    Ok(Response::optional(
        hash.and_then(|hash| hash.get(args.at(1))),
    ))
}

fn get_many(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    let hash = keyspace.read::<Hash>(args.at(0))?;
    let fields = args.from(1).iter();
    let values = fields.map(|field| Response::optional(hash.and_then(|hash| hash.get(field))));
    Ok(Response::Array(values.collect()))
}

/// Lists of each field what a function takes.
fn list(
    keyspace: &mut Keyspace,
    args: &Args<'_>,
    take: for<'a> fn(&'a [u8], &'a [u8]) -> Vec<&'a [u8]>,
) -> Answered {
    let hash = keyspace.read::<Hash>(args.at(0))?;
    let items = hash.into_iter().flat_map(Hash::iter);
    Ok(Response::strings(
        items.flat_map(|(field, value)| take(field, value)),
    ))
}

fn delete(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    let Some(hash) = keyspace.change::<Hash>(args.at(0))? else {
        return Ok(Response::Int(0));
    };
    let fields = args.from(1).iter();
    let removed = fields.filter(|field| hash.remove(field).is_some()).count();

    keyspace.remove_if_gone(args.at(0));
    Ok(Response::count(removed))
}

fn exists(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    let hash = keyspace.read::<Hash>(args.at(0))?;
    Ok(Response::flag(
        hash.is_some_and(|hash| hash.contains(args.at(1))),
    ))
}

fn length(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    let hash = keyspace.read::<Hash>(args.at(0))?;
    Ok(Response::count(hash.map_or(0, Hash::len)))
}

fn increment(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    let (key, field, by) = (args.at(0), args.at(1), args.integer(2)?);
    let hash = keyspace.change::<Hash>(key)?;
    let old = match hash.and_then(|hash| hash.get_mut(field)) {
        Some(text) => {
            parse_integer(text).ok_or_else(|| Refusal::new("ERR hash value is not an integer"))?
        }
        None => 0,
    };

    let new = add(old, by)?;
    let hash = keyspace.create::<Hash>(key)?;
    hash.insert(field, new.to_string().into_bytes());
    Ok(Response::Int(new))
}

fn scan(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    let scan = Scan::parse(args, 1)?;
    let Some(hash) = keyspace.read::<Hash>(args.at(0))? else {
        return Ok(scanned(0, Response::Array(Vec::new())));
    };
    let (step, next) = scan.step(hash);
    let items = step.flat_map(|(field, value)| [field, value.as_slice()]);
    Ok(scanned(next, Response::strings(items)))
}
