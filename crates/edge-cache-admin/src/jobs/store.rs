//! The scripts that read and change the records of jobs.

use std::time::Duration;

use edge_cache::RedisError;
use edge_cache::keyspace::key::{JOB_LOCK, JOB_STATES, JOBS, NONE, WARMUP_LOCK};
use edge_cache::redis::script::Script;
use edge_cache::redis::{Arg, Redis, Replies};
use edge_cache::{script, units};

use super::record::Job;
use super::state::{JobChange, JobState};
use crate::error::Error;
use crate::lua;

static CREATE: Script = script!(once "jobs/create", [lua::JOBS]);
static BEGIN: Script = script!(once "jobs/begin", []);
static CLAIM: Script = script!(once "jobs/claim", [lua::JOBS]);
static SAVE: Script = script!(repeatable "jobs/save", []);
static CHANGE: Script = script!(once "jobs/change", []);
static LIST: Script = script!(repeatable "jobs/list", [lua::JOBS]);
static FIND: Script = script!(repeatable "jobs/find", []);
static RELEASE: Script = script!(repeatable "jobs/release", []);

/// The most jobs that are kept.
pub const MAX_JOBS: u64 = 1000;
/// The most jobs that may be unfinished at once.
pub const MAX_UNFINISHED_JOBS: u64 = 100;
/// How long a job is kept after it was created or its scheduled time, if it has ended.
const KEPT: Duration = Duration::from_secs(7 * 86_400);
/// How long a worker has the right to advance a job, unless it renews it.
pub(super) const LEASE: Duration = Duration::from_secs(5);
/// The same for warmups, which renew it less often.
const WARMUP_LEASE: Duration = Duration::from_secs(10);
/// States of jobs that have work left.
const UNFINISHED: [JobState; 7] = [
    JobState::Scheduled,
    JobState::Queued,
    JobState::Running,
    JobState::Paused,
    JobState::Cancelling,
    JobState::Failing,
    JobState::Finishing,
];
/// Hexadecimal digits of the time in an id, and of the whole id.
const TIME_DIGITS: usize = 12;
const ID_DIGITS: usize = 20;

/// The jobs that a worker advances: each queue has its own lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Queue {
    /// Walks over the keyspace.
    Walks,
    /// Warmups. The lease is the lock on warmups.
    Warmups,
}

impl Queue {
    fn of(job: &Job) -> Self {
        match job.work.warmup {
            None => Self::Walks,
            Some(_) => Self::Warmups,
        }
    }

    fn lease(self) -> (&'static str, Duration) {
        match self {
            Self::Walks => (JOB_LOCK, LEASE),
            Self::Warmups => (WARMUP_LOCK, WARMUP_LEASE),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Walks => "walks",
            Self::Warmups => "warmups",
        }
    }

    fn keys(self) -> [Arg; 4] {
        [JOBS, JOB_STATES, self.lease().0, NONE].map(Arg::from)
    }
}

/// The reply to a worker that claims a job.
#[derive(Debug)]
pub(super) enum Claim {
    /// Another worker has the lease, for this long.
    Busy(Duration),
    /// There is no work.
    Idle,
    /// A job, in the state before the claim.
    Job(Box<Job>),
    /// The id of a job whose record this version cannot read.
    Unreadable(String),
}

/// The result of storing a record.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Saved {
    /// Another worker has the lease.
    Lost,
    /// The job has been removed.
    Gone,
    /// It is in this state now.
    In(JobState),
}

/// Jobs of a page, and the number of all.
pub(super) struct Listed {
    pub(super) total: u64,
    pub(super) jobs: Vec<Job>,
}

/// Creates the id of a job that may run from this time on: the time, then a random number.
pub(super) fn new_id(from_ms: u64, random: u64) -> String {
    format!("{}{:08x}", id_at(from_ms), random as u32)
}

/// Returns whether a text has the form of an id.
pub(super) fn is_id(text: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    text.len() == ID_DIGITS && text.bytes().all(is_digit)
}

fn id_at(ms: u64) -> String {
    format!("{ms:0TIME_DIGITS$x}")
}

