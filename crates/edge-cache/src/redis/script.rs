//! Lua scripts: sent by hash, and with their source to a server that does not have them yet.
//!
//! A script is one file in a crate's `src/scripts`, whose head states its keys, arguments, reply and
//! cost. It is declared beside its caller with [`script!`](crate::script!), which also lists the
//! [`shared`] parts that it needs:
//!
//! ```text
//! static STORE: Script = script!(once "load/store", [shared::FENCES, shared::EXISTENCE, shared::LOCKS]);
//! ```
//!
//! Operators judge a cache by Redis' own count of misses. So scripts that look for a key that often
//! does not exist (a lock, a value for waiters) use `MEMORY USAGE` first, which Redis does not count
//! (`scripts/lib/existence.lua`):
//!
//! ```text
//! EXISTS lock:{users:1}          absent: Redis counts a miss, although the cache had a hit
//! MEMORY USAGE lock:{users:1}    absent: Redis counts nothing
//! ```

pub(super) mod namespaced;
pub mod shared;

use std::sync::OnceLock;

use super::command::{Arg, Command};
use super::connection::Redis;
use super::reply::Replies;
use crate::error::{ErrorKind, RedisError};

/// A Lua script. Its source and SHA-1 are computed once per process.
#[derive(Debug)]
pub struct Script {
    parts: &'static [&'static str],
    text: OnceLock<Text>,
    /// True if it only reads, or has the same effect and reply when it runs twice.
    repeatable: bool,
}

/// A text of a script, with its hash.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) source: String,
    pub(super) sha1: String,
}

impl Text {
    fn new(source: String) -> Self {
        let sha1 = sha1_smol::Sha1::from(&source).digest().to_string();
        Self { source, sha1 }
    }
}

/// The code of a file of the calling crate's `src/scripts`, such as `lib/fences`, as its build script
/// wrote it.
#[macro_export]
#[doc(hidden)]
macro_rules! lua {
    ($name:expr) => {{
        // Of its own, so that documentation does not show it as the value of a public constant.
        const CODE: &str = include_str!(concat!(env!("OUT_DIR"), "/scripts/", $name, ".lua"));
        CODE
    }};
}

/// Declares a [`Script`] of the calling crate: `once` or `repeatable`, its file below
/// `src/scripts`, and the shared parts that it needs.
///
/// A `repeatable` script only reads, or has the same effect and reply when it runs twice; it is
/// sent again when a connection breaks.
#[macro_export]
macro_rules! script {
    ($kind:ident $name:literal, [$($part:expr),* $(,)?]) => {
        {
            const PARTS: &[&str] = &[
                $($part,)*
                $crate::lua!($name),
            ];
            $crate::redis::script::Script::$kind(PARTS)
        }
    };
}

impl Script {
    /// Creates a script that may run twice. Use [`script!`](crate::script!).
    pub const fn repeatable(parts: &'static [&'static str]) -> Self {
        Self {
            parts,
            text: OnceLock::new(),
            repeatable: true,
        }
    }

    /// Creates a script that is sent once. Use [`script!`](crate::script!).
    pub const fn once(parts: &'static [&'static str]) -> Self {
        Self {
            parts,
            text: OnceLock::new(),
            repeatable: false,
        }
    }

    /// The whole source, shared parts included, without comments.
    pub fn source(&'static self) -> &'static str {
        &self.text().source
    }

    /// The hash under which a server keeps the script once it has run.
    pub fn sha1(&'static self) -> &'static str {
        &self.text().sha1
    }

    fn text(&'static self) -> &'static Text {
        self.text.get_or_init(|| Text::new(self.parts.concat()))
    }

    /// Runs the script. One round trip, two where the server has not run it since its start.
    ///
    /// # Errors
    /// Those of the connection; where the Redis user may not run scripts, [`ErrorKind::Permission`]
    /// says which rights to grant.
    pub async fn run<R: Redis>(
        &'static self,
        redis: &R,
        keys: impl IntoIterator<Item = Arg>,
        args: impl IntoIterator<Item = Arg>,
    ) -> Result<Replies, RedisError> {
        execute(redis, self.command(keys, args)).await
    }

    fn command(
        &'static self,
        keys: impl IntoIterator<Item = Arg>,
        args: impl IntoIterator<Item = Arg>,
    ) -> Command {
        let keys: Vec<Arg> = keys.into_iter().collect();
        let command = Command::script(self.sha1(), self.source())
            .arg(keys.len())
            .args(keys)
            .args(args);
        if self.repeatable {
            command.repeatable()
        } else {
            command
        }
    }
}

async fn execute<R: Redis>(redis: &R, command: Command) -> Result<Replies, RedisError> {
    // Boxed: scripts are called deep within operations, whose futures would be large and nested too deeply for the compiler.
    let reply = Box::pin(redis.execute(command)).await;
    reply.map(Replies::new).map_err(name_missing_right)
}

/// Adds to an error about forbidden scripts which rights the Redis user needs.
fn name_missing_right(error: RedisError) -> RedisError {
    let names_eval = ["'eval'", "'evalsha'"]
        .iter()
        .any(|name| error.message.contains(name));
    if error.kind != ErrorKind::Permission || !names_eval {
        return error;
    }

    let message = format!(
        "{}; edge-cache needs scripts: grant the Redis user `+eval +evalsha`",
        error.message
    );
    RedisError::new(ErrorKind::Permission, message)
}
