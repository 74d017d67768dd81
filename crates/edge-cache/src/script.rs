//! Server-side scripts: sent by hash, with the source only where the server does not know the hash yet.
//!
//! Each script is one file in `scripts/`, whose head states its keys, arguments, reply stride and cost; what several share
//! stands before them.

use std::sync::OnceLock;

use crate::error::{ErrorKind, RedisError};
use crate::redis::{Arg, Command, Redis, Replies};

/// A Lua script and its SHA-1, computed once per process.
#[derive(Debug)]
pub struct Script {
    source: &'static str,
    sha: OnceLock<String>,
    /// Whether it may run twice: it only reads, or a repetition has the same effect and reply.
    repeatable: bool,
}

/// Reads a page of keys with type, TTL and size.
pub(crate) static PAGE: Script = Script::repeatable(include_str!("scripts/page.lua"));
/// Counts, and names some of, the keys of a slice that match a pattern.
pub(crate) static MATCH_SLICE: Script =
    Script::repeatable(concat!(include_str!("scripts/sparing.lua"), include_str!("scripts/match_slice.lua")));
/// Removes the keys of a slice that match a pattern.
pub(crate) static DELETE_SLICE: Script = Script::once(concat!(
    include_str!("scripts/there.lua"),
    include_str!("scripts/belongings.lua"),
    include_str!("scripts/sparing.lua"),
    include_str!("scripts/fencing.lua"),
    include_str!("scripts/delete_slice.lua")
));
/// Removes named keys and says which of them existed.
pub(crate) static DELETE_KEYS: Script = Script::once(concat!(
    include_str!("scripts/there.lua"),
    include_str!("scripts/belongings.lua"),
    include_str!("scripts/fencing.lua"),
    include_str!("scripts/delete_keys.lua")
));
/// Removes named keys and says how many there were.
pub(crate) static DELETE_NAMED: Script = Script::once(concat!(
    include_str!("scripts/there.lua"),
    include_str!("scripts/belongings.lua"),
    include_str!("scripts/delete_named.lua")
));
/// Empties the database but for the keys that outlive a global clear.
pub(crate) static FLUSH: Script =
    Script::once(concat!(include_str!("scripts/first_fence.lua"), include_str!("scripts/flush.lua")));
/// Removes a slice of a tag's keys.
pub(crate) static TAG_DELETE: Script = Script::once(concat!(
    include_str!("scripts/there.lua"),
    include_str!("scripts/belongings.lua"),
    include_str!("scripts/tag_delete.lua")
));
/// Counts the keys of a slice of a tag.
pub(crate) static TAG_COUNT: Script = Script::repeatable(include_str!("scripts/tag_count.lua"));
/// Removes names of keys that are gone from a tag.
pub(crate) static TAG_SWEEP: Script = Script::repeatable(include_str!("scripts/tag_sweep.lua"));
/// Adds keys to a tag, whose set then lives as long as they do.
pub(crate) static TAG_ADD: Script =
    Script::repeatable(concat!(include_str!("scripts/tagging.lua"), include_str!("scripts/tag_add.lua")));
/// Describes one key and reads a bounded part of its value.
pub(crate) static INSPECT: Script = Script::repeatable(include_str!("scripts/inspect.lua"));
/// Changes the expiry of one key and of its companion.
pub(crate) static EXPIRE: Script = Script::once(concat!(
    include_str!("scripts/tagging.lua"),
    include_str!("scripts/marking.lua"),
    include_str!("scripts/expire.lua")
));
/// Writes a slice of warmed entries.
pub(crate) static WRITE_SLICE: Script = Script::once(concat!(
    include_str!("scripts/fences_since.lua"),
    include_str!("scripts/there.lua"),
    include_str!("scripts/belongings.lua"),
    include_str!("scripts/tagging.lua"),
    include_str!("scripts/write_slice.lua")
));
/// Reads a cached value with what is known of its age.
pub(crate) static READ: Script = Script::repeatable(concat!(
    include_str!("scripts/there.lua"),
    include_str!("scripts/tagging.lua"),
    include_str!("scripts/turns.lua"),
    include_str!("scripts/read.lua")
));
/// Reads values that are not past their TTL.
pub(crate) static READ_MANY: Script =
    Script::repeatable(concat!(include_str!("scripts/there.lua"), include_str!("scripts/read_many.lua")));