/// The beginning of the ids from which jobs that have ended are kept.
fn oldest_kept() -> Arg {
    let kept_ms = units::milliseconds(KEPT);
    id_at(units::now_ms().saturating_sub(kept_ms)).into()
}

/// Stores a new job. One round trip.
pub(super) async fn create<R: Redis>(redis: &R, job: &Job) -> Result<(), Error> {
    let args = [
        job.id.as_str().into(),
        job.to_json().into(),
        MAX_UNFINISHED_JOBS.into(),
        MAX_JOBS.into(),
        oldest_kept(),
        job.state.stored_name().into(),
    ];
    let keys = [JOBS, JOB_STATES, NONE].map(Arg::from);
    let created = CREATE.run(redis, keys, args).await?.count()?;
    if created == 0 {
        return Err(Error::TooManyJobs(MAX_UNFINISHED_JOBS));
    }
    Ok(())
}

/// Checks that another job may be created. One round trip.
pub(super) async fn require_room<R: Redis>(redis: &R) -> Result<(), Error> {
    let listed = list(redis, 1, "", &UNFINISHED.map(JobState::stored_name)).await?;
    if listed.total >= MAX_UNFINISHED_JOBS {
        return Err(Error::TooManyJobs(MAX_UNFINISHED_JOBS));
    }
    Ok(())
}

/// Queues a scheduled job, and stores its record. Returns false if it is no longer scheduled. One
/// round trip.
pub(super) async fn begin<R: Redis>(redis: &R, job: &Job) -> Result<bool, RedisError> {
    let args = [job.id.as_str().into(), job.to_json().into()];
    let keys = [JOBS, JOB_STATES, NONE].map(Arg::from);
    Ok(BEGIN.run(redis, keys, args).await?.count()? == 1)
}

/// Takes the lease and a job to work on. One round trip.
pub(super) async fn claim<R: Redis>(redis: &R, queue: Queue, worker: &str) -> Result<Claim, Error> {
    let (_, lease) = queue.lease();
    let args = [
        worker.into(),
        units::milliseconds(lease).into(),
        queue.name().into(),
    ];
    let mut replies = CLAIM.run(redis, queue.keys(), args).await?;
    match replies.text()?.as_str() {
        "busy" => Ok(Claim::Busy(Duration::from_millis(replies.count()?))),
        "job" => {
            let id = replies.text()?;
            let job = read_known(&mut replies, &id);
            Ok(job.map_or(Claim::Unreadable(id), |job| Claim::Job(Box::new(job))))
        }
        _ => Ok(Claim::Idle),
    }
}

/// Lets a job fail whose record this version cannot read. The schedule takes its fences for those of an interrupted
/// removal. One round trip.
pub(super) async fn fail<R: Redis>(redis: &R, id: &str) -> Result<(), RedisError> {
    let states = [JobState::Failed].into_iter().chain(UNFINISHED);
    let states = states.map(|state| state.stored_name().into());
    let args = [Arg::from(id)].into_iter().chain(states);
    let keys = [JOBS, JOB_STATES, NONE].map(Arg::from);
    CHANGE.run(redis, keys, args).await.map(drop)
}

/// Stores the record, renews the lease, and moves the job to `next` unless its state was changed
/// since it was read. One round trip.
pub(super) async fn save<R: Redis>(
    redis: &R,
    worker: &str,
    job: &mut Job,
    next: JobState,
) -> Result<Saved, RedisError> {
    job.updated_ms = units::now_ms();
    let queue = Queue::of(job);
    let (_, lease) = queue.lease();
    let args = [
        worker.into(),
        units::milliseconds(lease).into(),
        job.id.as_str().into(),
        job.to_json().into(),
        job.state.stored_name().into(),
        next.stored_name().into(),
    ];

    let reply = SAVE.run(redis, queue.keys(), args).await?.text()?;
    Ok(match reply.as_str() {
        "lost" => Saved::Lost,
        "gone" => Saved::Gone,
        state => Saved::In(JobState::parse_stored(state).unwrap_or(JobState::Paused)),
    })
}

