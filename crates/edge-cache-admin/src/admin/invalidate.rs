//! Invalidation of named keys, patterns and tags in one call.

pub(crate) mod preview;
mod report;

use std::collections::HashSet;
use std::hash::Hash;

use edge_cache::keyspace::key::KeyName;
use edge_cache::keyspace::pattern::Pattern;
use edge_cache::keyspace::purge::PurgeMode;
use edge_cache::keyspace::tag::{Tag, set};
use edge_cache::keyspace::{removal, scan, soft_purge};
use edge_cache::redis::{HostRuntime, Redis};
use serde_json::Value;

use crate::admin::confirmation::Confirmation;
use crate::admin::job_options::JobOptions;
use crate::admin::purge::{self, PurgeFields};
use crate::admin::role::Role;
use crate::admin::share::RemovalShare;
use crate::error::Error;
use crate::input::{self, Fields, read_string, read_tag};
pub use report::{InvalidateReport, InvalidateStats};

const MAX_KEYS: usize = 1000;
const MAX_PATTERNS: usize = 100;
const MAX_TAGS: usize = 100;

/// A checked `/invalidate`: each key, pattern and tag once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidateRequest {
    /// Keys by name.
    pub keys: Vec<KeyName>,
    /// Patterns.
    pub patterns: Vec<Pattern>,
    /// Tags.
    pub tags: Vec<Tag>,
    mode: PurgeMode,
    confirmation: Confirmation,
    dry_run: bool,
    job: JobOptions,
    /// True if the names come from rules: the share that they match then needs no check.
    is_configured: bool,
}

impl InvalidateRequest {
    /// Reads `{keys?, patterns?, tags?}`, with `mode`, `dryRun`, `confirm` and `async`.
    ///
    /// # Errors
    /// [`Error::Malformed`] and [`Error::Invalid`] for the body, also for a list that is too long, and
    /// for a soft purge of protected keys;
    /// [`Error::ConfirmationRequired`] for a pattern that matches everything without `confirm` or
    /// `dryRun`.
    pub fn parse(body: &[u8]) -> Result<Self, Error> {
        let mut fields = Fields::from_json(body)?;
        let keys = fields.list("keys", MAX_KEYS, read_removable_key)?;
        let patterns = fields.list("patterns", MAX_PATTERNS, read_pattern)?;
        let tags = fields.list("tags", MAX_TAGS, read_tag)?;
        let mode = purge::from_fields(&mut fields)?;
        let confirmation = Confirmation::read(&mut fields)?;
        let dry_run = fields.flag("dryRun")?;
        let job = JobOptions::read(&mut fields)?;
        let known = [Confirmation::FIELDS, purge::KNOWN, JobOptions::FIELDS].join(", ");
        fields.reject_unknown(&format!("keys, patterns, tags, dryRun, {known}"))?;

        if keys.is_empty() && patterns.is_empty() && tags.is_empty() {
            return Err(Error::invalid(
                "keys",
                "must name at least one key, unless patterns or tags are given",
            ));
        }
        purge::reject_protected(mode, &keys, &patterns)?;
        if !confirmation.is_given() && !dry_run {
            reject_global(&patterns)?;
        }
        Ok(Self {
            keys: without_duplicates(keys),
            patterns: without_duplicates(patterns),
            tags: without_duplicates(tags),
            mode,
            confirmation,
            dry_run,
            job,
            is_configured: false,
        })
    }

    /// An invalidation whose names come from rules, or that names one key.
    pub(crate) fn configured(keys: Vec<KeyName>, patterns: Vec<Pattern>, tags: Vec<Tag>) -> Self {
        Self {
            keys: without_duplicates(keys),
            patterns: without_duplicates(patterns),
            tags: without_duplicates(tags),
            mode: PurgeMode::Hard,
            confirmation: Confirmation::Missing,
            dry_run: false,
            job: JobOptions::default(),
            is_configured: true,
        }
    }

    /// The same invalidation in this mode.
    pub(crate) fn in_mode(self, mode: PurgeMode) -> Self {
        Self { mode, ..self }
    }

