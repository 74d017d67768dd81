//! Domain events, and the rules that say what each invalidates.
//!
//! Rules are written in TOML and checked when a component is built from them. Fields of an event are escaped before they
//! meet a glob, so an id can never widen a pattern.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::audit::Record;
use crate::body::Fields;
use crate::error::{Error, RedisError};
use crate::invalidate::{self, Report};
use crate::key::{EVENTS, KeyName};
use crate::pattern::{Pattern, escape};
use crate::redis::{Command, Redis};
use crate::tag::Tag;

/// The longest field of an event, in bytes.
const MAX_FIELD: usize = 512;

/// What is wrong with what would remove other things than a cache's values.
const TOO_FAR: &str = "reaches more than an event should";

/// What the events of a type invalidate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    /// The type: `product.updated`, or `product.*` for all that start so.
    event: String,
    /// Keys, with fields of the event in braces.
    #[serde(default)]
    keys: Vec<String>,
    /// Patterns, likewise.
    #[serde(default)]
    patterns: Vec<String>,
    /// Tags, likewise.
    #[serde(default)]
    tags: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRules {
    rule: Vec<Rule>,
}

/// All rules, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules(Vec<Rule>);

/// A mistake in the rules, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RulesError(String);

impl std::error::Error for RulesError {}

impl fmt::Display for RulesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Rules {
    /// Checks rules written in TOML, and turns them into what [`Rules::read`] reads.
    ///
    /// # Errors
    /// The first mistake with its line, or with the rule it is in.
    #[cfg(feature = "compile")]
    pub fn compile(text: &str) -> Result<String, RulesError> {
        let raw: RawRules = toml::from_str(text).map_err(|error| RulesError(error.to_string()))?;
        let compiled = serde_json::to_string(&raw).map_err(|error| RulesError(error.to_string()))?;
        Self::read(&compiled).map(|_| compiled)
    }

    /// Reads and checks compiled rules.
    ///
    /// # Errors
    /// The first mistake, with the rule it is in.
    pub fn read(compiled: &str) -> Result<Self, RulesError> {
        let raw: RawRules = serde_json::from_str(compiled).map_err(|error| RulesError(error.to_string()))?;
        for rule in &raw.rule {
            rule.check().map_err(|problem| RulesError(format!("rule {}: {problem}", rule.event)))?;
        }
        Ok(Self(raw.rule))
    }

    /// The types that have a rule, for a message.
    fn types(&self) -> String {
        self.0.iter().map(|rule| rule.event.as_str()).collect::<Vec<_>>().join(", ")
    }
}

impl Rule {
    fn check(&self) -> Result<(), String> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let name = self.event.strip_suffix(".*").unwrap_or(&self.event);
        if name.is_empty() || !name.bytes().all(plain) {
            return Err("`event` has letters, digits, - _ and dots, and may end in `.*`".into());
        }
        if self.keys.is_empty() && self.patterns.is_empty() && self.tags.is_empty() {
            return Err("needs `keys`, `patterns` or `tags`".into());
        }
        let templates = self.keys.iter().chain(&self.patterns).chain(&self.tags);
        for template in templates {
            fill(template, |_| Some("x".to_owned())).map_err(|problem| format!("{template}: {problem}"))?;
        }
        for key in &self.keys {
            let filled = fill(key, |_| Some("x".to_owned())).unwrap_or_default();
            key_within_reach(key, filled).map_err(|error| error.to_string())?;
        }
        for pattern in &self.patterns {
            let filled = fill(pattern, |_| Some("x".to_owned())).unwrap_or_default();
            pattern_within_reach(pattern, filled).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    fn applies_to(&self, kind: &str) -> bool {
        match self.event.strip_suffix('*') {
            Some(prefix) => kind.starts_with(prefix) && kind.len() > prefix.len(),
            None => self.event == kind,
        }
    }
}

/// A key that an event may remove: none that this system keeps, which a field of it could name.
fn key_within_reach(template: &str, filled: String) -> Result<KeyName, Error> {
    let key = KeyName::new(filled);
    if key.is_protected() { Err(Error::invalid(template, TOO_FAR)) } else { Ok(key) }
}

/// The same for a pattern, which must not reach all keys either.
fn pattern_within_reach(template: &str, filled: String) -> Result<Pattern, Error> {
    let pattern = Pattern::parse(template, filled)?;
    let too_far = pattern.matches_everything() || pattern.names_protected();
    if too_far { Err(Error::invalid(template, TOO_FAR)) } else { Ok(pattern) }
}

/// Puts fields in the place of `{name}`.
fn fill(template: &str, field: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut filled = String::with_capacity(template.len() + 16);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, tail) = after.split_once('}').ok_or("a brace is not closed")?;
        if name.is_empty() || before.contains('}') {
            return Err("braces do not match, or have nothing in them".into());
        }
        filled.push_str(before);
        filled.push_str(&field(name).ok_or_else(|| format!("the event has no `{name}`"))?);
        rest = tail;
    }
    if rest.contains('}') {
        return Err("a brace is not opened".into());
    }
    filled.push_str(rest);
    Ok(filled)
}

