//! Changing the TTLs of many keys.

mod ttl_histogram;

use std::collections::BTreeMap;
use std::time::Duration;

use edge_cache::keyspace::bulk_expiry::{
    BulkExpiry, BulkExpiryOutcome, ExpiryChange, ExpiryCounts, ExpiryRule, Lives,
};
use edge_cache::keyspace::conditions::Conditions;
use edge_cache::keyspace::key::{self, KeyName};
use edge_cache::keyspace::pattern::Pattern;
use edge_cache::keyspace::tag::Tag;
use edge_cache::keyspace::ttl::MAX_TTL_SECONDS;
use edge_cache::redis::{HostRuntime, Redis};
use serde::Serialize;

use crate::admin::audit::AuditRecord;
use crate::admin::conditions;
use crate::admin::confirmation::Confirmation;
use crate::admin::job_options::JobOptions;
use crate::admin::role::Role;
use crate::admin::share::{RemovalShare, ShareReport};
use crate::error::Error;
use crate::input::{self, Fields, read_tag};
pub use ttl_histogram::TtlHistogram;

/// The most keys of a request, and the most tags.
const MAX_KEYS: usize = 1000;
const MAX_TAGS: usize = 100;
/// The most names that a dry run shows.
const MAX_SAMPLE_KEYS: usize = 20;
/// The largest jitter, in percent.
const MAX_JITTER_PERCENT: u64 = 50;

const TARGETS: &str = "`pattern`, `keys` and `tags`";
const CHANGES: &str = "`ttl`, `persist`, `shortenTo`, `lengthenTo` and `onlyWithoutTtl`";

/// The keys to change.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    Pattern(Pattern),
    Keys(Vec<KeyName>),
    Tags(Vec<Tag>),
}

/// A checked `POST /expire`.
#[derive(Debug, Clone, PartialEq)]
pub struct ExpireRequest {
    target: Target,
    rule: ExpiryRule,
    conditions: Conditions,
    confirmation: Confirmation,
    dry_run: bool,
    job: JobOptions,
}

/// The result of a change of many expiries, or of its dry run.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExpireReport {
    /// Keys found.
    pub keys_matched: u64,
    /// Keys whose expiry was changed, or would be.
    pub keys_changed: u64,
    /// The TTLs of the keys found.
    pub ttl_before: TtlHistogram,
    /// Their TTLs after the change.
    pub ttl_after: TtlHistogram,
    /// In a dry run, names of up to 20 keys that would be changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    sample_keys: Option<Vec<String>>,
    /// Base64 of those names that `sampleKeys` shows escaped.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    sample_keys_base64: BTreeMap<String, String>,
    /// In a dry run with a pattern, what the change needs.
    #[serde(flatten)]
    share: Option<ShareReport>,
}

impl ExpireReport {
    /// The report of a job that has changed these keys.
    pub(crate) fn of_job(matched: u64, changed: u64, [before, after]: [Lives; 2]) -> Self {
        Self {
            keys_matched: matched,
            keys_changed: changed,
            ttl_before: before.into(),
            ttl_after: after.into(),
            sample_keys: None,
            sample_keys_base64: BTreeMap::new(),
            share: None,
        }
    }
}

impl ExpireRequest {
    /// Reads one of `pattern`, `keys` and `tags`; one of `ttl`, `persist`, `shortenTo`,
    /// `lengthenTo` and `onlyWithoutTtl`; `jitter`, the conditions, `confirm`, `dryRun`, and the
    /// fields about a job.
    ///
    /// # Errors
    /// [`Error::Malformed`] and [`Error::Invalid`] for the body; [`Error::ConfirmationRequired`]
    /// for a pattern that matches every key without `confirm` or `dryRun`.
    pub fn parse(body: &[u8]) -> Result<Self, Error> {
        let mut fields = Fields::from_json(body)?;
        let target = read_target(&mut fields)?;
        let change = read_change(&mut fields)?;
        let jitter = fields.whole("jitter", 0..=MAX_JITTER_PERCENT)?.unwrap_or(0);
        let conditions = conditions::from_fields(&mut fields)?;
        let confirmation = Confirmation::read(&mut fields)?;
        let dry_run = fields.flag("dryRun")?;
        let job = JobOptions::read(&mut fields)?;
        fields.reject_unknown(&format!(
            "pattern, keys, tags, ttl, persist, shortenTo, lengthenTo, onlyWithoutTtl, jitter, {}, {}, dryRun, {}",
            conditions::KNOWN,
            Confirmation::FIELDS,
            JobOptions::FIELDS
        ))?;

        if jitter > 0 && change == ExpiryChange::Persist {
            let problem = "cannot be given together with `persist`";
            return Err(Error::invalid("jitter", problem));
        }
        if let Target::Pattern(pattern) = &target
            && pattern.matches_everything()
            && !(confirmation.is_given() || dry_run)
        {
            return Err(Error::ConfirmationRequired(format!(
                "the pattern {} matches every key, which needs `\"confirm\": true`",
                pattern.display()
            )));
        }
        Ok(Self {
            target,
            rule: ExpiryRule {
                change,
                jitter: jitter as f64 / 100.0,
            },
            conditions,
            confirmation,
            dry_run,
            job,
        })
    }

