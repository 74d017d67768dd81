//! Clearing by pattern, or everything.

mod flush;
mod message;

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use edge_cache::keyspace::conditions::Conditions;
use edge_cache::keyspace::fence::InForce;
use edge_cache::keyspace::key::{self, KeyName};
use edge_cache::keyspace::pattern::Pattern;
use edge_cache::keyspace::scan;
use edge_cache::redis::{HostRuntime, Redis};
use serde::Serialize;

use crate::admin::conditions;
use crate::admin::job_options::JobOptions;
use crate::admin::role::Role;
use crate::admin::share::{RemovalShare, ShareReport};
use crate::error::Error;
use crate::input::Fields;
use flush::{KeyCount, count_flush, try_flush};

/// The most names that a dry run shows.
const MAX_SAMPLE_KEYS: usize = 20;

/// The keys to clear.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    Pattern(Pattern),
    Everything,
}

/// A checked `POST /clear`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClearRequest {
    target: Target,
    /// Conditions that the keys must meet besides the pattern.
    conditions: Conditions,
    confirm: bool,
    dry_run: bool,
    job: JobOptions,
    /// True if the pattern comes from the configuration: its share then needs no check.
    is_configured: bool,
}

/// How keys are removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ClearMethod {
    /// At once, by `FLUSHDB`.
    Flush,
    /// Slice by slice.
    Walk,
}

/// The result of a clear. A key counts once. Expired keys do not count, nor do the keys that
/// edge-cache keeps for others (chunks being written, load locks). Its other keys count only if the
/// pattern names them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase", untagged)]
pub enum ClearReport {
    /// Keys were removed.
    Cleared {
        /// How many.
        #[serde(rename = "keysDeleted")]
        keys_deleted: u64,
        /// False for an estimate: a flush of more than about 5,000 keys estimates their number.
        #[serde(rename = "exact")]
        exact: bool,
        /// How they were removed.
        method: ClearMethod,
        /// When readers know it; `None` for a flush and for removals by name, which are in force
        /// once done.
        #[serde(skip)]
        in_force: Option<InForce>,
    },
    /// A dry run: nothing was removed.
    Matched {
        /// Keys that a clear would remove.
        #[serde(rename = "keysMatched")]
        keys_matched: u64,
        /// False for an estimate.
        #[serde(rename = "exact")]
        exact: bool,
        /// How they would be removed.
        method: ClearMethod,
        /// Names of up to 20 of them.
        #[serde(rename = "sampleKeys")]
        sample_keys: Vec<String>,
        /// Base64 of those names that `sampleKeys` shows escaped.
        #[serde(
            rename = "sampleKeysBase64",
            skip_serializing_if = "BTreeMap::is_empty"
        )]
        sample_keys_base64: BTreeMap<String, String>,
        /// The role and confirmation that the clear needs.
        #[serde(flatten)]
        share: ShareReport,
    },
}

impl ClearReport {
    /// Keys removed; 0 for a dry run.
    pub fn keys_deleted(&self) -> u64 {
        match self {
            Self::Cleared { keys_deleted, .. } => *keys_deleted,
            Self::Matched { .. } => 0,
        }
    }

    /// The time from which no service that uses the library is served an entry from before the
    /// clear, which has just ended; `None` for a dry run. Services ask for new fences once in
    /// `fence_interval`.
    pub fn in_force_at(&self, fence_interval: Duration) -> Option<SystemTime> {
        match self {
            Self::Cleared { in_force, .. } => {
                let at = in_force.map(|in_force| in_force.at(fence_interval));
                Some(at.unwrap_or_else(SystemTime::now))
            }
            Self::Matched { .. } => None,
        }
    }
}

