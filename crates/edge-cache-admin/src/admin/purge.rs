//! The mode of an invalidation, as requests and rules give it: `mode`, and `softGraceSeconds`.

use std::time::Duration;

use edge_cache::keyspace::key::KeyName;
use edge_cache::keyspace::pattern::Pattern;
use edge_cache::keyspace::purge::{PurgeMode, SoftGrace};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::input::{Fields, FileError, TomlTable};

/// The names of its fields, for errors about unknown ones.
pub(crate) const KNOWN: &str = "mode, softGraceSeconds";

/// The mode in JSON.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PurgeFields {
    #[serde(default)]
    mode: ModeName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    soft_grace_seconds: Option<u64>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ModeName {
    #[default]
    Hard,
    Soft,
}

/// A mistake in the mode: the field, and the problem.
type Mistake = (&'static str, String);

impl PurgeFields {
    /// The mode.
    pub fn mode(self) -> PurgeMode {
        match self.mode {
            ModeName::Hard => PurgeMode::Hard,
            ModeName::Soft => PurgeMode::Soft(self.grace()),
        }
    }

    /// Checks a mode that was stored.
    pub(crate) fn is_valid(self) -> bool {
        let grace = self.soft_grace_seconds;
        grace.is_none_or(|seconds| SoftGrace::new("", Duration::from_secs(seconds)).is_ok())
    }

    fn grace(self) -> SoftGrace {
        let seconds = self.soft_grace_seconds.map(Duration::from_secs);
        let grace = seconds.and_then(|seconds| SoftGrace::new("", seconds).ok());
        grace.unwrap_or_default()
    }
}

impl From<PurgeMode> for PurgeFields {
    fn from(mode: PurgeMode) -> Self {
        match mode {
            PurgeMode::Hard => Self::default(),
            PurgeMode::Soft(grace) => Self {
                mode: ModeName::Soft,
                soft_grace_seconds: Some(grace.duration().as_secs()),
            },
        }
    }
}

/// Takes the mode from a body.
///
/// # Errors
/// [`Error::Invalid`] naming the field.
pub(crate) fn from_fields(fields: &mut Fields) -> Result<PurgeMode, Error> {
    let mode = fields.string("mode")?;
    let range = SoftGrace::MIN.as_secs()..=SoftGrace::MAX.as_secs();
    let seconds = fields.whole("softGraceSeconds", range)?;
    parse(mode.as_deref(), seconds).map_err(|(field, problem)| Error::invalid(field, problem))
}

/// Reads the mode of a rule of a file: `mode` and `soft_grace_seconds`.
///
/// # Errors
/// The mistake, with its place.
pub(crate) fn from_table(table: &TomlTable<'_>) -> Result<PurgeMode, FileError> {
    let range = SoftGrace::MIN.as_secs()..=SoftGrace::MAX.as_secs();
    let seconds = table.number("soft_grace_seconds", range)?;
    parse(table.string("mode")?, seconds).map_err(|(field, problem)| {
        let field = if field == "mode" {
            "mode"
        } else {
            "soft_grace_seconds"
        };
        table.error_at(field, format!("`{field}` {problem}"))
    })
}

fn parse(mode: Option<&str>, seconds: Option<u64>) -> Result<PurgeMode, Mistake> {
    match (mode.unwrap_or("hard"), seconds) {
        ("hard", None) => Ok(PurgeMode::Hard),
        ("hard", Some(_)) => {
            let problem = "is for mode `soft`, which keeps entries to be served as stale";
            Err(("softGraceSeconds", problem.to_owned()))
        }
        ("soft", seconds) => {
            let fields = PurgeFields {
                mode: ModeName::Soft,
                soft_grace_seconds: seconds,
            };
            Ok(fields.mode())
        }
        _ => Err(("mode", "must be `hard` or `soft`".to_owned())),
    }
}

/// Checks that a soft purge names no protected keys, which cannot be stale.
///
/// # Errors
/// [`Error::Invalid`] for `mode`.
pub(crate) fn reject_protected(
    mode: PurgeMode,
    keys: &[KeyName],
    patterns: &[Pattern],
) -> Result<(), Error> {
    let names_protected =
        keys.iter().any(KeyName::is_protected) || patterns.iter().any(Pattern::names_protected);
    if mode.is_soft() && names_protected {
        let problem = "cannot be `soft` for keys of edge-cache itself: they are no entries";
        return Err(Error::invalid("mode", problem));
    }
    Ok(())
}

/// A soft purge in words, for the audit trail; `None` for a removal.
pub(crate) fn describe(mode: PurgeMode) -> Option<String> {
    match mode {
        PurgeMode::Hard => None,
        PurgeMode::Soft(grace) => {
            let seconds = grace.duration().as_secs();
            Some(format!("soft purge, {seconds} s for entries without grace"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<PurgeMode, Error> {
        from_fields(&mut Fields::from_json(body.as_bytes()).unwrap())
    }

    #[test]
    fn an_invalidation_is_hard_unless_it_says_soft() {
        let soft = |seconds| {
            let grace = SoftGrace::new("", Duration::from_secs(seconds));
            PurgeMode::Soft(grace.unwrap())
        };

        assert_eq!(read("{}").unwrap(), PurgeMode::Hard);
        assert_eq!(read(r#"{"mode":"hard"}"#).unwrap(), PurgeMode::Hard);
        assert_eq!(read(r#"{"mode":"soft"}"#).unwrap(), soft(60));
        let given = read(r#"{"mode":"soft","softGraceSeconds":5}"#);
        assert_eq!(given.unwrap(), soft(5));
    }

    #[test]
    fn a_bad_mode_is_named() {
        let cases = [
            (r#"{"mode":"Soft"}"#, "mode"),
            (r#"{"mode":1}"#, "mode"),
            (r#"{"softGraceSeconds":5}"#, "softGraceSeconds"),
            (
                r#"{"mode":"hard","softGraceSeconds":5}"#,
                "softGraceSeconds",
            ),
            (
                r#"{"mode":"soft","softGraceSeconds":0}"#,
                "softGraceSeconds",
            ),
            (
                r#"{"mode":"soft","softGraceSeconds":86401}"#,
                "softGraceSeconds",
            ),
        ];
        for (body, field) in cases {
            match read(body) {
                Err(Error::Invalid { field: named, .. }) => assert_eq!(named, field, "{body}"),
                other => panic!("{body}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_stored_mode_is_read_back() {
        let mode = read(r#"{"mode":"soft","softGraceSeconds":5}"#).unwrap();
        let json = serde_json::to_string(&PurgeFields::from(mode)).unwrap();

        assert_eq!(json, r#"{"mode":"soft","softGraceSeconds":5}"#);
        let stored: PurgeFields = serde_json::from_str(&json).unwrap();
        assert_eq!(stored.mode(), mode);
        let hard: PurgeFields = serde_json::from_str("{}").unwrap();
        assert_eq!(hard.mode(), PurgeMode::Hard);
    }
}
