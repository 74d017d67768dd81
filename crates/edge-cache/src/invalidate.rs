//! Invalidation of named keys, patterns and tags in one call.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::access::Role;
use crate::body::Fields;
use crate::error::Error;
use crate::key::KeyName;
use crate::pattern::Pattern;
use crate::redis::Redis;
use crate::script::{DELETE_KEYS, EXIST};
use crate::sweep;
use crate::tag::{self, Tag};

const MAX_KEYS: usize = 1000;
const MAX_PATTERNS: usize = 100;
const MAX_TAGS: usize = 100;

/// A checked `/invalidate`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Keys by name.
    pub keys: Vec<KeyName>,
    /// Patterns.
    pub patterns: Vec<Pattern>,
    /// Tags.
    pub tags: Vec<Tag>,
    dry_run: bool,
}

/// What an invalidation did, or in a dry run would do, by its parts.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The named keys that existed and were removed.
    pub keys: Vec<String>,
    /// The named keys that did not exist.
    pub keys_not_found: Vec<String>,
    /// Keys removed by each pattern.
    pub patterns: BTreeMap<String, u64>,
    /// Keys removed by each tag.
    pub tags: BTreeMap<String, u64>,
}

impl Report {
    /// All keys removed.
    pub fn keys_invalidated(&self) -> u64 {
        self.keys.len() as u64 + self.patterns.values().sum::<u64>() + self.tags.values().sum::<u64>()
    }
}

impl Request {
    /// Reads `{keys?, patterns?, tags?}`, and `dryRun` and `confirm` beside them.
    ///
    /// # Errors
    /// [`Error::Malformed`] and [`Error::Invalid`] for the body, lists that are too long included;
    /// [`Error::ConfirmationRequired`] when a pattern matches everything without `confirm` or `dryRun`.
    pub fn parse(body: &[u8]) -> Result<Self, Error> {
        let mut fields = Fields::from_json(body)?;
        let keys = fields.list("keys", MAX_KEYS, |field, value| {
            let key = KeyName::from_json(field, value)?;
            if key.is_trail() {
                Err(Error::invalid(field, "is the audit trail, which is not removed"))
            } else {
                Ok(key)
            }
        })?;
        let patterns = fields
            .list("patterns", MAX_PATTERNS, |field, value| Pattern::parse(field, crate::body::string(field, value)?))?;
        let tags = fields.list("tags", MAX_TAGS, Tag::from_json)?;
        let (confirm, dry_run) = (fields.flag("confirm")?, fields.flag("dryRun")?);
        fields.finish("keys, patterns, tags, confirm, dryRun")?;
        if keys.is_empty() && patterns.is_empty() && tags.is_empty() {
            return Err(Error::invalid("keys", "must name at least one key, or give patterns or tags"));
        }
        if let Some(wide) = patterns.iter().find(|pattern| pattern.matches_everything() && !confirm && !dry_run) {
            return Err(Error::ConfirmationRequired(format!(
                "the pattern {} matches every key, which needs `\"confirm\": true`",
                wide.display()
            )));
        }
        Ok(Self { keys, patterns, tags, dry_run })
    }

    /// An invalidation of what rules name.
    pub(crate) fn new(keys: Vec<KeyName>, patterns: Vec<Pattern>, tags: Vec<Tag>) -> Self {
        Self { keys, patterns, tags, dry_run: false }
    }

    /// The role this request takes.
    pub fn role(&self) -> Role {
        // What this system keeps is not an operator's to remove: the TTL table, locks, progress.
        let wide = !self.patterns.is_empty() || self.keys.iter().any(KeyName::is_protected);
        if wide { Role::Admin } else { Role::Operator }
    }

    /// Whether nothing is to be removed.
    pub fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    /// Carries it out: keys in one atomic round trip, a tag in one per 1,000 keys and one more, a pattern in about one
    /// per 1,000 keys of the database. Up to 1,000 keys of a pattern or a tag go in one atomic step.
    ///
    /// # Errors
    /// Those of the connection; [`Error::Partial`] says how many keys were removed before it failed.
    pub async fn run<R: Redis>(&self, redis: &R) -> Result<Report, Error> {
        let mut report = Report::default();
        let result =
            if self.dry_run { self.preview(redis, &mut report).await } else { self.remove(redis, &mut report).await };
        result.map_err(|error| error.after(report.keys_invalidated()))?;
        Ok(report)
    }

    async fn remove<R: Redis>(&self, redis: &R, report: &mut Report) -> Result<(), Error> {
        if !self.keys.is_empty() {
            let names = self.keys.iter().map(|key| key.as_bytes().into());
            let mut replies = DELETE_KEYS.run(redis, names, []).await?;
            for key in &self.keys {
                report.sort(key, replies.count()? > 0);
            }
        }
        for tag in &self.tags {
            let removed = tag::invalidate(redis, tag).await?;
            *report.tags.entry(tag.as_str().to_owned()).or_default() += removed;
        }
        for pattern in &self.patterns {
            let removed = sweep::delete_atomically(redis, pattern).await?;
            *report.patterns.entry(pattern.display()).or_default() += removed;
        }
        Ok(())
    }

    async fn preview<R: Redis>(&self, redis: &R, report: &mut Report) -> Result<(), Error> {
        if !self.keys.is_empty() {
            let mut there = EXIST.run(redis, self.keys.iter().map(|key| key.as_bytes().into()), []).await?;
            for key in &self.keys {
                report.sort(key, there.count()? > 0);
            }
        }
        for tag in &self.tags {
            report.tags.insert(tag.as_str().to_owned(), tag::count(redis, tag).await?);
        }
        for pattern in &self.patterns {
            report.patterns.insert(pattern.display(), sweep::count(redis, pattern, 0).await?.matched);
        }
        Ok(())
    }
}

impl Report {
    fn sort(&mut self, key: &KeyName, existed: bool) {
        let list = if existed { &mut self.keys } else { &mut self.keys_not_found };
        list.push(key.display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_need_an_admin_and_the_rest_an_operator() {
        let role = |body: &str| Request::parse(body.as_bytes()).unwrap().role();
        assert_eq!(role(r#"{"keys":["a"],"tags":["t"]}"#), Role::Operator);
        assert_eq!(role(r#"{"keys":["a"],"patterns":["a:*"]}"#), Role::Admin);
        assert_eq!(role(r#"{"keys":["a","cache:ttl"]}"#), Role::Admin);
        assert_eq!(role(r#"{"keys":["cached:a"]}"#), Role::Operator);
    }

    #[test]
    fn too_many_of_anything_is_refused_by_name() {
        for (field, most) in [("keys", 1000), ("patterns", 100), ("tags", 100)] {
            let body = serde_json::json!({ field: vec!["x:1"; most] }).to_string();
            assert!(Request::parse(body.as_bytes()).is_ok());
            let body = serde_json::json!({ field: vec!["x:1"; most + 1] }).to_string();
            let problem = Request::parse(body.as_bytes()).unwrap_err().to_string();
            assert!(problem.starts_with(&format!("`{field}`")), "{problem}");
        }
    }

    #[test]
    fn nothing_to_invalidate_is_a_mistake_and_everything_needs_confirmation() {
        assert!(matches!(Request::parse(b"{}"), Err(Error::Invalid { .. })));
        assert!(matches!(Request::parse(br#"{"keys":["cache:audit"]}"#), Err(Error::Invalid { .. })));
        assert!(matches!(Request::parse(br#"{"patterns":["*"]}"#), Err(Error::ConfirmationRequired(_))));
        assert!(Request::parse(br#"{"patterns":["*"],"confirm":true}"#).is_ok());
    }
}