/// A checked event, and what it invalidates.
#[derive(Debug)]
pub struct Request {
    /// The event's type.
    pub kind: String,
    /// What its rules name.
    pub invalidation: invalidate::Request,
}

impl Request {
    /// Reads `{"type": "product.updated", "id": "123"}`, with further fields that rules name.
    ///
    /// # Errors
    /// [`Error::Malformed`] when it is not a JSON object; [`Error::Invalid`] for a type without a rule, or a field that is
    /// missing, too long, or neither a string nor a number.
    pub fn parse(payload: &[u8], rules: &Rules) -> Result<Self, Error> {
        let mut fields = Fields::from_json(payload)?;
        let kind =
            fields.string("type")?.ok_or_else(|| Error::invalid("type", "is needed, such as product.updated"))?;
        if kind.len() > MAX_FIELD {
            return Err(Error::invalid("type", format!("must have at most {MAX_FIELD} bytes")));
        }
        let applying: Vec<&Rule> = rules.0.iter().filter(|rule| rule.applies_to(&kind)).collect();
        if applying.is_empty() {
            return Err(Error::invalid("type", format!("has no rule; known are {}", rules.types())));
        }
        let fields = fields.rest();
        let text = |name: &str| match fields.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let bounded = |name: &str| text(name).filter(|text| !text.is_empty() && text.len() <= MAX_FIELD);
        let missing = |template: &str, problem: String| Error::invalid(template, problem);
        let (mut keys, mut patterns, mut tags) = (Vec::new(), Vec::new(), Vec::new());
        for rule in applying {
            for key in &rule.keys {
                keys.push(key_within_reach(key, fill(key, bounded).map_err(|problem| missing(key, problem))?)?);
            }
            for pattern in &rule.patterns {
                let filled = fill(pattern, |name| bounded(name).map(|text| escape(&text)));
                patterns.push(pattern_within_reach(pattern, filled.map_err(|problem| missing(pattern, problem))?)?);
            }
            for tag in &rule.tags {
                tags.push(Tag::parse(tag, fill(tag, bounded).map_err(|problem| missing(tag, problem))?)?);
            }
        }
        Ok(Self { kind, invalidation: invalidate::Request::new(keys, patterns, tags) })
    }

    /// A record of the event for the audit trail: its type, and what its rules name.
    pub fn record(&self) -> Record {
        let mut record = Record::of("event", &self.invalidation);
        let more = record.detail.take().map(|more| format!("; {more}")).unwrap_or_default();
        record.detail = Some(format!("{}{more}", self.kind));
        record
    }

    /// Invalidates what the event's rules name, and counts the event.
    ///
    /// # Errors
    /// Those of the invalidation.
    pub async fn run<R: Redis>(&self, redis: &R) -> Result<Report, Error> {
        let report = self.invalidation.run(redis).await?;
        // What was removed is removed, counted or not.
        let _ = count(redis, "handled").await;
        Ok(report)
    }
}