    /// Measures the share of the keys that its pattern matches. At most two round trips; none
    /// without a pattern.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn measure_share<R: Redis>(&self, redis: &R) -> Result<RemovalShare, Error> {
        let Target::Pattern(pattern) = &self.target else {
            return Ok(RemovalShare::unchecked(Role::Admin));
        };
        let is_confirmed = self.confirmation.is_given() || self.dry_run;
        let patterns = std::slice::from_ref(pattern);
        Ok(RemovalShare::measure(redis, patterns, Role::Admin, is_confirmed).await?)
    }

    /// True if nothing is to be changed.
    pub fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    /// The confirmation.
    pub fn confirmation(&self) -> Confirmation {
        self.confirmation
    }

    /// The fields about a job.
    pub fn job_options(&self) -> JobOptions {
        self.job
    }

    /// The pattern, if it has one instead of keys or tags.
    pub(crate) fn pattern(&self) -> Option<&Pattern> {
        match &self.target {
            Target::Pattern(pattern) => Some(pattern),
            Target::Keys(_) | Target::Tags(_) => None,
        }
    }

    pub(crate) fn rule(&self) -> ExpiryRule {
        self.rule
    }

    pub(crate) fn conditions(&self) -> &Conditions {
        &self.conditions
    }

    /// True if it changes the keys of a pattern.
    pub fn is_change_by_pattern(&self) -> bool {
        !self.dry_run && self.pattern().is_some()
    }

    /// True if it may visit many keys: it has a pattern or tags.
    pub fn is_walk(&self) -> bool {
        !matches!(self.target, Target::Keys(_))
    }

    /// The beginning of its audit record.
    pub fn record(&self) -> AuditRecord {
        let mut record = AuditRecord::new("expire");
        match &self.target {
            Target::Pattern(pattern) => record.pattern = Some(pattern.display()),
            Target::Keys(keys) => record = record.with_keys(keys),
            Target::Tags(tags) => {
                let names = tags.iter().map(|tag| tag.as_str().to_owned());
                record.tags = names.collect();
            }
        }

        let parts = [Some(self.describe()), record.detail.take()];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        record.detail = Some(parts.join("; "));
        record
    }

    /// The record of the job that it becomes.
    pub fn job_record(&self) -> AuditRecord {
        let mut record = self.record();
        record.action = "job-begin".to_owned();
        let detail = record.detail.take().unwrap_or_default();
        record.detail = Some(format!("expire, {detail}"));
        record
    }

    /// The change in words.
    fn describe(&self) -> String {
        let conditions = conditions::describe(&self.conditions);
        let mut parts = vec![describe(&self.rule)];
        parts.extend((!conditions.is_empty()).then_some(conditions));
        parts.join(", ")
    }

    /// The message of the response.
    pub fn message(&self) -> String {
        if self.dry_run {
            "Dry run; no expiry was changed".to_owned()
        } else {
            format!("Expiry changed: {}", self.describe())
        }
    }

    /// Carries it out. Cost: see [`BulkExpiry`]; a dry run with a pattern costs
    /// [`ExpireRequest::measure_share`], too.
    ///
    /// # Errors
    /// Those of the connection; [`Error::PartlyChanged`] with the number of keys changed before it
    /// failed; [`Error::Invalid`] for a condition that the server cannot test.
    pub async fn run<R: Redis + HostRuntime>(&self, redis: &R) -> Result<ExpireReport, Error> {
        let share = if self.dry_run && matches!(self.target, Target::Pattern(_)) {
            Some(self.measure_share(redis).await?.report())
        } else {
            None
        };

        let counts = self.change(redis).await?;
        Ok(self.report(&counts, share))
    }

    /// Checks the number of keys that the caller has confirmed, if any. Costs what a dry run costs.
    ///
    /// # Errors
    /// [`Error::CountChanged`], and those of [`ExpireRequest::run`].
    pub async fn check_count<R: Redis + HostRuntime>(&self, redis: &R) -> Result<(), Error> {
        if !self.confirmation.is_count() {
            return Ok(());
        }
        let dry_run = Self {
            dry_run: true,
            ..self.clone()
        };
        self.confirmation
            .check(dry_run.change(redis).await?.matched)
    }

    /// Changes the keys, or counts them in a dry run.
    pub(crate) async fn change<R: Redis + HostRuntime>(
        &self,
        redis: &R,
    ) -> Result<ExpiryCounts, Error> {
        let operation = BulkExpiry {
            rule: self.rule,
            conditions: self.conditions.clone(),
            is_dry_run: self.dry_run,
            samples: if self.dry_run { MAX_SAMPLE_KEYS } else { 0 },
        };
        let BulkExpiryOutcome { counts, failure } = match &self.target {
            Target::Pattern(pattern) => operation.change_matching(redis, pattern).await,
            Target::Keys(keys) => operation.change_named(redis, keys).await,
            Target::Tags(tags) => operation.change_tagged(redis, tags).await,
        };
        match failure {
            Some(source) if counts.changed > 0 && !self.dry_run => Err(Error::PartlyChanged {
                changed: counts.changed,
                source,
            }),
            Some(failure) => Err(conditions::explain(failure)),
            None => Ok(counts),
        }
    }

    fn report(&self, counts: &ExpiryCounts, share: Option<ShareReport>) -> ExpireReport {
        let names = counts.names.iter().map(KeyName::display);
        ExpireReport {
            keys_matched: counts.matched,
            keys_changed: counts.changed,
            ttl_before: counts.before.into(),
            ttl_after: counts.after.into(),
            sample_keys: self.dry_run.then(|| names.collect()),
            sample_keys_base64: key::base64_by_display(&counts.names),
            share,
        }
    }
}

