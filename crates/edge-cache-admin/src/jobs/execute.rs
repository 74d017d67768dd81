//! Executing a dry run: a new job changes what the dry run has only counted.

use edge_cache::keyspace::pattern::Pattern;
use edge_cache::keyspace::purge::PurgeMode;
use edge_cache::keyspace::scan;
use edge_cache::redis::Redis;

use super::names::{MAX_REMEMBERED_NAMES, RememberedNames};
use super::page::read_job;
use super::record::{Effect, Job, JobWork};
use super::request::NewJob;
use crate::admin::audit::AuditRecord;
use crate::admin::conditions::explain;
use crate::admin::confirmation::Confirmation;
use crate::admin::invalidate::preview::preview;
use crate::admin::job_options::JobOptions;
use crate::admin::role::Role;
use crate::admin::share::RemovalShare;
use crate::error::Error;
use crate::input::Fields;

/// The longest id of a record; ids of jobs are shorter.
const MAX_ID_CHARACTERS: usize = 64;

/// A checked `POST /jobs/{id}/execute`.
#[derive(Debug)]
pub struct ExecuteRequest {
    by: Option<ExecuteBy>,
    confirmation: Confirmation,
    options: JobOptions,
}

/// The keys that an execution changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ExecuteBy {
    /// Those that the dry run has matched, and that still match.
    Names,
    /// Those that match now.
    Pattern,
}

/// A dry run that is executed.
#[derive(Debug)]
pub struct Execution {
    work: JobWork,
    patterns: Vec<Pattern>,
    /// The number of keys that the dry run has matched, if it is executed for these.
    seen: Option<u64>,
    confirmation: Confirmation,
    options: JobOptions,
}

impl ExecuteRequest {
    /// The record of an execution that cannot begin.
    pub fn record_of_failure(id: &str) -> AuditRecord {
        let id: String = id.chars().take(MAX_ID_CHARACTERS).collect();
        let mut record = AuditRecord::new("job-begin");
        record.detail = Some(format!("execution of dry run {id}"));
        record
    }

    /// Reads `by` (`names` or `pattern`), `confirm` and the pace.
    ///
    /// # Errors
    /// [`Error::Malformed`] and [`Error::Invalid`] for the body.
    pub fn parse(body: &[u8]) -> Result<Self, Error> {
        let mut fields = Fields::from_json(body)?;
        let by = match fields.string("by")?.as_deref() {
            None => None,
            Some("names") => Some(ExecuteBy::Names),
            Some("pattern") => Some(ExecuteBy::Pattern),
            Some(_) => return Err(Error::invalid("by", "must be `names` or `pattern`")),
        };
        let confirmation = Confirmation::read(&mut fields)?;
        let options = JobOptions::read_pace(&mut fields)?;
        fields.reject_unknown("by, confirm, confirmCount, maxKeysPerSecond, maxLatencyMs")?;
        Ok(Self {
            by,
            confirmation,
            options,
        })
    }

    /// Finds the dry run. One round trip, and one more for each part of its walk if it is executed by
    /// names.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such job, [`Error::JobState`] if it cannot be executed in
    /// this way, [`Error::ConfirmationRequired`] without `confirm` for a pattern that matches
    /// everything, and those of the connection.
    pub async fn prepare<R: Redis>(&self, redis: &R, id: &str) -> Result<Execution, Error> {
        let dry_run = read_job(redis, id).await?;
        let executes = match (self.by, dry_run.executable()) {
            (_, None) => return Err(Error::JobState(reason_against(&dry_run))),
            (Some(ExecuteBy::Names), Some("pattern")) => {
                return Err(Error::JobState(format!(
                    "{}: execute it with `\"by\": \"pattern\"`",
                    reason_for_pattern(&dry_run)
                )));
            }
            (None | Some(ExecuteBy::Names), Some("names")) => Some(remembered(&dry_run)),
            (None, Some(_)) => {
                let reason = reason_for_pattern(&dry_run);
                return Err(Error::invalid("by", format!("must be `pattern`: {reason}")));
            }
            (Some(_), Some(_)) => None,
        };
        if let Some(names) = &executes {
            names.require_complete(redis).await?;
        }

        let patterns = dry_run.work.patterns();
        if patterns.iter().any(Pattern::matches_everything) && !self.confirmation.is_given() {
            return Err(Error::ConfirmationRequired(
                "the dry run is of every key, so its execution needs `\"confirm\": true`"
                    .to_owned(),
            ));
        }
        let effect = match dry_run.work.purge.mode() {
            _ if dry_run.work.expiry.is_some() => Effect::Expire,
            PurgeMode::Hard => Effect::Remove,
            PurgeMode::Soft(_) => Effect::MarkStale,
        };
        Ok(Execution {
            seen: executes.is_some().then(|| dry_run.counts().matched),
            work: JobWork {
                effect,
                executes,
                dry_run_job: Some(dry_run.id),
                ..dry_run.work
            },
            patterns,
            confirmation: self.confirmation,
            options: self.options,
        })
    }
}