/// Counts an event by what became of it: `handled`, `refused`. One round trip.
///
/// # Errors
/// Those of the connection.
pub async fn count<R: Redis>(redis: &R, outcome: &str) -> Result<(), RedisError> {
    redis.execute(Command::new("HINCRBY").arg(EVENTS).arg(outcome).arg(1_i64)).await.map(drop)
}

#[cfg(all(test, feature = "compile"))]
mod tests {
    use super::*;

    const RULES: &str = r#"
        [[rule]]
        event = "product.*"
        keys = ["products:popular:list"]
        patterns = ["products:{id}:*"]
        [[rule]]
        event = "config.changed"
        keys = ["config:{key}", "config:main:all"]
        tags = ["config"]
    "#;

    fn rules() -> Rules {
        Rules::read(&Rules::compile(RULES).unwrap()).unwrap()
    }

    #[test]
    fn an_event_names_what_its_rules_say() {
        let event = Request::parse(br#"{"type":"product.updated","id":123}"#, &rules()).unwrap();
        assert_eq!(event.invalidation.patterns[0].display(), "products:123:*");
        assert_eq!(event.invalidation.keys[0].display(), "products:popular:list");
        let event = Request::parse(br#"{"type":"config.changed","key":"shop.currency"}"#, &rules()).unwrap();
        assert_eq!(
            (event.invalidation.keys[0].display().as_str(), event.invalidation.tags.len()),
            ("config:shop.currency", 1)
        );
    }

    #[test]
    fn an_id_never_widens_a_pattern() {
        let event = Request::parse(br#"{"type":"product.updated","id":"*"}"#, &rules()).unwrap();
        assert_eq!(event.invalidation.patterns[0].display(), "products:\\*:*");
    }

    #[test]
    fn a_field_never_names_what_this_system_keeps() {
        let wide = r#"[[rule]]
            event = "any"
            keys = ["{key}"]
            patterns = ["{module}:*"]"#;
        let rules = Rules::read(&Rules::compile(wide).unwrap()).unwrap();
        let event = |key: &str, module: &str| {
            let event = serde_json::json!({ "type": "any", "key": key, "module": module }).to_string();
            Request::parse(event.as_bytes(), &rules)
        };
        assert!(event("users:1", "users").is_ok());
        for (key, module) in
            [("cache:audit", "users"), ("lock:{a}", "users"), ("users:1", "cache"), ("users:1", "lock")]
        {
            assert!(event(key, module).is_err(), "{key} {module}");
        }
    }

    #[test]
    fn events_that_are_unknown_or_malformed_are_refused() {
        let bad = [
            "[]",
            "{",
            r#"{"id":"1"}"#,
            r#"{"type":"order.paid"}"#,
            r#"{"type":"product."}"#,
            r#"{"type":"product.updated"}"#,
            r#"{"type":"product.updated","id":""}"#,
            r#"{"type":"product.updated","id":{"a":1}}"#,
        ];
        for payload in bad {
            assert!(Request::parse(payload.as_bytes(), &rules()).is_err(), "{payload}");
        }
        let long = "x".repeat(513);
        for payload in [
            format!(r#"{{"type":"product.updated","id":"{long}"}}"#),
            format!(r#"{{"type":"product.{long}","id":"1"}}"#),
        ] {
            assert!(Request::parse(payload.as_bytes(), &rules()).is_err());
        }
    }

    #[test]
    fn a_mistake_in_the_rules_is_told_with_its_place() {
        let cases = [
            (RULES.replace("patterns =", "pattern ="), "unknown field `pattern`"),
            (RULES.replace("{id}", "{id"), "rule product.*: products:{id:*: a brace is not closed"),
            (RULES.replace("products:{id}:*", "*"), "more than an event should"),
            (RULES.replace("products:{id}:*", "cache:*"), "more than an event should"),
            (RULES.replace("event = \"product.*\"", "event = 3"), "line 3"),
            ("[[rule]]\nevent = \"a\"".to_owned(), "needs `keys`"),
        ];
        for (text, told) in cases {
            let problem = Rules::compile(&text).unwrap_err().to_string();
            assert!(problem.contains(told), "{problem}");
        }
    }
}
