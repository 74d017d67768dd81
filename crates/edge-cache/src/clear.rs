//! Clearing by pattern, or everything.

use serde::Serialize;

use crate::access::Role;
use crate::body::Fields;
use crate::error::{Error, RedisError};
use crate::key::{EVENTS, KeyName, LOOKUPS, TTL_OVERRIDES, TURNS, WARMUP_LOCK};
use crate::pattern::Pattern;
use crate::redis::{Arg, Command, Redis, Replies};
use crate::script::FLUSH;
use crate::sweep;

/// How many names a dry run shows.
const SAMPLES: usize = 20;
/// What a global clear carries over.
const OUTLIVING: [&str; 5] = [TTL_OVERRIDES, WARMUP_LOCK, LOOKUPS, EVENTS, TURNS];

/// What to clear.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    Pattern(Pattern),
    Everything,
}

/// A checked `POST /clear`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    target: Target,
    dry_run: bool,
}

/// What a clear did, or would do.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase", untagged)]
pub enum Report {
    /// Keys were removed.
    Cleared {
        /// How many.
        #[serde(rename = "keysDeleted")]
        keys_deleted: u64,
    },
    /// A dry run: nothing was removed.
    Matched {
        /// How many keys would go.
        #[serde(rename = "keysMatched")]
        keys_matched: u64,
        /// Up to 20 of their names.
        #[serde(rename = "sampleKeys")]
        sample_keys: Vec<String>,
    },
}

impl Report {
    /// Keys removed, 0 for a dry run.
    pub fn keys_deleted(&self) -> u64 {
        match self {
            Self::Cleared { keys_deleted } => *keys_deleted,
            Self::Matched { .. } => 0,
        }
    }
}

impl Request {
    /// Reads `{pattern}`, `{confirm: true}`, and `dryRun` beside either.
    ///
    /// # Errors
    /// [`Error::Malformed`] and [`Error::Invalid`] for the body; [`Error::ConfirmationRequired`] when everything would be
    /// removed (no pattern, or one that matches everything) without `confirm` or `dryRun`.
    pub fn parse(body: &[u8]) -> Result<Self, Error> {
        let mut fields = Fields::from_json(body)?;
        let pattern = fields.string("pattern")?.map(|text| Pattern::parse("pattern", text)).transpose()?;
        let (confirm, dry_run) = (fields.flag("confirm")?, fields.flag("dryRun")?);
        fields.finish("pattern, confirm, dryRun")?;
        match pattern {
            Some(pattern) if !pattern.matches_everything() => Ok(Self { target: Target::Pattern(pattern), dry_run }),
            _ if confirm || dry_run => Ok(Self { target: Target::Everything, dry_run }),
            Some(pattern) => Err(Error::ConfirmationRequired(format!(
                "the pattern {} matches every key: this is a global clear, which needs `\"confirm\": true`",
                pattern.display()
            ))),
            None => Err(Error::ConfirmationRequired(
                "without a pattern this is a global clear, which needs `\"confirm\": true`".into(),
            )),
        }
    }

    /// A clear of one pattern.
    pub fn pattern_only(pattern: Pattern) -> Self {
        Self { target: Target::Pattern(pattern), dry_run: false }
    }

    /// The role this request takes.
    pub fn role(&self) -> Role {
        match &self.target {
            // What this system keeps is not an operator's to remove: the TTL table, locks, progress.
            Target::Pattern(pattern) if !pattern.names_protected() => Role::Operator,
            Target::Pattern(_) => Role::Admin,
            Target::Everything => Role::Admin,
        }
    }

    /// The pattern, `*` for a global clear.
    pub fn pattern(&self) -> String {
        match &self.target {
            Target::Pattern(pattern) => pattern.display(),
            Target::Everything => "*".into(),
        }
    }

    /// Whether nothing is to be removed.
    pub fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    /// The sentence of the answer.
    pub fn message(&self) -> String {
        match (&self.target, self.dry_run) {
            (Target::Pattern(pattern), false) => format!("Cache cleared for pattern: {}", pattern.display()),
            (Target::Everything, false) => "Full cache cleared".into(),
            (Target::Pattern(pattern), true) => {
                format!("Dry run for pattern: {}; nothing was deleted", pattern.display())
            }
            (Target::Everything, true) => "Dry run of a full clear; nothing was deleted".into(),
        }
    }

    /// Carries it out. A pattern costs about one round trip per 1,000 keys of the database, a global clear one.
    ///
    /// `keep_management` says that the audit trail shares this database, so that a global clear must leave `cache:*` and
    /// `lock:*` (and then costs as much as a pattern).
    ///
    /// # Errors
    /// Those of the connection; [`Error::Partial`] says what was removed before it failed.
    pub async fn run<R: Redis>(&self, redis: &R, keep_management: bool) -> Result<Report, Error> {
        let everything = Pattern::everything();
        let pattern = match &self.target {
            Target::Pattern(pattern) => pattern,
            Target::Everything => &everything,
        };
        if self.dry_run {
            let mut found = sweep::count(redis, pattern, SAMPLES).await?;
            if self.target == Target::Everything && !keep_management {
                found.matched = flushable(redis).await?;
            }
            let sample_keys = found.names.iter().map(KeyName::display).collect();
            return Ok(Report::Matched { keys_matched: found.matched, sample_keys });
        }
        let keys_deleted = match self.target {
            Target::Everything if !keep_management => flush(redis).await?,
            _ => sweep::delete(redis, pattern).await?,
        };
        Ok(Report::Cleared { keys_deleted })
    }
}

/// How many keys a flush would take, management keys included.
async fn flushable<R: Redis>(redis: &R) -> Result<u64, RedisError> {
    let all = Replies::new(redis.execute(Command::read("DBSIZE")).await?).count()?;
    let kept = Replies::new(redis.execute(Command::read("EXISTS").args(OUTLIVING)).await?).count()?;
    Ok(all.saturating_sub(kept))
}

async fn flush<R: Redis>(redis: &R) -> Result<u64, Error> {
    let mut replies = FLUSH.run(redis, OUTLIVING.map(Arg::from), []).await?;
    Ok(replies.count()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_that_matches_everything_needs_confirmation() {
        for body in [r#"{"pattern":"*"}"#, r#"{"pattern":"?*"}"#, "{}", "", r#"{"confirm":false}"#] {
            assert!(matches!(Request::parse(body.as_bytes()), Err(Error::ConfirmationRequired(_))), "{body}");
        }
        let global = Request::parse(br#"{"pattern":"**","confirm":true}"#).unwrap();
        assert_eq!((global.role(), global.pattern().as_str()), (Role::Admin, "*"));
    }

    #[test]
    fn a_pattern_needs_an_operator_and_no_confirmation() {
        let request = Request::parse(br#"{"pattern":"users:*","confirm":true}"#).unwrap();
        assert_eq!(request.role(), Role::Operator);
        assert_eq!(request.message(), "Cache cleared for pattern: users:*");
    }

    #[test]
    fn a_misspelt_field_never_becomes_a_global_clear() {
        assert!(matches!(Request::parse(br#"{"patern":"users:*","confirm":true}"#), Err(Error::Invalid { .. })));
    }
}
