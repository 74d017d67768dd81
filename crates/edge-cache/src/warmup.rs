//! Warming the cache up: a plan says what to load from where, and one warmup at a time carries it out.
//!
//! The lock and the progress live in Redis, so it does not matter which instance runs the warmup and which is asked.

mod entry;
mod plan;
mod status;

use std::time::{Duration, Instant, SystemTime};

use futures_util::future::{join, join_all};
use serde_json::Value;

pub use plan::{Entry, Module, Plan, Shape};
pub use status::{ModuleState, ModuleStatus, State, Status};

use crate::body::{self, Fields};
use crate::error::{Error, ErrorKind, RedisError};
use crate::format;
use crate::key::{KeyName, WARMUP_LOCK, WARMUP_STATUS};
use crate::redis::{Arg, Command, Redis, Replies};
use crate::script::{LOCK, TAG_ADD, WRITE_SLICE};
use entry::Warmed;

/// How long a warmup may be silent before another may start. Prolonged with every slice.
const LEASE: Duration = Duration::from_secs(30);
/// Entries written in one script call, and about how many bytes.
const SLICE: usize = 1000;
const SLICE_BYTES: usize = 4 << 20;
/// The most modules a request may name.
const MAX_MODULES: usize = 100;

/// The answer of a query: columns, and rows of JSON values in their order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The rows, each with one value per column.
    pub rows: Vec<Vec<Value>>,
}

/// Where a warmup reads from.
#[expect(async_fn_in_trait, reason = "components are single-threaded: the futures need not be Send")]
pub trait Source {
    /// Runs a query.
    ///
    /// # Errors
    /// What went wrong, in words for the operator.
    async fn query(&self, sql: &str) -> Result<Rows, String>;
}

/// A checked `POST /warmup`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The modules to warm, empty for all.
    pub modules: Vec<String>,
    /// Whether keys that exist are written again.
    pub force: bool,
}

impl Request {
    /// Reads `{modules?, force?}`; an empty list of modules means all.
    ///
    /// # Errors
    /// [`Error::Malformed`] and [`Error::Invalid`] for the body, a module that the plan has not included.
    pub fn parse(body: &[u8], plan: &Plan) -> Result<Self, Error> {
        let mut fields = Fields::from_json(body)?;
        let modules = fields.list("modules", MAX_MODULES, |field, value| {
            let name = body::string(field, value)?;
            match plan.modules.iter().any(|module| module.name == name) {
                true => Ok(name),
                false => Err(Error::invalid(field, format!("must be one of {}", plan.names()))),
            }
        })?;
        let force = fields.flag("force")?;
        fields.finish("modules, force")?;
        Ok(Self { modules, force })
    }

    /// The modules in words, for the audit trail.
    pub fn describe(&self) -> String {
        if self.modules.is_empty() { "all".into() } else { self.modules.join(", ") }
    }

    /// Carries it out, module by module in the plan's order of priority.
    ///
    /// An entry that fails is counted and the rest goes on. Per slice of up to 1,000 keys it costs one round trip, one for
    /// its tags and one for lock and progress.
    ///
    /// # Errors
    /// [`Error::Conflict`] while another warmup runs or when the lock was lost to one; those of the connection.
    pub async fn run<R: Redis, S: Source>(&self, warmup: Warmup<'_, R, S>) -> Result<Status, Error> {
        warmup.lock().await?;
        let mut status = Status::started(warmup.plan, self, warmup.by, warmup.owner);
        let started = Instant::now();
        let result = warmup.modules(self, &mut status, started).await;
        status.finish(started.elapsed(), result.as_ref().err());
        // Whatever happened, others should neither wait for the lease to end nor read "running".
        let (saved, released) = join(warmup.save(&status), warmup.release()).await;
        result?;
        saved?;
        released?;
        Ok(status)
    }
}

