//! Commands for sorted sets, as far as warmups write and inspections read them.

use super::args::{Args, range};
use super::spec::{ANY, Effect, Spec};
use crate::testing::keyspace::Keyspace;
use crate::testing::response::{Answered, Refusal, Response};
use crate::testing::value::SortedSet;

pub(super) const TABLE: &[Spec] = &[
    Spec("ZADD", 3, ANY, Effect::Adds, add),
    Spec("ZCARD", 1, 1, Effect::Reads, count),
    Spec("ZSCORE", 2, 2, Effect::Reads, score),
    Spec("ZRANGE", 3, 4, Effect::Reads, get_range),
];

fn parse_score(text: &[u8]) -> Result<f64, Refusal> {
    let score = std::str::from_utf8(text).ok();
    score
        .and_then(|score| score.parse().ok())
        .filter(|score: &f64| !score.is_nan())
        .ok_or_else(|| Refusal::new("ERR value is not a valid float"))
}

fn show_score(score: f64) -> String {
    if score.is_infinite() {
        return if score > 0.0 { "inf" } else { "-inf" }.into();
    }
    score.to_string()
}

/// Adds members. Of the options, `NX`, `XX` and `GT` are known, one in a command.
fn add(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    let option = args.word(1);
    let has_option = ["NX", "XX", "GT"].contains(&option.as_str());
    let pairs = args.from(1 + usize::from(has_option)).chunks_exact(2);
    if pairs.len() == 0 || !pairs.remainder().is_empty() {
        return Err(Refusal::syntax());
    }

    let mut scores = Vec::new();
    for pair in pairs {
        if let [score, member] = pair {
            scores.push((member, parse_score(score)?));
        }
    }

    let set = keyspace.create::<SortedSet>(args.at(0))?;
    let mut added = 0;
    for (member, score) in scores {
        let old = set.0.get(member).copied();
        let is_written = match option.as_str() {
            "NX" => old.is_none(),
            "XX" => old.is_some(),
            "GT" => old.is_none_or(|old| score > old),
            _ => true,
        };
        if is_written {
            added += usize::from(set.0.insert(member.clone(), score).is_none());
        }
    }

    keyspace.remove_if_gone(args.at(0));
    Ok(Response::count(added))
}

fn count(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    let set = keyspace.read::<SortedSet>(args.at(0))?;
    Ok(Response::count(set.map_or(0, |set| set.0.len())))
}

fn score(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    let set = keyspace.read::<SortedSet>(args.at(0))?;
    let score = set.and_then(|set| set.0.get(args.at(1)));
    Ok(Response::optional(score.map(|score| show_score(*score))))
}

fn get_range(keyspace: &mut Keyspace, args: &Args<'_>) -> Answered {
    let (start, end) = (args.integer(1)?, args.integer(2)?);
    let with_scores = args.len() == 4;
    if with_scores && !args.is(3, "WITHSCORES") {
        return Err(Refusal::syntax());
    }

    let set = keyspace.read::<SortedSet>(args.at(0))?;
    let sorted = set.map(SortedSet::sorted).unwrap_or_default();
    let mut reply = Vec::new();
    for (member, score) in sorted
        .get(range(start, end, sorted.len()))
        .unwrap_or_default()
    {
        reply.push(Response::bytes(member));
        if with_scores {
            reply.push(Response::bytes(show_score(*score)));
        }
    }
    Ok(Response::Array(reply))
}
