//! Gathered removals: one walk over the keyspace for the patterns of many invalidations.
//!
//! An invalidation that nobody waits for appends its fence, so it is soon in force for every reader
//! of the library, and leaves its pattern in a hash. A walk then removes the keys of all patterns
//! that were there when it began; those that came later have the next walk.
//!
//! No process lives as long as such a walk may take, so it advances in turns of a few milliseconds.
//! Whoever ends a turn announces the next one, such as by a message to all instances. The first that
//! hears it begins the turn; for the others it is another's.
//!
//! ```text
//! event 1: fence 11 users:1:*       nothing is announced: announces turn 0
//! event 2: fence 12 users:2:*       turn 0 is announced
//! turn 0:  walks for 11 and 12, cursor 0 to 176      -> announces turn 1
//! event 3: fence 13 users:3:*       turn 1 is announced
//! turn 1:  cursor 176 to 0: fences 11 and 12 end     -> announces turn 2
//! turn 2:  walks for 13 ...
//! ```
//!
//! - A turn that began is over when the next one begins: slices name the next turn's number, so an
//!   instance that was delayed removes nothing any more.
//! - An announcement may be lost. A turn that has not begun after 5 s is announced again by the next
//!   invalidation, and by the schedule.
//! - A server that was restarted or replaced has its keys in another order. The walk then starts again.
//! - On a Cluster the walk visits one node after the other.
//! - Soft purges by pattern join the walk as well. It then reads the names of each slice, because
//!   trailers are rewritten outside Redis, and removes or marks the keys before it advances.
//! - The schedule also lets removals that were interrupted join the walk ([`resume_interrupted`]).

mod on_nodes;
mod turn;
mod walk;

use std::time::{Duration, Instant};

use futures_util::future::join;
use on_nodes::NodeWalk;
pub use turn::Turn;
pub use walk::FinishedWalk;
use walk::{Progress, WALK_KEYS, Walk, read_progress};

use crate::error::RedisError;
use crate::keyspace::fence::StreamId;
use crate::keyspace::key::{
    FENCES, NONE, REMOVAL_ANNOUNCEMENT, REMOVAL_PATTERNS, REMOVAL_STALE, REMOVALS,
};
use crate::keyspace::pattern::Pattern;
use crate::keyspace::purge::{PurgeMode, SoftGrace};
use crate::keyspace::tag::Tag;
use crate::redis::script::{Script, shared};
use crate::redis::{Arg, Command, HostRuntime, Redis, Replies};
use crate::{script, units};

static GATHER: Script = script!(once "removals/gather", [shared::FENCES, shared::GATHERED]);

static RESUME: Script = script!(once "removals/resume", [shared::FENCES, shared::GATHERED]);

static BEGIN_TURN: Script = script!(once "removals/begin_turn", [
    shared::FENCES,
    shared::GATHERED,
]);

static DELETE_SLICE: Script = script!(once "removals/delete_slice", [
    shared::PATTERN,
    shared::WALK,
    shared::PROTECTED,
    shared::REMOVAL,
    shared::FENCES,
    shared::GATHERED,
    shared::GATHERED_SLICE,
]);

/// The keys of scripts that add to the gathered patterns.
const GATHER_KEYS: [&str; 6] = [
    FENCES,
    NONE,
    REMOVALS,
    REMOVAL_PATTERNS,
    REMOVAL_ANNOUNCEMENT,
    REMOVAL_STALE,
];

/// How long a removal may take before it counts as interrupted.
const INTERRUPTED_AFTER: Duration = Duration::from_secs(600);

/// The result of a turn.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct TurnResult {
    /// The turn to announce; `None` when nothing is left to remove, or the turn was another's.
    pub next: Option<Turn>,
    /// The walk, if this turn ended it.
    pub finished: Option<FinishedWalk>,
}

/// Removals that were interrupted.
#[derive(Debug, Default)]
pub struct Interrupted {
    /// The turn to announce, if something is left to remove and nobody is expected to do it.
    pub turn: Option<Turn>,
    /// Tags whose invalidation has to be repeated.
    pub tags: Vec<(Tag, PurgeMode)>,
}

/// The gathered removals that have not finished.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// How many patterns there are.
    pub patterns: u64,
    /// When the oldest was gathered, in milliseconds since 1970 by the server's clock.
    pub oldest_ms: Option<u64>,
}

/// Records invalidations by pattern, and leaves their removal to the gathered walk; the turn that
/// the caller has to announce, if any. One round trip.
///
/// # Errors
/// Those of the connection.
pub async fn gather<R: Redis>(
    redis: &R,
    patterns: &[Pattern],
    mode: PurgeMode,
) -> Result<Option<Turn>, RedisError> {
    let grace: Arg = match mode {
        PurgeMode::Hard => "".into(),
        PurgeMode::Soft(grace) => grace.milliseconds().into(),
    };
    let patterns = patterns.iter().map(|pattern| pattern.as_bytes().into());
    let args = [grace].into_iter().chain(patterns);
    let mut replies = GATHER.run(redis, GATHER_KEYS.map(Arg::from), args).await?;
    Turn::read(&mut replies)
}

