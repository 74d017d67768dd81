//! Clearing by pattern, or everything.

mod flush;
mod message;
mod report;

use edge_cache::keyspace::conditions::Conditions;
use edge_cache::keyspace::key::{self, KeyName};
use edge_cache::keyspace::pattern::Pattern;
use edge_cache::keyspace::purge::{PurgeMode, SoftGrace};
use edge_cache::keyspace::{scan, soft_purge};
use edge_cache::redis::{HostRuntime, Redis};

use crate::admin::conditions;
use crate::admin::confirmation::Confirmation;
use crate::admin::job_options::JobOptions;
use crate::admin::purge;
use crate::admin::role::Role;
use crate::admin::share::RemovalShare;
use crate::error::Error;
use crate::input::Fields;
use flush::{KeyCount, count_flush, try_flush};
pub use report::{ClearMethod, ClearReport};

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
    mode: PurgeMode,
    confirmation: Confirmation,
    dry_run: bool,
    job: JobOptions,
    /// True if the pattern comes from the configuration: its share then needs no check.
    is_configured: bool,
}

impl ClearRequest {
    /// Reads `{pattern}` or `{confirm: true}`, with conditions, `mode`, `dryRun` and `async` in either.
    ///
    /// # Errors
    /// [`Error::Malformed`] and [`Error::Invalid`] for the body, also for a soft purge of protected keys; [`Error::ConfirmationRequired`]
    /// for a global clear without `confirm` or `dryRun`.
    pub fn parse(body: &[u8]) -> Result<Self, Error> {
        let mut fields = Fields::from_json(body)?;
        let pattern = fields
            .string("pattern")?
            .map(|text| Pattern::parse("pattern", text))
            .transpose()?;
        let conditions = conditions::from_fields(&mut fields)?;
        let mode = purge::from_fields(&mut fields)?;
        let confirmation = Confirmation::read(&mut fields)?;
        let dry_run = fields.flag("dryRun")?;
        let job = JobOptions::read(&mut fields)?;
        let known = [
            Confirmation::FIELDS,
            conditions::KNOWN,
            purge::KNOWN,
            JobOptions::FIELDS,
        ]
        .join(", ");
        fields.reject_unknown(&format!("pattern, dryRun, {known}"))?;

        purge::reject_protected(mode, &[], pattern.as_slice())?;
        let target = match pattern {
            Some(pattern) if !pattern.matches_everything() => Target::Pattern(pattern),
            _ if confirmation.is_given() || dry_run => Target::Everything,
            pattern => return Err(unconfirmed(pattern.as_ref())),
        };
        Ok(Self {
            target,
            conditions,
            mode,
            confirmation,
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
            mode: PurgeMode::Hard,
            confirmation: Confirmation::Missing,
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
        let is_confirmed = self.confirmation.is_given() || self.dry_run;
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

    /// The conditions and the mode in words, for the audit trail; `None` without either.
    pub fn detail(&self) -> Option<String> {
        let parts: Vec<String> = [self.conditions(), purge::describe(self.mode)]
            .into_iter()
            .flatten()
            .collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }

    /// The effect on the keys.
    pub fn mode(&self) -> PurgeMode {
        self.mode
    }

    /// The conditions as a job stores them.
    pub(crate) fn stored_conditions(&self) -> &Conditions {
        &self.conditions
    }

    /// True if nothing is to be removed.
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

    /// Carries it out. A pattern costs about one round trip per 1,000 keys of the database. A
    /// global clear costs one, or as much as a pattern if it has to walk. A dry run costs the same,
    /// and [`ClearRequest::measure_share`].
    ///
    /// `spare_protected` says that the audit trail is in this database. A global clear then walks
    /// and spares `cache:*` and `lock:*`. It also does so if records of an earlier trail, or of
    /// another edge-cache, are in the database, or if Redis does not allow `FLUSHDB`.
    ///
    /// With conditions it walks, too, and removes the keys by name ([`scan::delete_meeting`]), so
    /// that no fence covers the keys that it spares. A soft purge always walks ([`soft_purge`]).
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
        if let PurgeMode::Soft(grace) = self.mode {
            return self.mark_stale(redis, grace).await;
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
                keys_marked_stale: 0,
                exact: removed.is_exact,
                method: ClearMethod::Flush,
                in_force: None,
            });
        }
        let removed = scan::delete_matching(redis, &self.walked_pattern()).await?;
        Ok(ClearReport::Cleared {
            keys_deleted: removed.keys,
            keys_marked_stale: 0,
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
            keys_marked_stale: 0,
            exact: true,
            method: ClearMethod::Walk,
            in_force: None,
        })
    }

    async fn mark_stale<R: Redis + HostRuntime>(
        &self,
        redis: &R,
        grace: SoftGrace,
    ) -> Result<ClearReport, Error> {
        let pattern = self.walked_pattern();
        let (keys_marked_stale, in_force) = if self.conditions.are_none() {
            let marked = soft_purge::mark_matching(redis, &pattern, grace).await?;
            (marked.keys, Some(marked.in_force))
        } else {
            let marked = soft_purge::mark_meeting(redis, &pattern, &self.conditions, grace).await;
            (marked.map_err(conditions::explain)?, None)
        };
        Ok(ClearReport::Cleared {
            keys_deleted: 0,
            keys_marked_stale,
            exact: true,
            method: ClearMethod::Walk,
            in_force,
        })
    }

    /// Checks the number of keys that the caller has confirmed. Costs what a dry run costs; none without
    /// such a number.
    ///
    /// # Errors
    /// [`Error::CountChanged`], and those of [`ClearRequest::run`].
    pub async fn check_count<R: Redis>(
        &self,
        redis: &R,
        spare_protected: bool,
    ) -> Result<(), Error> {
        if !self.confirmation.is_count() {
            return Ok(());
        }
        // Dry runs of a global clear count with or without edge-cache's own keys.
        if self.may_flush(spare_protected)
            && let Some(count) = count_flush(redis).await?
            && !self.confirmation.differs_from(count.keys)
        {
            return Ok(());
        }
        let pattern = self.walked_pattern();
        let found = scan::count_removable(redis, &pattern, &self.conditions, 0).await;
        self.confirmation
            .check(found.map_err(conditions::explain)?.matched)
    }

    fn may_flush(&self, spare_protected: bool) -> bool {
        let is_whole = self.target == Target::Everything && self.conditions.are_none();
        is_whole && !self.mode.is_soft() && !spare_protected
    }

    async fn preview<R: Redis>(
        &self,
        redis: &R,
        spare_protected: bool,
    ) -> Result<ClearReport, Error> {
        let share = self.measure_share(redis).await?.report();
        let pattern = self.walked_pattern();
        let flush = if self.may_flush(spare_protected) {
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
mod tests;