    /// The same invalidation without the keys, patterns and tags of another one.
    pub(crate) fn without(mut self, other: &Self) -> Self {
        self.keys.retain(|key| !other.keys.contains(key));
        self.patterns
            .retain(|pattern| !other.patterns.contains(pattern));
        self.tags.retain(|tag| !other.tags.contains(tag));
        self
    }

    /// True if it names nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.patterns.is_empty() && self.tags.is_empty()
    }

    /// The effect on the keys.
    pub fn mode(&self) -> PurgeMode {
        self.mode
    }

    /// The mode as responses show it.
    pub fn mode_fields(&self) -> PurgeFields {
        self.mode.into()
    }

    /// Measures the share of the keys that its patterns match together. At most two round trips;
    /// none without patterns.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn measure_share<R: Redis>(&self, redis: &R) -> Result<RemovalShare, Error> {
        if self.patterns.is_empty() || self.is_configured {
            return Ok(RemovalShare::unchecked(self.role()));
        }
        let is_confirmed = self.confirmation.is_given() || self.dry_run;
        Ok(RemovalShare::measure(redis, &self.patterns, self.role(), is_confirmed).await?)
    }

    /// The role that the request needs by its form. [`RemovalShare::role`] may be higher.
    pub fn role(&self) -> Role {
        // An operator must not remove protected keys, such as the TTL table or locks.
        let names_protected = self.keys.iter().any(KeyName::is_protected);
        if names_protected || !self.patterns.is_empty() {
            Role::Admin
        } else {
            Role::Operator
        }
    }

    /// True if nothing is to be removed.
    pub fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    /// True if it removes the keys of one pattern, and nothing else: the counts of its job are then
    /// those of the pattern.
    pub fn is_change_by_one_pattern(&self) -> bool {
        let is_named = !(self.keys.is_empty() && self.tags.is_empty());
        !self.dry_run && !is_named && self.patterns.len() == 1
    }

    /// The report of a job that has removed, or marked stale, so many keys of its only pattern.
    pub fn report_of_job(&self, removed: u64, marked_stale: u64) -> InvalidateReport {
        let patterns = self.patterns.iter().map(Pattern::display);
        let covered = removed + marked_stale;
        InvalidateReport {
            patterns: patterns.map(|pattern| (pattern, covered)).collect(),
            keys_marked_stale: marked_stale,
            ..InvalidateReport::default()
        }
    }

    /// The confirmation.
    pub fn confirmation(&self) -> Confirmation {
        self.confirmation
    }

    /// The fields about a job.
    pub fn job_options(&self) -> JobOptions {
        self.job
    }

    /// Carries it out. The keys cost one atomic round trip, a tag one per 1,000 keys and one more,
    /// a pattern about one per 1,000 keys of the database. Up to 1,000 keys of a pattern or a tag
    /// are removed in one atomic step. A soft purge costs what [`soft_purge`] says.
    ///
    /// # Errors
    /// Those of the connection; [`Error::Partial`] with the number of keys removed before it
    /// failed.
    pub async fn run<R: Redis + HostRuntime>(&self, redis: &R) -> Result<InvalidateReport, Error> {
        if self.dry_run {
            return self.preview(redis).await;
        }
        let mut report = InvalidateReport::default();
        let removed = self.remove(redis, &mut report).await;
        self.finish(removed, report)
    }

    /// Counts what was marked stale, or removed before a failure.
    fn finish(
        &self,
        result: Result<(), Error>,
        mut report: InvalidateReport,
    ) -> Result<InvalidateReport, Error> {
        if self.mode.is_soft() {
            report.keys_marked_stale = report.keys_covered();
        }
        match result {
            Ok(()) => Ok(report),
            Err(error) => Err(error.after(report.keys_invalidated())),
        }
    }

    /// Removes the keys and the keys of tags; in a dry run, counts them.
    ///
    /// # Errors
    /// Those of [`InvalidateRequest::run`].
    pub(crate) async fn run_without_patterns<R: Redis + HostRuntime>(
        &self,
        redis: &R,
    ) -> Result<InvalidateReport, Error> {
        if self.dry_run {
            let without_patterns = Self {
                patterns: Vec::new(),
                ..self.clone()
            };
            return without_patterns.preview(redis).await;
        }
        let mut report = InvalidateReport::default();
        let removed = self.remove_named(redis, &mut report).await;
        self.finish(removed, report)
    }

    async fn remove<R: Redis + HostRuntime>(
        &self,
        redis: &R,
        report: &mut InvalidateReport,
    ) -> Result<(), Error> {
        self.remove_named(redis, report).await?;
        for pattern in &self.patterns {
            let removed = match self.mode {
                PurgeMode::Hard => scan::delete_matching_atomically(redis, pattern).await?,
                PurgeMode::Soft(grace) => soft_purge::mark_matching(redis, pattern, grace).await?,
            };
            *report.patterns.entry(pattern.display()).or_default() += removed.keys;
            report.in_force = Some(removed.in_force);
        }
        Ok(())
    }

    async fn remove_named<R: Redis + HostRuntime>(
        &self,
        redis: &R,
        report: &mut InvalidateReport,
    ) -> Result<(), Error> {
        if !self.keys.is_empty() {
            let existed = match self.mode {
                PurgeMode::Hard => removal::delete_named(redis, &self.keys).await?,
                PurgeMode::Soft(grace) => soft_purge::mark_named(redis, &self.keys, grace).await?,
            };
            for (key, existed) in self.keys.iter().zip(existed) {
                report.add_key(key, existed);
            }
        }

        for tag in &self.tags {
            let removed = match self.mode {
                PurgeMode::Hard => set::invalidate(redis, tag).await?,
                PurgeMode::Soft(grace) => soft_purge::mark_tagged(redis, tag, grace).await?,
            };
            *report.tags.entry(tag.as_str().to_owned()).or_default() += removed.keys;
            report.in_force = Some(removed.in_force);
        }
        Ok(())
    }

    /// Checks the number of keys that the caller has confirmed. Costs what a dry run costs; none without
    /// such a number.
    ///
    /// # Errors
    /// [`Error::CountChanged`], and those of the connection.
    pub async fn check_count<R: Redis>(&self, redis: &R) -> Result<(), Error> {
        if !self.confirmation.is_count() {
            return Ok(());
        }
        let found = preview::preview(redis, &self.keys, &self.tags, &self.patterns).await?;
        self.confirmation.check(found.total())
    }

    async fn preview<R: Redis>(&self, redis: &R) -> Result<InvalidateReport, Error> {
        let found = preview::preview(redis, &self.keys, &self.tags, &self.patterns).await?;

        let mut report = InvalidateReport::default();
        for (key, exists) in self.keys.iter().zip(found.keys) {
            report.add_key(key, exists);
        }
        let tags = self.tags.iter().map(|tag| tag.as_str().to_owned());
        report.tags.extend(tags.zip(found.tags));
        let patterns = self.patterns.iter().map(Pattern::display);
        report.patterns.extend(patterns.zip(found.patterns));

        if !self.patterns.is_empty() {
            report.share = Some(self.measure_share(redis).await?.report());
        }
        self.finish(Ok(()), report)
    }
}

fn read_removable_key(field: &str, value: &Value) -> Result<KeyName, Error> {
    let key = input::key::from_json(field, value)?;
    if key.is_trail() {
        return Err(Error::invalid(
            field,
            "is the audit trail, which cannot be removed",
        ));
    }
    Ok(key)
}

fn read_pattern(field: &str, value: &Value) -> Result<Pattern, Error> {
    Ok(Pattern::parse(field, read_string(field, value)?)?)
}

fn reject_global(patterns: &[Pattern]) -> Result<(), Error> {
    match patterns.iter().find(|pattern| pattern.matches_everything()) {
        None => Ok(()),
        Some(global) => Err(Error::ConfirmationRequired(format!(
            "the pattern {} matches every key, which needs `\"confirm\": true`",
            global.display()
        ))),
    }
}

fn without_duplicates<T: Eq + Hash + Clone>(given: Vec<T>) -> Vec<T> {
    let mut seen = HashSet::new();
    given
        .into_iter()
        .filter(|element| seen.insert(element.clone()))
        .collect()
}

#[cfg(test)]
mod tests;
