//! The commands that a [`Memory`](super::Memory) knows: those of the library, of its scripts, and
//! those with which other clients fill and inspect a cache.

mod args;
mod dumps;
mod hashes;
mod keys;
mod lists;
mod server;
mod sets;
mod sorted_sets;
mod spec;
mod streams;
mod strings;

use super::keyspace::Keyspace;
use super::response::{Answered, Refusal};
use args::Args;
use spec::{Effect, Spec};

const TABLES: [&[Spec]; 9] = [
    keys::TABLE,
    dumps::TABLE,
    strings::TABLE,
    lists::TABLE,
    sets::TABLE,
    hashes::TABLE,
    sorted_sets::TABLE,
    streams::TABLE,
    server::TABLE,
];

/// Executes a command whose first part is its name.
///
/// # Errors
/// The command's error reply.
pub(super) fn execute(keyspace: &mut Keyspace, parts: &[Vec<u8>]) -> Answered {
    let (name, args) = parts
        .split_first()
        .ok_or_else(|| Refusal::new("ERR Protocol error: a command without a name"))?;
    let spec = find(name).ok_or_else(|| unknown(name, args))?;
    let Spec(name, least, most, effect, run) = spec;

    if !(*least..=*most).contains(&args.len()) {
        let name = name.to_lowercase();
        return Err(Refusal(format!(
            "ERR wrong number of arguments for '{name}' command"
        )));
    }
    check_limits(keyspace, *effect)?;

    *keyspace.counters.calls.entry(name).or_default() += 1;
    run(keyspace, &Args(args))
}

fn find(name: &[u8]) -> Option<&'static Spec> {
    let mut all = TABLES.iter().copied().flatten();
    all.find(|spec| spec.0.as_bytes().eq_ignore_ascii_case(name))
}

/// Refuses a command because of what it would do, and records that it writes.
fn check_limits(keyspace: &mut Keyspace, effect: Effect) -> Result<(), Refusal> {
    if effect == Effect::Reads {
        return Ok(());
    }

    let limits = &mut keyspace.limits;
    if let Some(error) = limits.read_only {
        return Err(Refusal::new(error));
    }
    // As in Redis, a script that has written may go on, however full the server is.
    if effect == Effect::Adds && limits.is_full && !limits.has_written {
        return Err(Refusal::new(
            "OOM command not allowed when used memory > 'maxmemory'.",
        ));
    }

    limits.has_written = true;
    Ok(())
}

fn unknown(name: &[u8], args: &[Vec<u8>]) -> Refusal {
    let shown = args.iter().take(20).map(|arg| {
        let arg = String::from_utf8_lossy(arg);
        format!("'{}' ", arg.chars().take(128).collect::<String>())
    });
    Refusal(format!(
        "ERR unknown command '{}', with args beginning with: {}",
        String::from_utf8_lossy(name),
        shown.collect::<String>()
    ))
}
