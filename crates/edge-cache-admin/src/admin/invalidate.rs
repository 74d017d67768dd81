//! Invalidation of named keys, patterns and tags in one call.

pub(crate) mod preview;

use std::collections::{BTreeMap, HashSet};
use std::hash::Hash;
use std::time::{Duration, SystemTime};

use edge_cache::keyspace::fence::InForce;
use edge_cache::keyspace::key::{self, KeyName};
use edge_cache::keyspace::pattern::Pattern;
use edge_cache::keyspace::tag::{Tag, set};
use edge_cache::keyspace::{removal, scan};
use edge_cache::redis::{HostRuntime, Redis};
use edge_cache::units;
use serde::Serialize;
use serde_json::Value;

use crate::admin::job_options::JobOptions;
use crate::admin::role::Role;
use crate::admin::share::{RemovalShare, ShareReport};
use crate::error::Error;
use crate::input::{self, Fields, read_string, read_tag};

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
    confirm: bool,
    dry_run: bool,
    job: JobOptions,
    /// True if the names come from rules: the share that they match then needs no check.
    is_configured: bool,
}

/// The result of an invalidation or its dry run, by key, pattern and tag. A key counts once, for
/// the first that removes it: by name, by tag, by pattern, in this order.
/// [`ClearReport`](crate::admin::clear::ClearReport) says which keys count.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InvalidateReport {
    /// The named keys that existed and were removed.
    pub keys: Vec<String>,
    /// The named keys that did not exist.
    pub keys_not_found: Vec<String>,
    /// Base64 of the named keys that are shown escaped, by how they are shown.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub keys_base64: BTreeMap<String, String>,
    /// Keys removed by each pattern.
    pub patterns: BTreeMap<String, u64>,
    /// Keys removed by each tag.
    pub tags: BTreeMap<String, u64>,
    /// In a dry run with patterns: the role and confirmation that the invalidation needs.
    #[serde(flatten)]
    pub share: Option<ShareReport>,
    /// When readers know the last pattern or tag.
    #[serde(skip)]
    pub(crate) in_force: Option<InForce>,
}

/// The figures of an invalidation that every response about one has.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InvalidateStats {
    keys_invalidated: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_force_at: Option<String>,
    duration: String,
    duration_ms: u64,
}

impl InvalidateReport {
    /// All keys removed.
    pub fn keys_invalidated(&self) -> u64 {
        let by_patterns: u64 = self.patterns.values().sum();
        let by_tags: u64 = self.tags.values().sum();
        self.keys.len() as u64 + by_patterns + by_tags
    }

    /// The time from which no service that uses the library is served an entry from before the
    /// invalidation, which has just ended. Services ask for new fences once in `fence_interval`.
    pub fn in_force_at(&self, fence_interval: Duration) -> SystemTime {
        // Keys that were named are gone.
        self.in_force
            .map_or_else(SystemTime::now, |in_force| in_force.at(fence_interval))
    }

    /// The figures for a response; `in_force_at` is `None` for a dry run.
    pub fn stats(&self, elapsed: Duration, in_force_at: Option<SystemTime>) -> InvalidateStats {
        InvalidateStats {
            keys_invalidated: self.keys_invalidated(),
            in_force_at: in_force_at.map(units::timestamp),
            duration: units::duration(elapsed),
            duration_ms: units::milliseconds(elapsed),
        }
    }

    fn add_key(&mut self, key: &KeyName, existed: bool) {
        let list = if existed {
            &mut self.keys
        } else {
            &mut self.keys_not_found
        };
        list.push(key.display());
        self.keys_base64.extend(key::base64_by_display([key]));
    }
}

