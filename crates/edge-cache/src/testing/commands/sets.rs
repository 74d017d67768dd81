//! Commands for sets.

use super::args::Args;
use super::keys::{Scan, scanned};
use super::spec::{ANY, Effect, Spec};
use crate::testing::keyspace::Keyspace;
use crate::testing::response::{Answered, Response};
use crate::testing::value::Set;

pub(super) const TABLE: &[Spec] = &[
    Spec("SADD", 2, ANY, Effect::Adds, add),
    Spec("SREM", 2, ANY, Effect::Writes, remove),
    Spec("SCARD", 1, 1, Effect::Reads, count),
    Spec("SISMEMBER", 2, 2, Effect::Reads, is_member),
    Spec("SMEMBERS", 1, 1, Effect::Reads, members),
    Spec("SSCAN", 2, ANY, Effect::Reads, scan),
];

fn add(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    let set = keyspace.create::<Set>(args.at(0))?;
    let members = args.from(1).iter();
    let added = members.filter(|member| set.insert(member, ()).is_none());
    Ok(Response::count(added.count()))
}

fn remove(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    let Some(set) = keyspace.change::<Set>(args.at(0))? else {
        return Ok(Response::Int(0));
    };
    let members = args.from(1).iter();
    let removed = members.filter(|member| set.remove(member).is_some());
    let removed = removed.count();

    keyspace.remove_if_gone(args.at(0));
    Ok(Response::count(removed))
}

fn count(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    let set = keyspace.read::<Set>(args.at(0))?;
    Ok(Response::count(set.map_or(0, Set::len)))
}

fn is_member(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    let set = keyspace.read::<Set>(args.at(0))?;
    Ok(Response::flag(
        set.is_some_and(|set| set.contains(args.at(1))),
    ))
}

fn members(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    let set = keyspace.read::<Set>(args.at(0))?;
    let members = set.into_iter().flat_map(Set::iter);
    Ok(Response::strings(members.map(|(member, ())| member)))
}

fn scan(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    let scan = Scan::parse(args, 1)?;
    let Some(set) = keyspace.read::<Set>(args.at(0))? else {
        return Ok(scanned(0, Response::Array(Vec::new())));
    };
    let (step, next) = scan.step(set);
    let members = Response::strings(step.map(|(member, ())| member));
    Ok(scanned(next, members))
}