/// One warmup: what it works with, and in whose name.
pub struct Warmup<'a, R, S> {
    /// The cache.
    pub redis: &'a R,
    /// Where to read from.
    pub source: &'a S,
    /// What to load.
    pub plan: &'a Plan,
    /// Who asked for it: a token's name, or `schedule`.
    pub by: &'a str,
    /// A random value that nobody else has.
    pub owner: &'a str,
}

impl<R: Redis, S: Source> Warmup<'_, R, S> {
    async fn lock(&self) -> Result<(), Error> {
        let set = Command::new("SET").arg(WARMUP_LOCK).arg(self.owner).arg("NX").arg("PX");
        let mut replies = Replies::new(self.redis.execute(set.arg(format::milliseconds(LEASE))).await?);
        if replies.optional_bytes()?.is_some() {
            return Ok(());
        }
        let running = read_status(self.redis).await?.filter(|status| status.state == State::Running);
        let who = running.map(|status| format!(", started by {} at {}", status.by, status.started_at));
        let who = who.unwrap_or_default();
        Err(Error::Conflict(format!("a warmup is running{who}; GET /api/cache/warmup shows its progress")))
    }

    async fn release(&self) -> Result<(), RedisError> {
        LOCK.run(self.redis, [WARMUP_LOCK.into()], [self.owner.into(), "0".into()]).await.map(drop)
    }

    async fn save(&self, status: &Status) -> Result<(), RedisError> {
        let json = serde_json::to_string(status).unwrap_or_default();
        self.redis.execute(Command::read("SET").arg(WARMUP_STATUS).arg(json)).await.map(drop)
    }

    /// Shows progress and keeps the lock.
    async fn beat(&self, status: &mut Status, started: Instant) -> Result<(), Error> {
        status.touch(started.elapsed());
        let prolong = [self.owner.into(), format::milliseconds(LEASE).into()];
        let (saved, kept) = join(self.save(status), LOCK.run(self.redis, [WARMUP_LOCK.into()], prolong)).await;
        saved?;
        match kept?.count()? {
            0 => Err(Error::Conflict("the warmup took too long between two steps and lost its lock to another".into())),
            _ => Ok(()),
        }
    }

    async fn modules(&self, request: &Request, status: &mut Status, started: Instant) -> Result<(), Error> {
        for index in 0..status.modules.len() {
            let Some(module) = self.plan.modules.iter().find(|module| module.name == status.modules[index].name) else {
                continue;
            };
            let module_started = Instant::now();
            status.modules[index].state = ModuleState::Running;
            for entry in &module.entries {
                self.beat(status, started).await?;
                self.entry(entry, request.force, status, index, started).await?;
                status.modules[index].entries_done += 1;
            }
            status.modules[index].finish(module_started.elapsed());
        }
        Ok(())
    }

    async fn entry(
        &self,
        entry: &Entry,
        force: bool,
        status: &mut Status,
        module: usize,
        started: Instant,
    ) -> Result<(), Error> {
        let warmed = match self.source.query(&entry.query).await {
            Ok(rows) => entry.render(rows),
            Err(problem) => Err(problem),
        };
        let warmed = match warmed {
            Ok(warmed) => warmed,
            Err(problem) => {
                status.failed(module, &format!("{}: {problem}", entry.key));
                return Ok(());
            }
        };
        for slice in slices(&warmed) {
            match self.write(entry, slice, force).await {
                Ok(written) => status.wrote(module, &written),
                // What is wrong with this entry's tags says nothing about the next entry.
                Err(error) if error.kind == ErrorKind::WrongType => {
                    status.failed(module, &format!("{}: {error}", entry.key));
                }
                Err(error) => return Err(error.into()),
            }
            self.beat(status, started).await?;
        }
        Ok(())
    }

    /// Tags first: a value whose tag does not know it could not be invalidated by it.
    async fn write(&self, entry: &Entry, slice: &[Warmed], force: bool) -> Result<Written, RedisError> {
        let ttl = |warmed: &Warmed| format::milliseconds(entry.ttl_of(&warmed.key));
        let longest = slice.iter().map(ttl).max().unwrap_or_default();
        let tagging = entry.tags.iter().map(|tag| {
            let members = slice.iter().map(|warmed| Arg::from(warmed.key.as_str()));
            TAG_ADD.run(self.redis, [tag.key().into()], [longest.into()].into_iter().chain(members))
        });
        join_all(tagging).await.into_iter().collect::<Result<Vec<_>, _>>()?;
        let keys = slice.iter().flat_map(|warmed| {
            let name = KeyName::new(warmed.key.as_str());
            [Arg::from(name.as_bytes()), name.companion().into()]
        });
        let tags = entry.tags.iter().map(crate::tag::Tag::as_str).collect::<Vec<_>>().join("\n");
        let values = slice.iter().flat_map(|warmed| {
            let head =
                [warmed.kind.into(), ttl(warmed).into(), tags.as_str().into(), "".into(), warmed.values.len().into()];
            head.into_iter().chain(warmed.values.iter().map(|value| Arg::from(value.as_str())))
        });
        let force = if force { "1" } else { "0" };
        let mut replies = WRITE_SLICE.run(self.redis, keys, [force.into()].into_iter().chain(values)).await?;
        Ok(Written {
            created: replies.count()?,
            skipped: replies.count()?,
            bytes: replies.count()?,
            refused: replies.count()?,
            reason: replies.text()?,
        })
    }
}

