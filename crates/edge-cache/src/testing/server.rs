//! The server behind all handles: its clock, its failure, its keys and its scripts.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::commands;
use super::failure::Failure;
use super::keyspace::{Keyspace, Limits};
use super::lock::lock;
use super::response::{Answered, Refusal};
use super::scripts::Scripts;
use crate::error::RedisError;
use crate::redis::Reply;

/// A server in memory. One command runs at a time.
pub(super) struct Server {
    /// Shared with the interpreter of scripts, which runs commands while the server is locked.
    keyspace: Arc<Mutex<Keyspace>>,
    /// Created for the first script.
    scripts: Option<Scripts>,
    clock: Clock,
    /// The error that every command ends with.
    pub(super) broken: Option<RedisError>,
    /// The number of the connection, which is replaced when the clock is turned and when the server
    /// starts again.
    pub(super) connection: u64,
}

/// The server's clock: the time of its creation, and what has passed and was turned since.
struct Clock {
    created: Duration,
    steady: Instant,
    turned: Duration,
}

impl Default for Server {
    fn default() -> Self {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            keyspace: Arc::default(),
            scripts: None,
            clock: Clock {
                created: since_1970.unwrap_or_default(),
                steady: Instant::now(),
                turned: Duration::ZERO,
            },
            broken: None,
            // The library takes 0 for no connection.
            connection: 1,
        }
    }
}

impl Server {
    /// The time since 1970.
    pub(super) fn now(&self) -> Duration {
        self.clock.created + self.clock.steady.elapsed() + self.clock.turned
    }

    pub(super) fn turn_clock(&mut self, by: Duration) {
        self.clock.turned += by;
        self.connection += 1;
    }

    /// Makes commands fail, as long as nothing else is asked for.
    pub(super) fn fail(&mut self, failure: Option<Failure>) {
        let mut keyspace = lock(&self.keyspace);
        keyspace.limits = match failure {
            Some(Failure::Writes(error)) => Limits {
                read_only: Some(error),
                ..Limits::default()
            },
            Some(Failure::Full) => Limits {
                max_memory: 1,
                ..Limits::default()
            },
            Some(Failure::Every(_)) | None => Limits::default(),
        };

        self.broken = match failure {
            Some(Failure::Every(error)) => Some(error),
            _ => None,
        };
    }

    /// The keys that exist now, for a caller who is not subject to failures.
    pub(super) fn keys(&self) -> MutexGuard<'_, Keyspace> {
        let now = self.now_us();
        let mut keyspace = lock(&self.keyspace);
        keyspace.begin(now);
        keyspace
    }

    fn now_us(&self) -> u64 {
        u64::try_from(self.now().as_micros()).unwrap_or(u64::MAX)
    }

    /// Executes a command unless the server has failed, and flattens its reply.
    pub(super) fn execute_flat(&mut self, parts: &[Vec<u8>]) -> Result<Vec<Reply>, RedisError> {
        if let Some(error) = &self.broken {
            return Err(error.clone());
        }
        let mut replies = Vec::new();
        let answered = self.execute(parts);
        match answered.and_then(|response| response.flatten_into(&mut replies)) {
            Ok(()) => Ok(replies),
            Err(Refusal(text)) => Err(RedisError::from_script_text(&text)),
        }
    }

    /// Executes a command, whose first part is its name.
    pub(super) fn execute(&mut self, parts: &[Vec<u8>]) -> Answered {
        let (name, args) = parts.split_first().unwrap_or((const { &Vec::new() }, &[]));
        let of_scripts = ["EVAL", "EVALSHA", "SCRIPT"];
        let is_name = |known: &&str| known.as_bytes().eq_ignore_ascii_case(name);
        let found = of_scripts.into_iter().find(is_name);

        let mut keyspace = self.keys();
        let Some(name) = found else {
            return commands::execute(&mut keyspace, parts);
        };
        *keyspace.counters.calls.entry(name).or_default() += 1;
        drop(keyspace);

        let scripts = self.scripts()?;
        match name {
            "EVAL" => scripts.eval(args),
            "EVALSHA" => scripts.eval_sha(args),
            _ => scripts.manage(args),
        }
    }

    fn scripts(&mut self) -> Result<&mut Scripts, Refusal> {
        let created = match self.scripts.take() {
            Some(scripts) => scripts,
            None => Scripts::new(&self.keyspace)
                .map_err(|error| Refusal(format!("ERR no interpreter for scripts: {error}")))?,
        };
        Ok(self.scripts.insert(created))
    }
}
