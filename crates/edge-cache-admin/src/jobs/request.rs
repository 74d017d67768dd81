//! The jobs that requests begin.

use std::time::{Duration, SystemTime};

use edge_cache::keyspace::bulk_expiry::ExpiryRule;
use edge_cache::keyspace::conditions::Conditions;
use edge_cache::keyspace::fence;
use edge_cache::keyspace::pattern::Pattern;
use edge_cache::keyspace::purge::PurgeMode;
use edge_cache::redis::{HostRuntime, Redis};
use edge_cache::units;

use super::counts::{Counts, SelectedCounts};
use super::record::{Effect, Job, JobWork};
use super::state::JobState;
use super::store;
use crate::admin::analysis::AnalysisRequest;
use crate::admin::clear::ClearRequest;
use crate::admin::expire::ExpireRequest;
use crate::admin::invalidate::InvalidateRequest;
use crate::admin::job_options::JobOptions;
use crate::error::Error;
use crate::warmup::WarmupRequest;

/// The caller that begins a job.
#[derive(Debug, Clone, Default)]
pub struct JobOrigin {
    /// The name of the token.
    pub by: String,
    /// Its role.
    pub role: String,
    /// The client address.
    pub ip: String,
    /// The request's id.
    pub request_id: String,
    /// The operation's id; `None` for a dry run.
    pub operation_id: Option<String>,
}

/// A job that a request begins.
#[derive(Debug)]
pub struct NewJob<'a> {
    work: JobWork,
    patterns: Vec<Pattern>,
    run_at: Option<SystemTime>,
    /// The request whose keys and tags are changed at once.
    named: Option<Named<'a>>,
}

