//! Commands for lists.

use super::args::{Args, range};
use super::spec::{ANY, Effect, Spec};
use crate::testing::keyspace::Keyspace;
use crate::testing::response::{Answered, Refusal, Response};
use crate::testing::value::List;

pub(super) const TABLE: &[Spec] = &[
    Spec("RPUSH", 2, ANY, Effect::Adds, push_back),
    Spec("LPUSH", 2, ANY, Effect::Adds, push_front),
    Spec("LLEN", 1, 1, Effect::Reads, length),
    Spec("LINDEX", 2, 2, Effect::Reads, index),
    Spec("LRANGE", 3, 3, Effect::Reads, get_range),
    Spec("LSET", 3, 3, Effect::Adds, set),
];

fn push_back(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    let list = keyspace.create::<List>(args.at(0))?;
    list.extend(args.from(1).iter().cloned());
    Ok(Response::count(list.len()))
}

fn push_front(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    let list = keyspace.create::<List>(args.at(0))?;
    for element in args.from(1) {
        list.push_front(element.clone());
    }
    Ok(Response::count(list.len()))
}

fn length(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    let list = keyspace.read::<List>(args.at(0))?;
    Ok(Response::count(list.map_or(0, List::len)))
}

fn index(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    let index = args.integer(1)?;
    let list = keyspace.read::<List>(args.at(0))?;
    let element = list.and_then(|list| list.get(place(list, index)?));
    Ok(Response::optional(element))
}

/// Returns the place of an index, which counts from the end where it is negative.
fn place(list: &List, index: i64) -> Option<usize> {
    let length = i64::try_from(list.len()).ok()?;
    let place = if index < 0 { length + index } else { index };
    usize::try_from(place).ok()
}

fn get_range(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    let (start, end) = (args.integer(1)?, args.integer(2)?);
    let list = keyspace.read::<List>(args.at(0))?;
    let elements = list.map(|list| list.range(range(start, end, list.len())));
    Ok(Response::strings(elements.into_iter().flatten()))
}

fn set(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    let index = args.integer(1)?;
    let list = keyspace.change::<List>(args.at(0))?;
    let list = list.ok_or_else(|| Refusal::new("ERR no such key"))?;

    let place = place(list, index);
    let element = place.and_then(|place| list.get_mut(place));
    *element.ok_or_else(|| Refusal::new("ERR index out of range"))? = args.at(2).to_vec();
    Ok(Response::ok())
}
