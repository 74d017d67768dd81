//! The rules for domain events: those of the configuration file, and overrides that change them at
//! run time.

use edge_cache::RedisError;
use edge_cache::keyspace::key::RULE_OVERRIDES;
use edge_cache::redis::{Command, Redis, Replies};
use serde::{Deserialize, Serialize};

use crate::admin::events::{EventRules, Rule, RuleMistake, check_type};
use crate::admin::purge::{self, PurgeFields};
use crate::error::Error;
use crate::input::{Fields, read_removed_name, read_string};

/// Most keys of a rule.
const MAX_KEYS: usize = 1000;
/// Most patterns of a rule, and most tags.
const MAX_PATTERNS_OR_TAGS: usize = 100;

/// A rule in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleRow {
    /// The rule.
    #[serde(flatten)]
    pub rule: Rule,
    /// The origin of the rule.
    pub source: RuleSource,
}

/// The origin of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RuleSource {
    /// Set by an admin.
    Override,
    /// From the configuration file.
    Builtin,
}

/// The rules in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleTable {
    /// Overrides in the order of their types, then the rules of the file in its order.
    pub rules: Vec<RuleRow>,
}

/// The names of a rule as they are stored, under its type.
#[derive(Serialize, Deserialize)]
struct StoredNames {
    keys: Vec<String>,
    patterns: Vec<String>,
    tags: Vec<String>,
    #[serde(flatten)]
    purge: PurgeFields,
}

/// Reads the overrides, in the order of their types. One that is not valid, which only another client
/// can have written, is left out. One round trip.
///
/// # Errors
/// Those of the connection.
pub async fn read_overrides<R: Redis>(redis: &R) -> Result<Vec<Rule>, RedisError> {
    let command = Command::read("HGETALL").arg(RULE_OVERRIDES);
    let stored = Replies::new(redis.execute(command).await?).rest()?;

    let mut rules: Vec<Rule> = stored.chunks(2).filter_map(read_override).collect();
    rules.sort_by(|a, b| a.event.cmp(&b.event));
    Ok(rules)
}

fn read_override(entry: &[Vec<u8>]) -> Option<Rule> {
    let [event, names] = entry else { return None };
    let names: StoredNames = serde_json::from_slice(names).ok()?;
    let rule = Rule {
        event: String::from_utf8(event.clone()).ok()?,
        keys: names.keys,
        patterns: names.patterns,
        tags: names.tags,
        purge: names.purge,
    };
    let is_valid = rule.check().is_ok() && rule.purge.is_valid();
    is_valid.then_some(rule)
}

/// Reads the rules in force: `configured` is those of the file. One round trip.
///
/// # Errors
/// Those of the connection.
pub async fn read<R: Redis>(redis: &R, configured: &EventRules) -> Result<RuleTable, Error> {
    let overrides = read_overrides(redis).await?;
    let is_overridden = |rule: &Rule| overrides.iter().any(|known| known.event == rule.event);
    let row = |rule: &Rule, source| RuleRow {
        rule: rule.clone(),
        source,
    };

    let kept = configured
        .rules()
        .iter()
        .filter(|rule| !is_overridden(rule));
    let kept = kept.map(|rule| row(rule, RuleSource::Builtin));
    let overrides = overrides.iter().map(|rule| row(rule, RuleSource::Override));
    Ok(RuleTable {
        rules: overrides.chain(kept).collect(),
    })
}

/// A checked `PUT /rules` or `DELETE /rules`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeRuleRequest {
    event: String,
    /// The override; `None` removes it.
    rule: Option<Rule>,
}

impl ChangeRuleRequest {
    /// Reads `{"event": "product.*", "keys": [...], "patterns": [...], "tags": [...]}` of a `PUT`, with
    /// `mode`.
    ///
    /// # Errors
    /// [`Error::Malformed`] and [`Error::Invalid`] for the body.
    pub fn parse_put(body: &[u8]) -> Result<Self, Error> {
        let mut fields = Fields::from_json(body)?;
        let rule = Rule {
            event: parse_type(fields.string("event")?)?,
            keys: fields.list("keys", MAX_KEYS, read_string)?,
            patterns: fields.list("patterns", MAX_PATTERNS_OR_TAGS, read_string)?,
            tags: fields.list("tags", MAX_PATTERNS_OR_TAGS, read_string)?,
            purge: purge::from_fields(&mut fields)?.into(),
        };
        fields.reject_unknown(&format!("event, keys, patterns, tags, {}", purge::KNOWN))?;

        rule.check().map_err(invalid)?;
        Ok(Self {
            event: rule.event.clone(),
            rule: Some(rule),
        })
    }

    /// Reads `{"event": "product.*"}` of a `DELETE`, in its body or its query string.
    ///
    /// # Errors
    /// [`Error::Malformed`] and [`Error::Invalid`] for either.
    pub fn parse_delete(body: &[u8], query: &str) -> Result<Self, Error> {
        Ok(Self {
            event: parse_type(read_removed_name("event", body, query)?)?,
            rule: None,
        })
    }