/// What a slice's writing did.
#[derive(Debug, Default)]
pub(crate) struct Written {
    created: u64,
    skipped: u64,
    bytes: u64,
    refused: u64,
    reason: String,
}

/// Cuts entries into slices of up to 1,000 and about 4 MiB.
fn slices(mut warmed: &[Warmed]) -> Vec<&[Warmed]> {
    let mut slices = Vec::new();
    while !warmed.is_empty() {
        let mut bytes = 0;
        let fitting = warmed.iter().take(SLICE).take_while(|entry| {
            bytes += entry.bytes();
            bytes <= SLICE_BYTES
        });
        let (slice, rest) = warmed.split_at(fitting.count().max(1));
        slices.push(slice);
        warmed = rest;
    }
    slices
}

async fn read_status<R: Redis>(redis: &R) -> Result<Option<Status>, RedisError> {
    let stored = Replies::new(redis.execute(Command::read("GET").arg(WARMUP_STATUS)).await?).optional_bytes()?;
    Ok(stored.and_then(|json| serde_json::from_slice(&json).ok()))
}

/// The progress of the running warmup, or the result of the last: two commands, overlapping. `None` before the first.
///
/// A warmup whose instance died is told as `interrupted`.
///
/// # Errors
/// Those of the connection.
pub async fn progress<R: Redis>(redis: &R) -> Result<Option<Status>, Error> {
    let lock = redis.execute(Command::read("EXISTS").arg(WARMUP_LOCK));
    let (status, locked) = join(read_status(redis), lock).await;
    let (status, locked) = (status?, Replies::new(locked?).count()? > 0);
    Ok(status.map(|mut status| {
        if status.state == State::Running && !locked {
            status.state = State::Interrupted;
        }
        status
    }))
}

pub(crate) fn now() -> String {
    format::timestamp(SystemTime::now())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_ends_at_1000_entries_or_4_mib() {
        let entry = |bytes: usize| Warmed { key: "k".into(), kind: "string", values: vec!["x".repeat(bytes)] };
        let many: Vec<_> = (0..2500).map(|_| entry(10)).collect();
        assert_eq!(slices(&many).iter().map(|slice| slice.len()).collect::<Vec<_>>(), [1000, 1000, 500]);
        let large: Vec<_> = (0..3).map(|_| entry(3 << 20)).collect();
        assert_eq!(slices(&large).len(), 3);
        let huge = [entry(9 << 20)];
        assert_eq!(slices(&huge).len(), 1);
    }
}
