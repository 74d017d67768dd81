//! Filters of the audit trail.
//!
//! A script leaves out the records that lack a text, such as `"who":"ada"`, which costs Redis little
//! because it does not parse them. The records that it returns are then compared in full.

use edge_cache::keyspace::pattern::Pattern;
use edge_cache::units;

use super::entry::AuditEntry;
use super::outcome::AuditOutcome;
use super::record::AuditRecord;
use crate::admin::rows::milliseconds_of;
use crate::error::Error;
use crate::input::Parameters;

/// Names of the parameters, for errors.
pub(super) const PARAMETERS: &str = "who, action, outcome, key, from, to";
/// Members of records that have patterns begin with this text.
const PATTERNS: &str = "\"pattern";

/// The records that a request asks for.
#[derive(Debug, Default)]
pub(super) struct AuditFilter {
    who: Option<String>,
    action: Option<String>,
    outcome: Option<AuditOutcome>,
    /// A key that a record names or covers, or a pattern of them.
    key: Option<Pattern>,
    /// Milliseconds since 1970.
    from: Option<u64>,
    to: Option<u64>,
}

/// Texts by which a script leaves records out.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Texts {
    /// A record has all of these.
    pub(super) all: Vec<String>,
    /// And one of these, if there are any.
    pub(super) any: Vec<String>,
}

impl AuditFilter {
    /// Reads `who`, `action`, `outcome`, `key`, `from` and `to`.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the parameter.
    pub(super) fn parse(parameters: &mut Parameters) -> Result<Self, Error> {
        let key = parameters.nonempty_bytes("key");
        let filter = Self {
            who: parameters.text("who")?,
            action: parameters.text("action")?,
            outcome: parse_outcome(parameters)?,
            key: key.map(|key| Pattern::parse("key", key)).transpose()?,
            from: parse_time(parameters, "from")?,
            to: parse_time(parameters, "to")?,
        };

        match (filter.from, filter.to) {
            (Some(from), Some(to)) if from >= to => {
                Err(Error::invalid("to", "must be later than `from`"))
            }
            _ => Ok(filter),
        }
    }

    /// Returns whether it leaves nothing out.
    pub(super) fn is_empty(&self) -> bool {
        let texts = [&self.who, &self.action];
        texts.into_iter().all(Option::is_none)
            && self.outcome.is_none()
            && self.key.is_none()
            && self.from.is_none()
            && self.to.is_none()
    }

    /// The id of a stream from which it is read, towards older records.
    pub(super) fn newest_id(&self) -> Option<String> {
        // `to` itself does not belong to the time.
        let newest = self.to?.saturating_sub(1);
        Some(newest.to_string())
    }

    /// The id of a stream at which reading ends.
    pub(super) fn oldest_id(&self) -> String {
        self.from
            .map_or_else(|| "-".to_owned(), |ms| ms.to_string())
    }

    /// The texts of records that may match.
    pub(super) fn texts(&self) -> Texts {
        let mut texts = Texts::default();
        // Records of other clients do not have these members, and are shown with a replacement.
        let written = |text: &&String| !["-", "unknown"].contains(&text.as_str());
        let who = self.who.as_ref().filter(written);
        texts.all.extend(who.map(|who| member("who", who)));
        let action = self.action.as_ref().filter(written);
        texts
            .all
            .extend(action.map(|action| member("action", action)));
        let outcome = self.outcome.filter(|one| *one != AuditOutcome::Unknown);
        texts
            .all
            .extend(outcome.map(|one| member("outcome", one.as_str())));

        if let Some(key) = &self.key
            && let Some(part) = longest_literal(key)
        {
            // A record may name the key, or a pattern that covers it.
            texts.any.push(part);
            if is_literal(key) {
                texts.any.push(PATTERNS.to_owned());
            }
        }
        texts
    }

    /// Returns whether it takes a record.
    pub(super) fn takes(&self, entry: &AuditEntry) -> bool {
        let record = &entry.record;
        self.who.as_ref().is_none_or(|who| *who == record.who)
            && self.action.as_ref().is_none_or(|one| *one == record.action)
            && self.outcome.is_none_or(|one| one == record.outcome)
            && self.key.as_ref().is_none_or(|key| names(record, key))
            && self.takes_time(entry)
    }

    /// Returns whether the record was written in the time, by its id.
    fn takes_time(&self, entry: &AuditEntry) -> bool {
        let ms = milliseconds_of(&entry.id).unwrap_or(0);
        self.from.is_none_or(|from| from <= ms) && self.to.is_none_or(|to| ms < to)
    }
}

/// Returns whether a record names a key or pattern that the filter matches, or has a pattern that
/// covers the filter's key.
fn names(record: &AuditRecord, filter: &Pattern) -> bool {
    let patterns = || record.pattern.iter().chain(&record.patterns);
    let is_named = record
        .keys
        .iter()
        .chain(patterns())
        .any(|name| filter.matches(name.as_bytes()));
    let is_covered = || {
        let key = filter.as_bytes();
        patterns().any(|pattern| Pattern::stored(pattern.as_bytes()).matches(key))
    };
    is_named || (is_literal(filter) && is_covered())
}

/// Returns whether a pattern is the name of one key.
fn is_literal(pattern: &Pattern) -> bool {
    !pattern
        .as_bytes()
        .iter()
        .any(|byte| b"*?[\\".contains(byte))
}