impl InvalidateRequest {
    /// Reads `{keys?, patterns?, tags?}`, with `dryRun`, `confirm` and `async`.
    ///
    /// # Errors
    /// [`Error::Malformed`] and [`Error::Invalid`] for the body, also for a list that is too long;
    /// [`Error::ConfirmationRequired`] for a pattern that matches everything without `confirm` or
    /// `dryRun`.
    pub fn parse(body: &[u8]) -> Result<Self, Error> {
        let mut fields = Fields::from_json(body)?;
        let keys = fields.list("keys", MAX_KEYS, read_removable_key)?;
        let patterns = fields.list("patterns", MAX_PATTERNS, read_pattern)?;
        let tags = fields.list("tags", MAX_TAGS, read_tag)?;
        let confirm = fields.flag("confirm")?;
        let dry_run = fields.flag("dryRun")?;
        let job = JobOptions::read(&mut fields)?;
        fields.reject_unknown(&format!(
            "keys, patterns, tags, confirm, dryRun, {}",
            JobOptions::FIELDS
        ))?;

        if keys.is_empty() && patterns.is_empty() && tags.is_empty() {
            return Err(Error::invalid(
                "keys",
                "must name at least one key, unless patterns or tags are given",
            ));
        }
        if !confirm && !dry_run {
            reject_global(&patterns)?;
        }
        Ok(Self {
            keys: without_duplicates(keys),
            patterns: without_duplicates(patterns),
            tags: without_duplicates(tags),
            confirm,
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
            confirm: false,
            dry_run: false,
            job: JobOptions::default(),
            is_configured: true,
        }
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
        let is_confirmed = self.confirm || self.dry_run;
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

    /// The fields about a job.
    pub fn job_options(&self) -> JobOptions {
        self.job
    }

    /// Carries it out. The keys cost one atomic round trip, a tag one per 1,000 keys and one more,
    /// a pattern about one per 1,000 keys of the database. Up to 1,000 keys of a pattern or a tag
    /// are removed in one atomic step.
    ///
    /// # Errors
    /// Those of the connection; [`Error::Partial`] with the number of keys removed before it
    /// failed.
    pub async fn run<R: Redis + HostRuntime>(&self, redis: &R) -> Result<InvalidateReport, Error> {
        if self.dry_run {
            return self.preview(redis).await;
        }
        let mut report = InvalidateReport::default();
        match self.remove(redis, &mut report).await {
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
        match self.remove_named(redis, &mut report).await {
            Ok(()) => Ok(report),
            Err(error) => Err(error.after(report.keys_invalidated())),
        }
    }

    async fn remove<R: Redis + HostRuntime>(
        &self,
        redis: &R,
        report: &mut InvalidateReport,
    ) -> Result<(), Error> {
        self.remove_named(redis, report).await?;
        for pattern in &self.patterns {
            let removed = scan::delete_matching_atomically(redis, pattern).await?;
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
            let existed = removal::delete_named(redis, &self.keys).await?;
            for (key, existed) in self.keys.iter().zip(existed) {
                report.add_key(key, existed);
            }
        }

        for tag in &self.tags {
            let removed = set::invalidate(redis, tag).await?;
            *report.tags.entry(tag.as_str().to_owned()).or_default() += removed.keys;
            report.in_force = Some(removed.in_force);
        }
        Ok(())
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
        Ok(report)
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
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(body: &str) -> Result<InvalidateRequest, Error> {
        InvalidateRequest::parse(body.as_bytes())
    }

    #[test]
    fn patterns_and_protected_keys_need_an_admin() {
        let role = |body: &str| parse(body).unwrap().role();

        assert_eq!(role(r#"{"keys":["a"],"tags":["t"]}"#), Role::Operator);
        assert_eq!(role(r#"{"keys":["cached:a"]}"#), Role::Operator);
        assert_eq!(role(r#"{"keys":["a"],"patterns":["a:*"]}"#), Role::Admin);
        assert_eq!(role(r#"{"keys":["a","cache:ttl"]}"#), Role::Admin);
    }

    #[test]
    fn a_list_that_is_too_long_is_rejected_by_name() {
        for (field, max) in [("keys", 1000), ("patterns", 100), ("tags", 100)] {
            let body = |elements| json!({ field: vec!["x:1"; elements] }).to_string();

            assert!(parse(&body(max)).is_ok());
            let problem = parse(&body(max + 1)).unwrap_err().to_string();
            assert!(problem.starts_with(&format!("`{field}`")), "{problem}");
        }
    }

    #[test]
    fn an_invalidation_names_something() {
        assert!(matches!(parse("{}"), Err(Error::Invalid { .. })));
    }

    #[test]
    fn the_audit_trail_cannot_be_removed() {
        let parsed = parse(r#"{"keys":["cache:audit"]}"#);
        assert!(matches!(parsed, Err(Error::Invalid { .. })), "{parsed:?}");
    }

    #[test]
    fn a_pattern_that_matches_everything_needs_confirmation() {
        let parsed = parse(r#"{"patterns":["*"]}"#);
        assert!(
            matches!(parsed, Err(Error::ConfirmationRequired(_))),
            "{parsed:?}"
        );

        assert!(parse(r#"{"patterns":["*"],"confirm":true}"#).is_ok());
    }
}