    /// The change in words, for the audit trail.
    pub fn describe(&self) -> String {
        let Some(rule) = &self.rule else {
            return format!("{} as configured", self.event);
        };
        let counts = [
            ("keys", rule.keys.len()),
            ("patterns", rule.patterns.len()),
            ("tags", rule.tags.len()),
        ];
        let counts: Vec<String> = counts
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(name, count)| format!("{name}: {count}"))
            .collect();
        let mode = purge::describe(rule.purge.mode());
        let mode = mode.map_or_else(String::new, |mode| format!(" ({mode})"));
        format!("{} invalidates {}{mode}", self.event, counts.join(", "))
    }

    /// Carries it out, and returns the rules in force; `configured` is those of the file. It applies
    /// to events that come a second later, and to most that come earlier. Two round trips.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such override to remove; those of the connection.
    pub async fn run<R: Redis>(
        &self,
        redis: &R,
        configured: &EventRules,
    ) -> Result<RuleTable, Error> {
        let event = self.event.as_str();
        match &self.rule {
            Some(rule) => {
                let set = Command::read("HSET").arg(RULE_OVERRIDES);
                redis.execute(set.arg(event).arg(stored(rule)?)).await?;
            }
            None => {
                let remove = Command::new("HDEL").arg(RULE_OVERRIDES).arg(event);
                if Replies::new(redis.execute(remove).await?).count()? == 0 {
                    let problem = format!("there is no override for {event}");
                    return Err(Error::NotFound(problem));
                }
            }
        }

        read(redis, configured).await
    }
}

fn stored(rule: &Rule) -> Result<String, Error> {
    let names = StoredNames {
        keys: rule.keys.clone(),
        patterns: rule.patterns.clone(),
        tags: rule.tags.clone(),
        purge: rule.purge,
    };
    serde_json::to_string(&names).map_err(|error| Error::invalid("keys", error.to_string()))
}

fn parse_type(given: Option<String>) -> Result<String, Error> {
    let event =
        given.ok_or_else(|| Error::invalid("event", "is needed, such as product.updated"))?;
    check_type(&event).map_err(invalid)?;
    Ok(event)
}

fn invalid(mistake: RuleMistake) -> Error {
    let field = match mistake.template {
        Some((index, _)) => format!("{}[{index}]", mistake.field),
        None => mistake.field.to_owned(),
    };
    Error::invalid(field, mistake.problem)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asserts that a change is refused because of a field.
    #[track_caller]
    fn assert_names(result: Result<ChangeRuleRequest, Error>, field: &str) {
        match result {
            Err(Error::Invalid { field: named, .. }) => assert_eq!(named, field),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_rule_is_checked_like_one_of_the_file() {
        let cases = [
            (r#"{"keys":["a"]}"#, "event"),
            (r#"{"event":"a b","keys":["a"]}"#, "event"),
            (r#"{"event":"a"}"#, "keys"),
            (r#"{"event":"a","keys":"b"}"#, "keys"),
            (r#"{"event":"a","keys":["b",1]}"#, "keys[1]"),
            (r#"{"event":"a","keys":["b","cache:ttl"]}"#, "keys[1]"),
            (r#"{"event":"a","patterns":["*"]}"#, "patterns[0]"),
            (r#"{"event":"a","patterns":["b:{id"]}"#, "patterns[0]"),
            (r#"{"event":"a","tags":["b",""]}"#, "tags[1]"),
            (r#"{"event":"a","keys":["b"],"tag":"c"}"#, "tag"),
            (r#"{"event":"a","keys":["b"],"mode":"none"}"#, "mode"),
        ];
        for (body, field) in cases {
            assert_names(ChangeRuleRequest::parse_put(body.as_bytes()), field);
        }
    }

    #[test]
    fn the_override_to_remove_is_named_once() {
        let delete =
            |body: &str, query: &str| ChangeRuleRequest::parse_delete(body.as_bytes(), query);

        let in_body = delete(r#"{"event":"product.*"}"#, "").unwrap();
        let in_query = delete("", "event=product.*").unwrap();

        assert_eq!(in_body, in_query);
        assert_names(delete(r#"{"event":"a"}"#, "event=b"), "event");
        assert_names(delete("", ""), "event");
    }

    #[test]
    fn a_change_is_described_by_its_type_and_the_numbers_of_its_names() {
        let body = br#"{"event":"product.*","keys":["a","b"],"tags":["t"]}"#;
        let set = ChangeRuleRequest::parse_put(body).unwrap();
        let remove = ChangeRuleRequest::parse_delete(b"", "event=product.*").unwrap();

        assert_eq!(set.describe(), "product.* invalidates keys: 2, tags: 1");
        assert_eq!(remove.describe(), "product.* as configured");
    }
}