/// Lets removals by pattern that have not finished after 10 minutes join the gathered walk, and
/// names the tags of others. A fence that cannot be understood ends. The fences of `jobs` are not
/// touched. One round trip.
///
/// # Errors
/// Those of the connection.
pub async fn resume_interrupted<R: Redis>(
    redis: &R,
    jobs: &[String],
) -> Result<Interrupted, RedisError> {
    resume_older_than(redis, INTERRUPTED_AFTER, jobs).await
}

/// As [`resume_interrupted`], for removals that began longer ago than this.
///
/// # Errors
/// Those of the connection.
pub async fn resume_older_than<R: Redis>(
    redis: &R,
    age: Duration,
    jobs: &[String],
) -> Result<Interrupted, RedisError> {
    let age = [units::milliseconds(age).into()].into_iter();
    let args = age.chain(jobs.iter().map(|id| Arg::from(id.as_str())));
    let mut replies = RESUME.run(redis, GATHER_KEYS.map(Arg::from), args).await?;

    let mut interrupted = Interrupted {
        turn: Turn::read(&mut replies)?,
        tags: Vec::new(),
    };
    while replies.remaining() > 0 {
        let grace: Option<u64> = replies.text()?.parse().ok();
        let mode = grace.map_or(PurgeMode::Hard, |grace| {
            PurgeMode::Soft(SoftGrace::stored(grace))
        });
        let tag = String::from_utf8(replies.bytes()?).ok();
        let tag = tag.and_then(|tag| Tag::parse("tag", tag).ok());
        interrupted.tags.extend(tag.map(|tag| (tag, mode)));
    }
    Ok(interrupted)
}

/// Reads how many gathered removals have not finished. One round trip.
///
/// # Errors
/// Those of the connection.
pub async fn read_waiting<R: Redis>(redis: &R) -> Result<Waiting, RedisError> {
    let read = |hash| redis.execute(Command::read("HKEYS").arg(hash));
    let (hard, soft) = join(read(REMOVAL_PATTERNS), read(REMOVAL_STALE)).await;
    let mut fences = Replies::new(hard?).rest()?;
    fences.extend(Replies::new(soft?).rest()?);
    let milliseconds = |id: &Vec<u8>| {
        let id: StreamId = str::from_utf8(id).ok()?.parse().ok()?;
        Some(id.milliseconds)
    };
    Ok(Waiting {
        patterns: fences.len() as u64,
        oldest_ms: fences.iter().filter_map(milliseconds).min(),
    })
}

/// Runs a turn: removes keys, and marks those of soft purges stale, for about as long as the limit
/// says, one slice of about 1,000 keys after the other. One round trip for each, and one more; with
/// soft purges four for each or, on a Cluster, some for each slot.
///
/// # Errors
/// Those of the connection. The walk is continued by the next turn, which the next invalidation or
/// the schedule announces.
pub async fn run_turn<R: Redis + HostRuntime>(
    redis: &R,
    turn: Turn,
    limit: Duration,
) -> Result<TurnResult, RedisError> {
    let began = Instant::now();
    let Some(walk) = begin_turn(redis, turn).await? else {
        return Ok(TurnResult::default());
    };
    if walk.is_empty() {
        return Ok(TurnResult::default());
    }

    let search = walk.search();
    let mut on_nodes = NodeWalk::begin(redis, &walk).await?;
    let connection = redis.connection_number();
    loop {
        let deleted = match &mut on_nodes {
            Some(nodes) => nodes.delete_slice(redis, &walk, &search).await?,
            None => delete_slice(redis, &walk, &search).await?,
        };
        let Some(progress) = deleted else {
            return Ok(TurnResult::default());
        };
        if progress.is_over {
            return Ok(TurnResult {
                next: Some(walk.next),
                finished: Some(walk.finish(&progress)),
            });
        }
        // Another connection may lead to another server, of which the cursor says nothing.
        if began.elapsed() >= limit || redis.connection_number() != connection {
            return Ok(TurnResult {
                next: Some(walk.next),
                finished: None,
            });
        }
    }
}

/// Begins a turn; `None` when it is another's.
async fn begin_turn<R: Redis>(redis: &R, turn: Turn) -> Result<Option<Walk>, RedisError> {
    let keys = [
        REMOVALS,
        REMOVAL_PATTERNS,
        REMOVAL_ANNOUNCEMENT,
        NONE,
        REMOVAL_STALE,
    ];
    let args = [turn.number().into()];
    let mut replies = BEGIN_TURN.run(redis, keys.map(Arg::from), args).await?;
    if replies.remaining() == 0 {
        return Ok(None);
    }

    Walk::read(&mut replies).map(Some)
}

/// Removes the keys of one slice; `None` when the next turn has begun.
async fn delete_slice<R: Redis>(
    redis: &R,
    walk: &Walk,
    search: &[Arg],
) -> Result<Option<Progress>, RedisError> {
    let args = [walk.next.number().into()]
        .into_iter()
        .chain(search.iter().cloned());

    read_progress(
        DELETE_SLICE
            .run(redis, WALK_KEYS.map(Arg::from), args)
            .await?,
    )
}
