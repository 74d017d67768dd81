//! The jobs that requests begin.

use std::time::{Duration, SystemTime};

use edge_cache::keyspace::fence;
use edge_cache::keyspace::pattern::Pattern;
use edge_cache::redis::{HostRuntime, Redis};

use super::counts::Counts;
use super::record::{Effect, Job, JobWork, now_ms, to_ms};
use super::state::JobState;
use super::store;
use crate::admin::clear::ClearRequest;
use crate::admin::invalidate::InvalidateRequest;
use crate::admin::job_options::JobOptions;
use crate::error::Error;

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
}

/// A job that a request begins.
#[derive(Debug)]
pub struct NewJob<'a> {
    work: JobWork,
    patterns: Vec<Pattern>,
    /// The invalidation whose keys and tags are removed at once.
    named: Option<&'a InvalidateRequest>,
}

impl<'a> NewJob<'a> {
    /// The job of a clear.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a pattern that names edge-cache's own keys, and for conditions.
    pub fn of_clear(request: &ClearRequest) -> Result<Self, Error> {
        if let Some(conditions) = request.conditions() {
            let problem = format!("is not possible with conditions ({conditions})");
            return Err(Error::invalid("async", problem));
        }

        let patterns = vec![request.walked_pattern()];
        let new = Self::new("clear", patterns, request.is_dry_run(), None)?;
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
        let named = is_named.then_some(request);
        let new = Self::new("invalidate", patterns, request.is_dry_run(), named)?;
        Ok(new.paced(request.job_options()))
    }

    fn paced(mut self, options: JobOptions) -> Self {
        self.work.max_keys_per_second = options.max_keys_per_second();
        self
    }

    fn new(
        kind: &str,
        patterns: Vec<Pattern>,
        is_dry_run: bool,
        named: Option<&'a InvalidateRequest>,
    ) -> Result<Self, Error> {
        if let Some(own) = patterns.iter().find(|pattern| pattern.names_protected()) {
            let problem = format!(
                "is not possible for the pattern {}: the keys of edge-cache include the record of the job",
                own.display()
            );
            return Err(Error::invalid("async", problem));
        }

        let effect = if is_dry_run {
            Effect::Count
        } else {
            Effect::Remove
        };

        Ok(Self {
            work: JobWork {
                kind: kind.to_owned(),
                effect,
                patterns: patterns.iter().map(Pattern::display).collect(),
                max_keys_per_second: None,
            },
            patterns,
            named,
        })
    }

    /// Returns whether it only counts.
    pub fn is_dry_run(&self) -> bool {
        self.work.is_dry_run()
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
        let (earlier, named_in_force) = self.handle_named(redis, fence_interval).await?;
        let (fences, in_force) = if self.is_dry_run() {
            (Vec::new(), None)
        } else {
            fence::open_fences(redis, &self.patterns).await?
        };
        let in_force_at = in_force.map(|in_force| in_force.expected_at(fence_interval));
        let in_force_at = in_force_at.max(named_in_force);

        let now = now_ms();
        let in_force_ms = match in_force_at {
            Some(at) => to_ms(at),
            None if self.is_dry_run() => 0,
            None => now,
        };
        let job = Job {
            id: store::new_id(redis.random()),
            state: JobState::Queued,
            work: self.work,
            by: origin.by,
            role: origin.role,
            ip: origin.ip,
            request_id: origin.request_id,
            created_ms: now,
            started_ms: 0,
            updated_ms: now,
            ended_ms: 0,
            in_force_ms,
            worked_ms: 0,
            total: None,
            earlier,
            plan: None,
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
            return Err(error.after(earlier.removed));
        }
        Ok(job)
    }

    /// Removes or counts the keys that are named, and those of tags; when the removal is in force.
    async fn handle_named<R: Redis + HostRuntime>(
        &self,
        redis: &R,
        fence_interval: Duration,
    ) -> Result<(Counts, Option<SystemTime>), Error> {
        let Some(request) = self.named else {
            return Ok((Counts::default(), None));
        };
        let report = request.run_without_patterns(redis).await?;
        let matched = report.keys_invalidated();
        let counts = Counts {
            matched,
            removed: if self.is_dry_run() { 0 } else { matched },
            ..Counts::default()
        };
        let in_force_at = (!self.is_dry_run()).then(|| report.in_force_at(fence_interval));
        Ok((counts, in_force_at))
    }
}