/// A rule in words.
pub(crate) fn describe(rule: &ExpiryRule) -> String {
    let change = match rule.change {
        ExpiryChange::Set(ttl) => format!("ttl {} s", ttl.as_secs()),
        ExpiryChange::Persist => "persist".to_owned(),
        ExpiryChange::ShortenTo(ttl) => format!("shortenTo {} s", ttl.as_secs()),
        ExpiryChange::LengthenTo(ttl) => format!("lengthenTo {} s", ttl.as_secs()),
        ExpiryChange::OnlyWithoutTtl(ttl) => format!("onlyWithoutTtl {} s", ttl.as_secs()),
    };
    let percent = (rule.jitter * 100.0).round();
    if percent > 0.0 {
        format!("{change}, jitter {percent} %")
    } else {
        change
    }
}

fn read_target(fields: &mut Fields) -> Result<Target, Error> {
    let pattern = fields
        .string("pattern")?
        .map(|text| Pattern::parse("pattern", text))
        .transpose()?;
    let mut keys = fields.list("keys", MAX_KEYS, read_key)?;
    let mut tags = fields.list("tags", MAX_TAGS, read_tag)?;

    keys.sort();
    keys.dedup();
    tags.sort();
    tags.dedup();
    match (pattern, keys.is_empty(), tags.is_empty()) {
        (Some(pattern), true, true) => Ok(Target::Pattern(pattern)),
        (None, false, true) => Ok(Target::Keys(keys)),
        (None, true, false) => Ok(Target::Tags(tags)),
        (pattern, _, _) => {
            let first = if pattern.is_some() { "pattern" } else { "keys" };
            let problem = format!("or another of {TARGETS} must be given, and only one of them");
            Err(Error::invalid(first, problem))
        }
    }
}

fn read_key(field: &str, value: &serde_json::Value) -> Result<KeyName, Error> {
    let key = input::key::from_json(field, value)?;
    if key.is_trail() {
        let problem = "is the audit trail, whose expiry cannot be changed";
        return Err(Error::invalid(field, problem));
    }
    Ok(key)
}

fn read_change(fields: &mut Fields) -> Result<ExpiryChange, Error> {
    type Change = fn(Duration) -> ExpiryChange;
    let changes: [(&str, Change); 4] = [
        ("ttl", ExpiryChange::Set),
        ("shortenTo", ExpiryChange::ShortenTo),
        ("lengthenTo", ExpiryChange::LengthenTo),
        ("onlyWithoutTtl", ExpiryChange::OnlyWithoutTtl),
    ];

    let mut given = Vec::new();
    for (name, change) in changes {
        let seconds = fields.positive(name, MAX_TTL_SECONDS)?;
        given.extend(seconds.map(|seconds| (name, change(Duration::from_secs(seconds)))));
    }
    if fields.flag("persist")? {
        given.push(("persist", ExpiryChange::Persist));
    }
    match given.as_slice() {
        [(_, change)] => Ok(*change),
        [] => Err(Error::invalid(
            "ttl",
            format!("or another of {CHANGES} must be given"),
        )),
        [_, (second, _), ..] => Err(Error::invalid(
            *second,
            format!("cannot be given together with another of {CHANGES}"),
        )),
    }
}

#[cfg(test)]
mod tests;