/// The longest part of a pattern that every name has which it matches, as it stands in a record; `None`
/// if there is none, or if records write it differently.
fn longest_literal(pattern: &Pattern) -> Option<String> {
    let bytes = pattern.as_bytes();
    // Part of a class or an escape may not be in the name.
    if bytes.iter().any(|byte| b"[\\".contains(byte)) {
        return None;
    }
    let parts = bytes.split(|byte| b"*?".contains(byte));
    let longest = parts.max_by_key(|part| part.len())?;
    let is_written_so = |byte: &u8| (b' '..=b'~').contains(byte) && *byte != b'"';
    let is_plain = !longest.is_empty() && longest.iter().all(is_written_so);
    is_plain.then(|| String::from_utf8_lossy(longest).into_owned())
}

/// A member of a record, as it stands there.
fn member(name: &str, value: &str) -> String {
    let value = serde_json::to_string(value).unwrap_or_default();
    format!("\"{name}\":{value}")
}

fn parse_outcome(parameters: &mut Parameters) -> Result<Option<AuditOutcome>, Error> {
    let Some(text) = parameters.text("outcome")? else {
        return Ok(None);
    };
    let mut outcomes = AuditOutcome::ALL.into_iter();
    let found = outcomes.find(|outcome| outcome.as_str() == text);
    found.map(Some).ok_or_else(|| {
        let names = AuditOutcome::ALL.map(AuditOutcome::as_str).join(", ");
        Error::invalid("outcome", format!("must be one of {names}"))
    })
}

fn parse_time(parameters: &mut Parameters, name: &str) -> Result<Option<u64>, Error> {
    let Some(text) = parameters.text(name)? else {
        return Ok(None);
    };
    let time = humantime::parse_rfc3339(&text)
        .map_err(|_| Error::invalid(name, "must be a time in UTC, such as 2026-01-31T12:00:00Z"))?;
    Ok(Some(units::since_1970_ms(time)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::audit::AuditStream;

    fn filter(query: &str) -> Result<AuditFilter, Error> {
        AuditFilter::parse(&mut Parameters::parse(query))
    }

    fn takes(query: &str, record: AuditRecord) -> bool {
        let entry = AuditEntry {
            id: "1767225600000-0".into(),
            stream: AuditStream::Changes,
            record,
        };
        let filter = filter(query).unwrap();
        let json = entry.record.to_json();
        let texts = filter.texts();
        let takes = filter.takes(&entry);

        let has = |text: &String| json.contains(text.as_str());
        let returned =
            texts.all.iter().all(has) && (texts.any.is_empty() || texts.any.iter().any(has));
        assert!(returned || !takes, "{query}: {texts:?} leave out {json}");
        takes
    }

    fn clear(pattern: &str) -> AuditRecord {
        AuditRecord {
            who: "ada".into(),
            pattern: Some(pattern.into()),
            ..AuditRecord::new("clear")
        }
    }

    fn removal(keys: &[&str], patterns: &[&str]) -> AuditRecord {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        AuditRecord {
            keys: names(keys),
            patterns: names(patterns),
            ..AuditRecord::new("invalidate")
        }
    }

    #[test]
    fn a_record_has_the_caller_the_action_and_the_outcome() {
        for query in [
            "",
            "who=ada",
            "action=clear",
            "outcome=ok",
            "who=ada&outcome=ok",
        ] {
            assert!(takes(query, clear("users:*")), "{query}");
        }
        for query in ["who=ad", "who=ada%22", "action=expire", "outcome=failed"] {
            assert!(!takes(query, clear("users:*")), "{query}");
        }
        assert!(takes("who=-", AuditRecord::new("denied")));
    }

    #[test]
    fn a_name_finds_the_records_that_name_or_cover_it() {
        assert!(takes("key=users:1", removal(&["users:1"], &[])));
        assert!(takes("key=users:1", removal(&["a"], &["b*", "users:?"])));
        assert!(takes("key=users:1", clear("users:*")));
        assert!(takes("key=users:1", clear("*")));
        assert!(!takes("key=users:1", removal(&["users:10"], &["users:2*"])));
        assert!(!takes("key=users:1", AuditRecord::new("warmup")));
    }

    #[test]
    fn a_pattern_finds_the_records_whose_names_it_matches() {
        assert!(takes("key=users:*", removal(&["a", "users:1"], &[])));
        assert!(takes("key=users:*", clear("users:*")));
        assert!(takes("key=users:*", clear("users:1*")));
        assert!(takes("key=*:%22x%22", removal(&["users:\"x\""], &[])));
        assert!(takes("key=%C3%A9t%C3%A9*", removal(&["été:1"], &[])));
        assert!(takes("key=[u]sers:?", removal(&["users:1"], &[])));
        assert!(!takes("key=users:*", clear("*")));
        assert!(!takes("key=users:*", removal(&["products:1"], &[])));
    }

    #[test]
    fn a_time_begins_with_from_and_ends_before_to() {
        for query in [
            "from=2026-01-01T00:00:00Z",
            "from=2025-12-31T23:59:59.999Z&to=2026-01-01T00:00:00.001Z",
        ] {
            assert!(takes(query, clear("*")), "{query}");
        }
        for query in ["to=2026-01-01T00:00:00Z", "from=2026-01-01T00:00:00.001Z"] {
            assert!(!takes(query, clear("*")), "{query}");
        }
        let filter = filter("from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:01Z").unwrap();
        assert_eq!(filter.oldest_id(), "1767225600000");
        assert_eq!(filter.newest_id().as_deref(), Some("1767225600999"));
    }

    #[test]
    fn a_bad_parameter_is_named() {
        for (query, name) in [
            ("outcome=good", "outcome"),
            ("from=yesterday", "from"),
            ("to=2026-01-01", "to"),
            ("from=2026-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", "to"),
            ("key=a[", "key"),
        ] {
            let Err(Error::Invalid { field, .. }) = filter(query) else {
                panic!("{query} is accepted");
            };
            assert_eq!(field, name);
        }
    }
}