/// Ends a worker's lease. One round trip.
pub(super) async fn release<R: Redis>(
    redis: &R,
    queue: Queue,
    worker: &str,
) -> Result<(), RedisError> {
    let (lock, _) = queue.lease();
    RELEASE
        .run(redis, [lock.into()], [worker.into()])
        .await
        .map(drop)
}

impl JobChange {
    /// Makes the transition, and returns the job in its new state. One round trip.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such job, [`Error::JobState`] if its state does not allow
    /// it, and those of the connection.
    pub async fn run<R: Redis>(self, redis: &R, id: &str) -> Result<Job, Error> {
        if !is_id(id) {
            return Err(not_found(id));
        }
        let target = self.target();
        let sources = self.sources().iter().map(|state| state.stored_name());
        let args = [id, target.stored_name()].into_iter().chain(sources);

        let keys = [JOBS, JOB_STATES, NONE].map(Arg::from);
        let mut replies = CHANGE.run(redis, keys, args.map(Arg::from)).await?;
        let outcome = replies.text()?;
        if outcome == "missing" {
            return Err(not_found(id));
        }
        let job = read_known(&mut replies, id)?;
        if outcome == "refused" {
            return Err(Error::JobState(format!(
                "the job is {}, so it cannot be {}",
                job.state.name(),
                self.participle()
            )));
        }
        Ok(Job {
            state: target,
            ..job
        })
    }
}

/// Reads a page of jobs, newest first, in these states or any. One round trip.
pub(super) async fn list<R: Redis>(
    redis: &R,
    limit: u64,
    cursor: &str,
    states: &[&'static str],
) -> Result<Listed, RedisError> {
    let head = [limit.into(), cursor.into(), oldest_kept()];
    let states = states.iter().map(|state| Arg::from(*state));
    let keys = [JOBS, JOB_STATES].map(Arg::from);
    let mut replies = LIST
        .run(redis, keys, head.into_iter().chain(states))
        .await?;

    let total = replies.count()?;
    let mut jobs = Vec::new();
    while replies.remaining() > 0 {
        let id = replies.text()?;
        // A record of another version is left out.
        jobs.extend(read_known(&mut replies, &id).ok());
    }
    Ok(Listed { total, jobs })
}

/// Reads a job; `None` if there is none. One round trip.
pub(super) async fn find<R: Redis>(redis: &R, id: &str) -> Result<Option<Job>, RedisError> {
    let keys = [JOBS, JOB_STATES].map(Arg::from);
    let mut replies = FIND.run(redis, keys, [id.into()]).await?;
    if replies.remaining() == 0 {
        return Ok(None);
    }
    read_known(&mut replies, id).map(Some)
}

/// Reads the fences of unfinished jobs, which the schedule must not complete as interrupted
/// removals. One round trip.
///
/// # Errors
/// Those of the connection.
pub async fn read_open_fences<R: Redis>(redis: &R) -> Result<Vec<String>, RedisError> {
    let names = UNFINISHED.map(JobState::stored_name);
    let listed = list(redis, MAX_JOBS, "", &names).await?;
    Ok(listed.jobs.into_iter().flat_map(|job| job.fences).collect())
}

pub(super) fn not_found(id: &str) -> Error {
    let id: String = id.chars().take(ID_DIGITS).collect();
    Error::NotFound(format!(
        "there is no job {id}: jobs are kept for 7 days after they were created"
    ))
}

fn read_known(replies: &mut Replies, id: &str) -> Result<Job, RedisError> {
    let state = JobState::parse_stored(&replies.text()?);
    let json = replies.bytes()?;
    let job = state.and_then(|state| Job::read(id.to_owned(), state, &json));
    job.ok_or_else(|| {
        let problem = format!("the record of job {id} is of another version of edge-cache");
        RedisError::new(edge_cache::ErrorKind::Protocol, problem)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_ordered_by_time_and_recognised() {
        let id = new_id(units::now_ms(), 7);

        assert!(is_id(&id), "{id}");
        assert!(id_at(0x1000) > id_at(0xfff));
        assert!(!is_id("../clear") && !is_id(&id.to_uppercase().replace('0', "G")));
    }
}