impl ClearRequest {
    /// Reads `{pattern}` or `{confirm: true}`, with conditions, `dryRun` and `async` in either.
    ///
    /// # Errors
    /// [`Error::Malformed`] and [`Error::Invalid`] for the body; [`Error::ConfirmationRequired`]
    /// for a global clear without `confirm` or `dryRun`.
    pub fn parse(body: &[u8]) -> Result<Self, Error> {
        let mut fields = Fields::from_json(body)?;
        let pattern = fields
            .string("pattern")?
            .map(|text| Pattern::parse("pattern", text))
            .transpose()?;
        let conditions = conditions::from_fields(&mut fields)?;
        let confirm = fields.flag("confirm")?;
        let dry_run = fields.flag("dryRun")?;
        let job = JobOptions::read(&mut fields)?;
        let known = [conditions::KNOWN, JobOptions::FIELDS].join(", ");
        fields.reject_unknown(&format!("pattern, confirm, dryRun, {known}"))?;

        let target = match pattern {
            Some(pattern) if !pattern.matches_everything() => Target::Pattern(pattern),
            _ if confirm || dry_run => Target::Everything,
            pattern => return Err(unconfirmed(pattern.as_ref())),
        };
        Ok(Self {
            target,
            conditions,
            confirm,
            dry_run,
            job,
            is_configured: false,
        })
    }

    /// A clear of a pattern that comes from the configuration.
    pub fn configured(pattern: Pattern) -> Self {
        Self {
            target: Target::Pattern(pattern),
            conditions: Conditions::default(),
            confirm: false,
            dry_run: false,
            job: JobOptions::default(),
            is_configured: true,
        }
    }

    /// The role that the request needs by its form. [`RemovalShare::role`] may be higher.
    pub fn role(&self) -> Role {
        match &self.target {
            // An operator must not remove protected keys, such as the TTL table or locks, and a
            // pattern that begins with a wildcard is not limited to one module.
            Target::Pattern(pattern)
                if !pattern.names_protected() && pattern.begins_literally() =>
            {
                Role::Operator
            }
            Target::Pattern(_) | Target::Everything => Role::Admin,
        }
    }

    /// Measures the share of the keys that would be removed. At most two round trips; none for a
    /// global clear and a configured pattern.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn measure_share<R: Redis>(&self, redis: &R) -> Result<RemovalShare, Error> {
        let pattern = match &self.target {
            Target::Everything => return Ok(RemovalShare::everything()),
            Target::Pattern(_) if self.is_configured => {
                return Ok(RemovalShare::unchecked(self.role()));
            }
            Target::Pattern(pattern) => std::slice::from_ref(pattern),
        };
        let is_confirmed = self.confirm || self.dry_run;
        Ok(RemovalShare::measure(redis, pattern, self.role(), is_confirmed).await?)
    }

    /// The pattern; `*` for a global clear.
    pub fn pattern(&self) -> String {
        match &self.target {
            Target::Pattern(pattern) => pattern.display(),
            Target::Everything => "*".into(),
        }
    }

    /// The conditions in words; `None` without any.
    pub fn conditions(&self) -> Option<String> {
        let described = conditions::describe(&self.conditions);
        (!described.is_empty()).then_some(described)
    }

    /// True if nothing is to be removed.
    pub fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    /// The fields about a job.
    pub fn job_options(&self) -> JobOptions {
        self.job
    }

    /// Carries it out. A pattern costs about one round trip per 1,000 keys of the database. A
    /// global clear costs one, or as much as a pattern if it has to walk. A dry run costs the same,
    /// and [`ClearRequest::measure_share`].
    ///
    /// `spare_protected` says that the audit trail is in this database. A global clear then walks
    /// and spares `cache:*` and `lock:*`. It also does so if records of an earlier trail, or of
    /// another edge-cache, are in the database, or if Redis does not allow `FLUSHDB`.
    ///
    /// With conditions it walks, too, and removes the keys by name ([`scan::delete_meeting`]), so
    /// that no fence covers the keys that it spares.
    ///
    /// # Errors
    /// Those of the connection; [`Error::Partial`] with the number of keys removed before it
    /// failed; [`Error::Invalid`] for a condition that the server cannot test.
    pub async fn run<R: Redis + HostRuntime>(
        &self,
        redis: &R,
        spare_protected: bool,
    ) -> Result<ClearReport, Error> {
        if self.dry_run {
            return self.preview(redis, spare_protected).await;
        }
        if !self.conditions.are_none() {
            return self.clear_meeting(redis).await;
        }

        if self.target == Target::Everything
            && !spare_protected
            && let Some(removed) = try_flush(redis).await?
        {
            return Ok(ClearReport::Cleared {
                keys_deleted: removed.keys,
                exact: removed.is_exact,
                method: ClearMethod::Flush,
                in_force: None,
            });
        }
        let removed = scan::delete_matching(redis, &self.walked_pattern()).await?;
        Ok(ClearReport::Cleared {
            keys_deleted: removed.keys,
            exact: true,
            method: ClearMethod::Walk,
            in_force: Some(removed.in_force),
        })
    }

    async fn clear_meeting<R: Redis + HostRuntime>(&self, redis: &R) -> Result<ClearReport, Error> {
        let pattern = self.walked_pattern();
        let removed = scan::delete_meeting(redis, &pattern, &self.conditions).await;
        let keys_deleted = removed.map_err(|error| match error {
            edge_cache::Error::Redis(error) => conditions::explain(error),
            error => error.into(),
        })?;
        Ok(ClearReport::Cleared {
            keys_deleted,
            exact: true,
            method: ClearMethod::Walk,
            in_force: None,
        })
    }

    async fn preview<R: Redis>(
        &self,
        redis: &R,
        spare_protected: bool,
    ) -> Result<ClearReport, Error> {
        let share = self.measure_share(redis).await?.report();
        let pattern = self.walked_pattern();
        let may_flush = self.target == Target::Everything && self.conditions.are_none();
        let flush = if may_flush && !spare_protected {
            count_flush(redis).await?
        } else {
            None
        };

        let (count, method, names) = match flush {
            Some(count) => {
                let names = scan::sample_removable(redis, &pattern, MAX_SAMPLE_KEYS).await?;
                (count, ClearMethod::Flush, names)
            }
            None => {
                let conditions = &self.conditions;
                let found = scan::count_removable(redis, &pattern, conditions, MAX_SAMPLE_KEYS);
                let found = found.await.map_err(conditions::explain)?;
                let count = KeyCount {
                    keys: found.matched,
                    is_exact: true,
                };
                (count, ClearMethod::Walk, found.names)
            }
        };

        Ok(ClearReport::Matched {
            keys_matched: count.keys,
            exact: count.is_exact,
            method,
            sample_keys: names.iter().map(KeyName::display).collect(),
            sample_keys_base64: key::base64_by_display(&names),
            share,
        })
    }

    /// The pattern that a walk clears.
    pub fn walked_pattern(&self) -> Pattern {
        match &self.target {
            Target::Pattern(pattern) => pattern.clone(),
            Target::Everything => Pattern::everything(),
        }
    }
}

