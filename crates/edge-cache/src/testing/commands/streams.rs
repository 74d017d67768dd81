//! Commands for streams.

use std::ops::Bound;

use super::args::Args;
use super::spec::{ANY, Effect, Spec};
use crate::testing::keyspace::Keyspace;
use crate::testing::response::{Answered, Refusal, Response};
use crate::testing::stream::{Fields, Id, Stream};

pub(super) const TABLE: &[Spec] = &[
    Spec("XADD", 4, ANY, Effect::Adds, append),
    Spec("XLEN", 1, 1, Effect::Reads, length),
    Spec("XRANGE", 3, 5, Effect::Reads, |keyspace, args| {
        range(keyspace, args, false)
    }),
    Spec("XREVRANGE", 3, 5, Effect::Reads, |keyspace, args| {
        range(keyspace, args, true)
    }),
    Spec("XDEL", 2, ANY, Effect::Writes, delete),
    Spec("XTRIM", 3, 4, Effect::Writes, trim),
];

/// Reads `MAXLEN [=|~] count`; returns the count and the place behind it. `~` allows to keep more, and
/// is taken for `=`.
fn parse_max_length(args: &Args<'_>, place: usize) -> Result<(usize, usize), Refusal> {
    if !args.is(place, "MAXLEN") {
        return Err(Refusal::syntax());
    }
    let has_sign = args.is(place + 1, "~") || args.is(place + 1, "=");
    let count = place + 1 + usize::from(has_sign);
    Ok((args.count(count)?, count + 1))
}

fn append(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    let mut place = 1;
    let makes_stream = !args.is(place, "NOMKSTREAM");
    place += usize::from(!makes_stream);
    let mut most = None;
    if args.is(place, "MAXLEN") {
        let (count, behind) = parse_max_length(args, place)?;
        (most, place) = (Some(count), behind);
    }
    let fields = args.from(place + 1);
    if fields.is_empty() || fields.len() % 2 == 1 {
        return Err(Refusal::new(
            "ERR wrong number of arguments for 'xadd' command",
        ));
    }

    Stream::check_id(args.at(place))?;
    let (key, now) = (args.at(0), keyspace.now());
    let is_new = keyspace.peek(key).is_none();
    if is_new && !makes_stream {
        return Ok(Response::Nil);
    }
    let stream = keyspace.create::<Stream>(key)?;
    let id = stream.append(args.at(place), now, fields.to_vec());
    if let (Ok(_), Some(most)) = (&id, most) {
        stream.trim(most);
    }
    if id.is_err() && is_new {
        keyspace.remove(key);
    }
    Ok(Response::bytes(id?.to_string()))
}

fn length(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    let stream = keyspace.read::<Stream>(args.at(0))?;
    Ok(Response::count(stream.map_or(0, Stream::len)))
}

/// Reads one end of a range. An id without its second part gets `number`.
fn parse_bound(text: &[u8], number: u64) -> Result<Bound<Id>, Refusal> {
    match text {
        b"-" => Ok(Bound::Included(Id::default())),
        b"+" => Ok(Bound::Included(Id::MAX)),
        [b'(', id @ ..] => Ok(Bound::Excluded(Id::parse(id, number)?)),
        id => Ok(Bound::Included(Id::parse(id, number)?)),
    }
}

fn range(keyspace: &mut Keyspace, args: &Args<'_>, is_reversed: bool) -> Answered {
    let (first, last) = if is_reversed { (2, 1) } else { (1, 2) };
    let start = parse_bound(args.at(first), 0)?;
    let end = parse_bound(args.at(last), u64::MAX)?;
    let most = match args.len() {
        3 => usize::MAX,
        5 if args.is(3, "COUNT") => args.count(4)?,
        _ => return Err(Refusal::syntax()),
    };

    let Some(stream) = keyspace.read::<Stream>(args.at(0))? else {
        return Ok(Response::Array(Vec::new()));
    };
    let entries = stream.range(start, end);
    let entries: Vec<_> = if is_reversed {
        entries.rev().take(most).map(show).collect()
    } else {
        entries.take(most).map(show).collect()
    };
    Ok(Response::Array(entries))
}

fn show((id, fields): (&Id, &Fields)) -> Response {
    Response::Array(vec![
        Response::bytes(id.to_string()),
        Response::strings(fields),
    ])
}

fn delete(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    let Some(stream) = keyspace.change::<Stream>(args.at(0))? else {
        return Ok(Response::Int(0));
    };
    let mut ids = Vec::new();
    for id in args.from(1) {
        ids.push(Id::parse(id, 0)?);
    }
    let removed = ids.into_iter().filter(|id| stream.remove(*id)).count();
    Ok(Response::count(removed))
}

fn trim(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    let (most, _) = parse_max_length(args, 1)?;
    let stream = keyspace.change::<Stream>(args.at(0))?;
    Ok(Response::count(
        stream.map_or(0, |stream| stream.trim(most)),
    ))
}