fn reason_against(job: &Job) -> String {
    if !job.work.is_dry_run() {
        "the job is not a dry run, so it cannot be executed".to_owned()
    } else if job.work.patterns.is_empty() {
        "the dry run has no patterns, so send the request itself again without `dryRun`".to_owned()
    } else {
        format!(
            "the dry run is {}, so it cannot be executed: only a dry run that is done can",
            job.state().name()
        )
    }
}

/// Why a dry run can be executed by pattern only.
fn reason_for_pattern(dry_run: &Job) -> &'static str {
    if dry_run.counts().matched > MAX_REMEMBERED_NAMES {
        "the dry run has matched too many keys to remember their names"
    } else {
        "the names that the dry run has matched had to make room for those of newer ones"
    }
}

fn remembered(dry_run: &Job) -> RememberedNames {
    let parts = dry_run.plan.iter().flat_map(|plan| &plan.parts);
    RememberedNames {
        job: dry_run.id.clone(),
        bits: dry_run.name_bits.unwrap_or_default(),
        keys: parts.map(super::plan::Part::names_key).collect(),
    }
}

impl Execution {
    /// The role that the execution needs by its form, like the request of the dry run without
    /// `dryRun`. [`RemovalShare::role`] may be higher.
    pub fn role(&self) -> Role {
        let is_of_module = |pattern: &Pattern| {
            !pattern.names_protected()
                && !pattern.matches_everything()
                && pattern.begins_literally()
        };
        if self.work.kind == "clear" && self.patterns.iter().all(is_of_module) {
            Role::Operator
        } else {
            Role::Admin
        }
    }

    /// Measures the share of the keys that the patterns match now. At most two round trips.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn measure_share<R: Redis>(&self, redis: &R) -> Result<RemovalShare, Error> {
        let role = self.role();
        Ok(
            RemovalShare::measure(redis, &self.patterns, role, self.confirmation.is_given())
                .await?,
        )
    }

    /// The confirmation.
    pub fn confirmation(&self) -> Confirmation {
        self.confirmation
    }

    /// Checks the number of keys that the caller has confirmed. By pattern it costs what the dry run
    /// costs, by names nothing.
    ///
    /// # Errors
    /// [`Error::CountChanged`], and those of the connection.
    pub async fn check_count<R: Redis>(&self, redis: &R) -> Result<(), Error> {
        let now = match (self.seen, self.patterns.as_slice()) {
            _ if !self.confirmation.is_count() => return Ok(()),
            (Some(seen), _) => seen,
            (None, [pattern]) => {
                let conditions = &self.work.conditions;
                let found = scan::count_removable(redis, pattern, conditions, 0).await;
                found.map_err(explain)?.matched
            }
            (None, patterns) => preview(redis, &[], &[], patterns).await?.total(),
        };
        self.confirmation.check(now)
    }

    /// The record of its beginning.
    pub fn record(&self) -> AuditRecord {
        let mut record = AuditRecord::new("job-begin");
        match self.work.patterns.as_slice() {
            [one] => record.pattern = Some(one.clone()),
            more => record.patterns = more.to_vec(),
        }
        let dry_run = self.work.dry_run_job.as_deref().unwrap_or_default();
        record.detail = Some(format!(
            "execution of dry run {dry_run}: {}",
            self.work.describe()
        ));
        record
    }

    /// The job that executes it.
    pub fn into_job(self) -> NewJob<'static> {
        NewJob::of_execution(self.work, self.options)
    }
}