fn unconfirmed(pattern: Option<&Pattern>) -> Error {
    let reason = match pattern {
        Some(pattern) => format!("the pattern {} matches every key:", pattern.display()),
        None => "without a pattern".to_owned(),
    };
    Error::ConfirmationRequired(format!(
        "{reason} this is a global clear, which needs `\"confirm\": true`"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_that_matches_everything_needs_confirmation() {
        for body in [
            r#"{"pattern":"*"}"#,
            r#"{"pattern":"?*"}"#,
            "{}",
            "",
            r#"{"confirm":false}"#,
        ] {
            let parsed = ClearRequest::parse(body.as_bytes());
            assert!(
                matches!(parsed, Err(Error::ConfirmationRequired(_))),
                "{body}"
            );
        }
    }

    #[test]
    fn a_global_clear_needs_an_admin() {
        let global = ClearRequest::parse(br#"{"pattern":"**","confirm":true}"#).unwrap();

        assert_eq!(global.role(), Role::Admin);
        assert_eq!(global.pattern(), "*");
    }

    #[test]
    fn a_pattern_needs_an_operator_and_no_confirmation() {
        let request = ClearRequest::parse(br#"{"pattern":"users:*","confirm":true}"#).unwrap();

        assert_eq!(request.role(), Role::Operator);
        assert_eq!(request.message(), "Cache cleared for pattern: users:*");
    }

    #[test]
    fn a_misspelt_field_never_becomes_a_global_clear() {
        let parsed = ClearRequest::parse(br#"{"patern":"users:*","confirm":true}"#);
        assert!(matches!(parsed, Err(Error::Invalid { .. })), "{parsed:?}");
    }
}
