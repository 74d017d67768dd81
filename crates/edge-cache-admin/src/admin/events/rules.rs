//! Rules: the keys, patterns and tags that events of a type invalidate.

use std::fmt;

use edge_cache::keyspace::key::KeyName;
use edge_cache::keyspace::pattern::{Pattern, escape};
use edge_cache::keyspace::tag::Tag;
use serde::{Deserialize, Serialize};

use super::template::{fill, uses_field};
use crate::error::Error;

/// The rule for the events of a type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    /// The type: `product.updated`, or `product.*` for all that begin with `product.`.
    event: String,
    /// Keys, with fields of the event in braces.
    #[serde(default)]
    pub(super) keys: Vec<String>,
    /// Patterns, likewise.
    #[serde(default)]
    pub(super) patterns: Vec<String>,
    /// Tags, likewise.
    #[serde(default)]
    pub(super) tags: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRules {
    rule: Vec<Rule>,
}

/// All rules, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRules(Vec<Rule>);

/// A mistake in the rules, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRulesError(String);

impl std::error::Error for EventRulesError {}

impl fmt::Display for EventRulesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl EventRules {
    /// Checks rules written in TOML, and compiles them for [`EventRules::read`].
    ///
    /// # Errors
    /// The first mistake, with its line or rule.
    #[cfg(feature = "compile")]
    pub fn compile(text: &str) -> Result<String, EventRulesError> {
        let raw: RawRules =
            toml::from_str(text).map_err(|error| EventRulesError(error.to_string()))?;
        let compiled =
            serde_json::to_string(&raw).map_err(|error| EventRulesError(error.to_string()))?;
        Self::read(&compiled).map(|_| compiled)
    }

    /// Reads and checks compiled rules.
    ///
    /// # Errors
    /// The first mistake, with its rule.
    pub fn read(compiled: &str) -> Result<Self, EventRulesError> {
        let raw: RawRules =
            serde_json::from_str(compiled).map_err(|error| EventRulesError(error.to_string()))?;
        for rule in &raw.rule {
            rule.check()
                .map_err(|problem| EventRulesError(format!("rule {}: {problem}", rule.event)))?;
        }
        Ok(Self(raw.rule))
    }

    /// The rules for events of a type.
    pub(super) fn applying_to(&self, kind: &str) -> Vec<&Rule> {
        self.0.iter().filter(|rule| rule.applies_to(kind)).collect()
    }

    /// The types that have a rule, for an error.
    pub(super) fn types(&self) -> String {
        let types: Vec<&str> = self.0.iter().map(|rule| rule.event.as_str()).collect();
        types.join(", ")
    }
}

impl Rule {
    fn check(&self) -> Result<(), String> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let name = self.event.strip_suffix(".*").unwrap_or(&self.event);
        if name.is_empty() || !name.bytes().all(is_plain) {
            return Err("`event` has letters, digits, - _ and dots, and may end in `.*`".into());
        }
        if self.keys.is_empty() && self.patterns.is_empty() && self.tags.is_empty() {
            return Err("needs `keys`, `patterns` or `tags`".into());
        }

        // A template must be valid with any field; `x` stands for all of them.
        let field = |_: &str| Some("x".to_owned());
        for template in &self.keys {
            fill_key(template, field).map_err(|error| error.to_string())?;
        }
        for template in &self.patterns {
            fill_pattern(template, field).map_err(|error| error.to_string())?;
        }
        for template in &self.tags {
            fill_text(template, field).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    fn applies_to(&self, kind: &str) -> bool {
        match self.event.strip_suffix('*') {
            Some(prefix) => kind.starts_with(prefix) && kind.len() > prefix.len(),
            None => self.event == kind,
        }
    }

    /// Returns true if a field is part of a name.
    pub(super) fn uses_field(&self, name: &str) -> bool {
        let mut templates = self.keys.iter().chain(&self.patterns).chain(&self.tags);
        templates.any(|template| uses_field(template, name))
    }
}

/// Fills a key. An event must not remove a protected key, which a field of it could name.
pub(super) fn fill_key(
    template: &str,
    field: impl Fn(&str) -> Option<String>,
) -> Result<KeyName, Error> {
    let key = KeyName::new(fill_text(template, field)?);
    if key.is_protected() {
        return Err(Error::invalid(template, "must not name a protected key"));
    }
    Ok(key)
}

/// Fills a pattern. An event must not remove protected keys, or all keys.
pub(super) fn fill_pattern(
    template: &str,
    field: impl Fn(&str) -> Option<String>,
) -> Result<Pattern, Error> {
    let escaped = |name: &str| field(name).map(|text| escape(&text));
    let pattern = Pattern::parse(template, fill_text(template, escaped)?)?;
    if pattern.matches_everything() || pattern.names_protected() {
        let problem = "must not match every key or name protected keys";
        return Err(Error::invalid(template, problem));
    }
    Ok(pattern)
}

/// Fills a tag.
pub(super) fn fill_tag(
    template: &str,
    field: impl Fn(&str) -> Option<String>,
) -> Result<Tag, Error> {
    Ok(Tag::parse(template, fill_text(template, field)?)?)
}

fn fill_text(template: &str, field: impl Fn(&str) -> Option<String>) -> Result<String, Error> {
    fill(template, field).map_err(|problem| Error::invalid(template, problem))
}

#[cfg(all(test, feature = "compile"))]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_in_the_rules_is_reported_with_its_place() {
        let with = |event: &str, field: &str, name: &str| {
            format!("[[rule]]\nevent = {event}\n{field} = [\"{name}\"]\n")
        };

        let cases = [
            (
                with("\"product.*\"", "pattern", "a:*"),
                "unknown field `pattern`",
            ),
            (
                with("\"product.*\"", "patterns", "products:{id:*"),
                "rule product.*: `products:{id:*` a brace is not closed",
            ),
            (with("\"product.*\"", "patterns", "*"), "every key"),
            (
                with("\"product.*\"", "patterns", "cache:*"),
                "protected keys",
            ),
            (with("\"product.*\"", "keys", "cache:ttl"), "protected key"),
            (with("3", "patterns", "a:*"), "line 2"),
            ("[[rule]]\nevent = \"a\"".to_owned(), "needs `keys`"),
        ];

        for (rules, expected) in cases {
            let problem = EventRules::compile(&rules).unwrap_err().to_string();
            assert!(problem.contains(expected), "{problem}");
        }
    }
}