/// Takes the right to load a key.
pub(crate) static ACQUIRE: Script = Script::once(concat!(
    include_str!("scripts/there.lua"),
    include_str!("scripts/holding.lua"),
    include_str!("scripts/first_fence.lua"),
    include_str!("scripts/stamping.lua"),
    include_str!("scripts/turns.lua"),
    include_str!("scripts/acquire.lua")
));
/// Stores a loaded value unless an invalidation came first.
pub(crate) static STORE: Script = Script::once(concat!(
    include_str!("scripts/fences_since.lua"),
    include_str!("scripts/there.lua"),
    include_str!("scripts/belongings.lua"),
    include_str!("scripts/holding.lua"),
    include_str!("scripts/tagging.lua"),
    include_str!("scripts/turns.lua"),
    include_str!("scripts/handing.lua"),
    include_str!("scripts/store.lua")
));
/// Removes what a load found to be there no more.
pub(crate) static DROP: Script = Script::once(concat!(
    include_str!("scripts/fences_since.lua"),
    include_str!("scripts/there.lua"),
    include_str!("scripts/belongings.lua"),
    include_str!("scripts/holding.lua"),
    include_str!("scripts/turns.lua"),
    include_str!("scripts/handing.lua"),
    include_str!("scripts/drop.lua")
));
/// Ends a load whose value is not kept.
pub(crate) static HAND: Script = Script::repeatable(concat!(
    include_str!("scripts/there.lua"),
    include_str!("scripts/holding.lua"),
    include_str!("scripts/turns.lua"),
    include_str!("scripts/handing.lua"),
    include_str!("scripts/hand.lua")
));
/// Makes loads in flight know of an invalidation.
pub(crate) static FENCE: Script =
    Script::once(concat!(include_str!("scripts/fencing.lua"), include_str!("scripts/fence.lua")));
/// Takes the stamp of a load that begins.
pub(crate) static STAMP: Script = Script::repeatable(concat!(
    include_str!("scripts/first_fence.lua"),
    include_str!("scripts/stamping.lua"),
    include_str!("scripts/stamp.lua")
));
/// Adds to bounded counters.
pub(crate) static COUNT: Script = Script::once(include_str!("scripts/count.lua"));
/// Notes further tags of a key.
pub(crate) static TAG_NOTE: Script = Script::repeatable(include_str!("scripts/tag_note.lua"));
/// Removes chunks that belong to no value.
pub(crate) static SETTLE: Script = Script::repeatable(include_str!("scripts/settle.lua"));
/// Notes that the database has values in chunks.
pub(crate) static MARK: Script =
    Script::repeatable(concat!(include_str!("scripts/marking.lua"), include_str!("scripts/mark.lua")));
/// Says of each key whether it exists.
pub(crate) static EXIST: Script = Script::repeatable(include_str!("scripts/exist.lua"));
/// Takes a lock that nobody has.
pub(crate) static TAKE: Script = Script::once(include_str!("scripts/take.lua"));
/// Removes or prolongs a lock that is still ours.
pub(crate) static LOCK: Script =
    Script::repeatable(concat!(include_str!("scripts/holding.lua"), include_str!("scripts/lock.lua")));
/// Writes and counts a record of the audit trail of which there may be many.
pub(crate) static RECORD: Script = Script::once(include_str!("scripts/record.lua"));

impl Script {
    const fn repeatable(source: &'static str) -> Self {
        Self { source, sha: OnceLock::new(), repeatable: true }
    }

    const fn once(source: &'static str) -> Self {
        Self { source, sha: OnceLock::new(), repeatable: false }
    }

    fn sha(&self) -> &str {
        self.sha.get_or_init(|| sha1_smol::Sha1::from(self.source).digest().to_string())
    }

    /// Runs the script: one round trip, two where the server has not seen it since its start.
    ///
    /// # Errors
    /// Those of the connection; [`ErrorKind::Permission`] says that the user needs scripting.
    pub(crate) async fn run<R: Redis>(
        &self,
        redis: &R,
        keys: impl IntoIterator<Item = Arg>,
        args: impl IntoIterator<Item = Arg>,
    ) -> Result<Replies, RedisError> {
        let keys: Vec<Arg> = keys.into_iter().collect();
        let command = Command::script(self.sha(), self.source).arg(keys.len()).args(keys).args(args);
        let command = if self.repeatable { command.repeatable() } else { command };
        redis.execute(command).await.map(Replies::new).map_err(explain)
    }
}

/// An ACL that forbids scripts is the operator's to change, so the error says how.
fn explain(error: RedisError) -> RedisError {
    let about_scripts = ["'eval'", "'evalsha'"].iter().any(|name| error.message.contains(name));
    if error.kind == ErrorKind::Permission && about_scripts {
        let message = format!("{}; edge-cache needs scripts: grant the Redis user `+eval +evalsha`", error.message);
        return RedisError::new(ErrorKind::Permission, message);
    }
    error
}
