//! Keeping analyses: the last 30 in a stream beside the audit trail, and a lock that lets one sample be
//! taken at a time.

use std::time::Duration;

use edge_cache::keyspace::lock;
use edge_cache::redis::script::Script;
use edge_cache::redis::{Arg, Redis, Replies};
use edge_cache::{RedisError, script};

use super::growth::MIN_AGE_MS;
use super::key_sizes::KeySizes;
use super::memory::NodeMemory;
use super::report::AnalysisReport;
use super::result::{Analysis, KeptRun, Origin, RunSummary};
use super::sample::NodeSample;
use super::slice::NodeTally;
use crate::admin::rows::milliseconds_of;
use crate::error::Error;

/// Reads an analysis, with the summaries of all.
static READ: Script = script!(repeatable "analysis/read", []);
/// Keeps an analysis.
static WRITE: Script = script!(once "analysis/write", []);

/// The analyses (a stream).
const ANALYSES: &str = "cache:audit:analyses";
/// The lock on samples.
const LOCK: &str = "cache:audit:analyses:lock";
/// The most analyses that are kept.
const MAX_ANALYSES: u64 = 30;
/// The lifetime of the lock: longer than a sample takes.
const LEASE: Duration = Duration::from_secs(60);

/// The lock on samples.
pub(super) struct Lock<'a, A> {
    trail: &'a A,
    owner: String,
}

impl<'a, A: Redis> Lock<'a, A> {
    /// One round trip.
    ///
    /// # Errors
    /// [`Error::Conflict`] while another sample is taken; those of the connection.
    pub(super) async fn acquire(trail: &'a A, random: u64) -> Result<Self, Error> {
        let owner = format!("{random:016x}");
        if !lock::acquire(trail, LOCK, &owner, LEASE).await? {
            let problem = "an analysis is already running; it takes about a second";
            return Err(Error::Conflict(problem.to_owned()));
        }
        Ok(Self { trail, owner })
    }

    /// One round trip. If it fails, the lock ends by itself.
    pub(super) async fn release(self) {
        let _ = lock::release(self.trail, LOCK, &self.owner).await;
    }
}

/// Compares an analysis with an earlier one, and keeps it. That of a job is kept once. Two round trips.
///
/// # Errors
/// Those of the connection.
pub(super) async fn keep<A: Redis>(
    trail: &A,
    mut analysis: Analysis,
    job: &str,
) -> Result<AnalysisReport, Error> {
    let before = analysis.ended_ms.saturating_sub(MIN_AGE_MS);
    let earlier = read_stored(trail, "", &before.to_string()).await?;
    if let Some((id, earlier, _)) = &earlier {
        analysis.compare_with(earlier, milliseconds_of(id).unwrap_or_default());
    }

    let args: [Arg; 4] = [
        MAX_ANALYSES.into(),
        analysis.summary().pack().into(),
        analysis.pack().into(),
        job.into(),
    ];
    let mut replies = WRITE.run(trail, [ANALYSES.into()], args).await?;
    let id = replies.text()?;
    let runs = read_runs(&mut replies)?;
    Ok(AnalysisReport::new(id, analysis, runs))
}

/// Keeps the analysis of a job, from what it has tallied on each node, once. Two round trips.
///
/// # Errors
/// Those of the connection.
pub(crate) async fn keep_full<A: Redis>(
    trail: &A,
    origin: Origin,
    tallied: Vec<(NodeMemory, NodeTally)>,
    key_sizes: KeySizes,
    job: &str,
) -> Result<(), Error> {
    let samples: Vec<NodeSample> = tallied.into_iter().map(NodeSample::whole).collect();
    keep(trail, Analysis::new(origin, &samples, key_sizes), job)
        .await
        .map(drop)
}

/// Reads an analysis, `""` for the newest; `None` if there is none. One round trip.
///
/// # Errors
/// Those of the connection.
pub(super) async fn read<A: Redis>(trail: &A, id: &str) -> Result<Option<AnalysisReport>, Error> {
    let stored = read_stored(trail, id, "+").await?;
    Ok(stored.map(|(id, analysis, runs)| AnalysisReport::new(id, analysis, runs)))
}

/// The time at which the newest analysis was kept, in milliseconds since 1970 by Redis' clock. One
/// round trip.
pub(super) async fn read_newest_ms<A: Redis>(trail: &A) -> Result<Option<u64>, RedisError> {
    let mut replies = READ
        .run(trail, [ANALYSES.into()], ["".into(), "".into()])
        .await?;
    let id = replies.text()?;
    Ok(milliseconds_of(&id))
}

/// Reads the analysis with this id, or the newest one until `until`.
async fn read_stored<A: Redis>(
    trail: &A,
    id: &str,
    until: &str,
) -> Result<Option<(String, Analysis, Vec<KeptRun>)>, RedisError> {
    let args = [id.into(), until.into()];
    let mut replies = READ.run(trail, [ANALYSES.into()], args).await?;
    let id = replies.text()?;
    let analysis = Analysis::unpack(&replies.bytes()?);
    let runs = read_runs(&mut replies)?;
    Ok(analysis.map(|analysis| (id, analysis, runs)))
}

/// Reads the summaries, oldest first. Those of another format are skipped.
fn read_runs(replies: &mut Replies) -> Result<Vec<KeptRun>, RedisError> {
    let mut packed = replies.packed()?;
    let mut runs = Vec::new();
    while packed.remaining() > 0 {
        let id = packed.text()?;
        let summary = RunSummary::unpack(&packed.bytes()?);
        runs.extend(summary.map(|summary| KeptRun { id, summary }));
    }
    Ok(runs)
}