/// A request with keys or tags.
#[derive(Debug, Clone, Copy)]
enum Named<'a> {
    Invalidation(&'a InvalidateRequest),
    Expiry(&'a ExpireRequest),
}

/// The effect of a request on its keys and tags.
#[derive(Debug, Default)]
struct NamedOutcome {
    counts: Counts,
    selected: SelectedCounts,
    in_force_at: Option<SystemTime>,
}

impl<'a> NewJob<'a> {
    /// The job of a clear.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a pattern that names edge-cache's own keys.
    pub fn of_clear(request: &ClearRequest) -> Result<Self, Error> {
        let patterns = vec![request.walked_pattern()];
        let (is_dry_run, mode) = (request.is_dry_run(), request.mode());
        require_others_keys(&patterns)?;
        let mut new = Self::new("clear", patterns, is_dry_run, mode, None);
        new.work.conditions = request.stored_conditions().clone();
        Ok(new.paced(request.job_options()))
    }

    /// The job of an invalidation. Its keys and tags are removed before the job is created.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a pattern that names edge-cache's own keys.
    pub fn of_invalidation(request: &'a InvalidateRequest) -> Result<Self, Error> {
        let patterns = request.patterns.clone();
        let is_named = !(request.keys.is_empty() && request.tags.is_empty());
        if request.is_dry_run() && is_named && !patterns.is_empty() {
            let problem = "is not possible for a dry run of patterns together with keys or tags: it would count keys twice";
            return Err(Error::invalid("async", problem));
        }
        let named = is_named.then_some(Named::Invalidation(request));
        require_now(named.is_some(), request.job_options())?;
        let (is_dry_run, mode) = (request.is_dry_run(), request.mode());
        require_others_keys(&patterns)?;
        let new = Self::new("invalidate", patterns, is_dry_run, mode, named);
        Ok(new.paced(request.job_options()))
    }

    /// The job of a change of expiries. Named keys, and those of tags, are changed before the job is
    /// created.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a pattern that names edge-cache's own keys.
    pub fn of_expiry(request: &'a ExpireRequest) -> Result<Self, Error> {
        let patterns: Vec<Pattern> = request.pattern().into_iter().cloned().collect();
        let named = patterns.is_empty().then_some(Named::Expiry(request));
        require_now(named.is_some(), request.job_options())?;
        require_others_keys(&patterns)?;
        let is_dry_run = request.is_dry_run();
        let mut new = Self::new("expire", patterns, is_dry_run, PurgeMode::Hard, named);
        if !is_dry_run {
            new.work.effect = Effect::Expire;
        }
        new.work.expiry = Some(request.rule());
        new.work.conditions = request.conditions().clone();
        Ok(new.paced(request.job_options()))
    }

    /// The job of a warmup. Only workers that have the sources of its plan advance it.
    pub fn of_warmup(request: &WarmupRequest) -> Self {
        let mut new = Self::new("warmup", Vec::new(), request.dry_run, PurgeMode::Hard, None);
        if !request.dry_run {
            new.work.effect = Effect::Warm;
        }
        new.work.warmup = Some(request.clone());
        new
    }

    /// The job of a full analysis.
    pub fn of_analysis(request: &AnalysisRequest) -> Self {
        let all = vec![Pattern::stored(b"*")];
        let mut new = Self::new("analysis", all, false, PurgeMode::Hard, None);
        new.work.effect = Effect::Analyse;
        new.work.depth = Some(request.depth());
        new.paced(request.pace())
    }

    /// The job that executes a dry run.
    pub(super) fn of_execution(work: JobWork, options: JobOptions) -> Self {
        let new = Self {
            patterns: work.patterns(),
            run_at: None,
            work,
            named: None,
        };
        new.paced(options)
    }

    fn paced(mut self, options: JobOptions) -> Self {
        self.work.max_keys_per_second = options.max_keys_per_second();
        self.work.max_latency_ms = options.max_latency_ms();
        self.run_at = options.run_at();
        self
    }

    /// Sets the latency above which the job slows down, unless the request has set one.
    #[must_use]
    pub fn with_default_latency(mut self, max_latency_ms: u64) -> Self {
        // A warmup has its own limits.
        if self.work.warmup.is_none() {
            let max_latency = &mut self.work.max_latency_ms;
            *max_latency = max_latency.or(Some(max_latency_ms.max(1)));
        }
        self
    }

    fn new(
        kind: &str,
        patterns: Vec<Pattern>,
        is_dry_run: bool,
        mode: PurgeMode,
        named: Option<Named<'a>>,
    ) -> Self {
        let effect = match mode {
            _ if is_dry_run => Effect::Count,
            PurgeMode::Hard => Effect::Remove,
            PurgeMode::Soft(_) => Effect::MarkStale,
        };

        Self {
            work: JobWork {
                kind: kind.to_owned(),
                effect,
                purge: mode.into(),
                patterns: patterns.iter().map(Pattern::display).collect(),
                max_keys_per_second: None,
                max_latency_ms: None,
                conditions: Conditions::default(),
                expiry: None::<ExpiryRule>,
                depth: None,
                dry_run_job: None,
                executes: None,
                warmup: None,
            },
            patterns,
            run_at: None,
            named,
        }
    }

    /// Returns whether it begins at a later time.
    pub fn is_scheduled(&self) -> bool {
        self.run_at.is_some()
    }

    /// Returns whether it only counts.
    pub fn is_dry_run(&self) -> bool {
        self.work.is_dry_run()
    }

    /// Returns whether keys or tags are counted before the job is created.
    pub fn counts_at_once(&self) -> bool {
        self.is_dry_run() && self.named.is_some()
    }

    /// Records its invalidations, so that they are soon in force, and stores the job in the queue.
    /// Two round trips, and one for each pattern; keys and tags cost what they cost without a job.
    ///
    /// # Errors
    /// [`Error::TooManyJobs`] if too many are unfinished, and those of the connection.
    pub async fn create<R: Redis + HostRuntime>(
        self,
        redis: &R,
        origin: JobOrigin,
        fence_interval: Duration,
    ) -> Result<Job, Error> {
        store::require_room(redis).await?;
        let named = self.handle_named(redis, fence_interval).await?;
        let (fences, in_force) = if self.run_at.is_none() && self.work.invalidates_patterns() {
            fence::open_fences(redis, &self.patterns, self.work.purge.mode()).await?
        } else {
            (Vec::new(), None)
        };
        let in_force_at = in_force.map(|in_force| in_force.expected_at(fence_interval));
        let in_force_at = in_force_at.max(named.in_force_at);

        let now = units::now_ms();
        let run_at_ms = self.run_at.map_or(0, units::since_1970_ms);
        let in_force_ms = match in_force_at {
            Some(at) => units::since_1970_ms(at),
            None if self.run_at.is_none() && self.work.invalidates_patterns() => now,
            None => 0,
        };
        let job = Job {
            id: store::new_id(run_at_ms.max(now), redis.random()),
            state: if self.run_at.is_some() {
                JobState::Scheduled
            } else {
                JobState::Queued
            },
            work: self.work.clone(),
            by: origin.by,
            role: origin.role,
            ip: origin.ip,
            request_id: origin.request_id,
            operation_id: origin.operation_id,
            created_ms: now,
            run_at_ms,
            started_ms: 0,
            updated_ms: now,
            ended_ms: 0,
            in_force_ms,
            worked_ms: 0,
            fence_interval_ms: units::milliseconds(fence_interval),
            latency_us: None,
            rest_ms: 0,
            name_bits: None,
            total: None,
            earlier: named.counts,
            earlier_selected: named.selected,
            plan: None,
            warmed: None,
            fences,
            owner: String::new(),
            takeovers: 0,
            error: None,
        };

        if let Err(error) = store::create(redis, &job).await {
            // If only the reply was lost, the job needs its fences. If there is no job, the schedule takes them for those of
            // an interrupted removal.
            if matches!(error, Error::TooManyJobs(_)) {
                let _ = fence::withdraw_fences(redis, &job.fences).await;
            }
            return Err(error.after(self.work.removed_of(named.counts)));
        }
        Ok(job)
    }

    /// Removes, changes or counts the keys that are named, and those of tags.
    async fn handle_named<R: Redis + HostRuntime>(
        &self,
        redis: &R,
        fence_interval: Duration,
    ) -> Result<NamedOutcome, Error> {
        let mut outcome = NamedOutcome::default();
        match self.named {
            None => {}

            Some(Named::Invalidation(request)) => {
                let report = request.run_without_patterns(redis).await?;
                outcome.counts.matched = report.keys_covered();
                if !self.is_dry_run() {
                    outcome.counts.removed = outcome.counts.matched;
                    outcome.in_force_at = Some(report.in_force_at(fence_interval));
                }
            }

            Some(Named::Expiry(request)) => {
                let counts = request.change(redis).await?;
                outcome.counts.matched = counts.matched;
                outcome.selected = (&counts).into();
            }
        }
        Ok(outcome)
    }
}

/// Fails for a pattern that names edge-cache's own keys.
fn require_others_keys(patterns: &[Pattern]) -> Result<(), Error> {
    let Some(own) = patterns.iter().find(|pattern| pattern.names_protected()) else {
        return Ok(());
    };
    let problem = format!(
        "is not possible for the pattern {}: the keys of edge-cache include the record of the job",
        own.display()
    );
    Err(Error::invalid("async", problem))
}

/// Checks that a request with keys or tags has no later time: these are changed before its job is
/// created.
fn require_now(is_named: bool, options: JobOptions) -> Result<(), Error> {
    if is_named && options.run_at().is_some() {
        let problem = "is possible with patterns only: keys and tags are handled at once";
        return Err(Error::invalid("runAt", problem));
    }
    Ok(())
}
