//! `DUMP` and `RESTORE`, with which a global clear carries keys over. A dump is not the value but the
//! number under which this server keeps it.

use super::args::Args;
use super::keys::{expiry, invalid_expiry};
use super::spec::{Effect, Spec};
use crate::testing::keyspace::Keyspace;
use crate::testing::response::{Answered, Refusal, Response};

/// The beginning of a dump.
const DUMP: &str = "edge-cache memory dump ";

pub(super) const TABLE: &[Spec] = &[
    Spec("DUMP", 1, 1, Effect::Reads, dump),
    Spec("RESTORE", 3, 4, Effect::Adds, restore),
];

fn dump(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    let Some(entry) = keyspace.look_up(args.at(0)) else {
        return Ok(Response::Nil);
    };
    let value = entry.value.clone();
    keyspace.dumps.push(value);
    Ok(Response::bytes(format!(
        "{DUMP}{}",
        keyspace.dumps.len() - 1
    )))
}

fn restore(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    let replaces = match args.len() {
        3 => false,
        _ if args.is(3, "REPLACE") => true,
        _ => return Err(Refusal::syntax()),
    };
    if !replaces && keyspace.peek(args.at(0)).is_some() {
        return Err(Refusal::new("BUSYKEY Target key name already exists."));
    }

    let expires_at = match args.integer(1)? {
        0 => None,
        life if life < 0 => return Err(invalid_expiry("restore")),
        _ => Some(expiry(keyspace, args, 1, 1, "restore")?),
    };
    let number = std::str::from_utf8(args.at(2)).ok();
    let number = number.and_then(|dump| dump.strip_prefix(DUMP)?.parse::<usize>().ok());
    let value = number.and_then(|number| keyspace.dumps.get(number).cloned());
    let value =
        value.ok_or_else(|| Refusal::new("ERR DUMP payload version or checksum are wrong"))?;

    keyspace.set(args.at(0), value, expires_at);
    Ok(Response::ok())
}
