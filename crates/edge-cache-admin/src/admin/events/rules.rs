//! Rules: the keys, patterns and tags that events of a type invalidate.

use edge_cache::keyspace::key::KeyName;
use edge_cache::keyspace::pattern::{Pattern, escape};
use edge_cache::keyspace::tag::Tag;
use serde::{Deserialize, Serialize};

use super::template::{fill, uses_field};
use crate::admin::purge::{self, PurgeFields};
use crate::error::Error;
use crate::input::{FileError, TomlTable};

/// The longest type of a rule, in bytes.
const MAX_TYPE_BYTES: usize = 256;

/// A rule: the keys, patterns and tags that the events of a type invalidate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// The type: `product.updated`, or `product.*` for all that begin with `product.`.
    pub event: String,
    /// Keys, with fields of the event in braces.
    #[serde(default)]
    pub keys: Vec<String>,
    /// Patterns, likewise.
    #[serde(default)]
    pub patterns: Vec<String>,
    /// Tags, likewise.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The effect on them.
    #[serde(flatten)]
    pub purge: PurgeFields,
}

/// A mistake in a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RuleMistake {
    /// The field with the mistake.
    pub(crate) field: &'static str,
    /// The position in the field's list, and the template there.
    pub(crate) template: Option<(usize, String)>,
    /// The mistake, as the rest of a sentence that begins with the field or the template.
    pub(crate) problem: String,
}

/// All rules, checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventRules(Vec<Rule>);

impl EventRules {
    /// Reads and checks the rules of a configuration file: its tables `[[rule]]`.
    ///
    /// # Errors
    /// The first mistake.
    pub(crate) fn read(root: &TomlTable<'_>) -> Result<Self, FileError> {
        let rules = root.tables("rule")?;
        rules
            .iter()
            .map(Rule::read)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// These rules, except that those of a type give way to the overrides of the same type.
    #[must_use]
    pub fn with_overrides(mut self, overrides: Vec<Rule>) -> Self {
        let is_overridden = |rule: &Rule| overrides.iter().any(|known| known.event == rule.event);
        self.0.retain(|rule| !is_overridden(rule));
        self.0.extend(overrides);
        self
    }

    /// The rules, in their order.
    pub(crate) fn rules(&self) -> &[Rule] {
        &self.0
    }

    /// The rules for events of a type.
    pub(super) fn applying_to(&self, kind: &str) -> Vec<&Rule> {
        self.0.iter().filter(|rule| rule.applies_to(kind)).collect()
    }

    /// The types that have a rule, for an error.
    pub(super) fn types(&self) -> String {
        if self.0.is_empty() {
            return "none: there are no rules".to_owned();
        }
        let types: Vec<&str> = self.0.iter().map(|rule| rule.event.as_str()).collect();
        types.join(", ")
    }
}

impl Rule {
    fn read(table: &TomlTable<'_>) -> Result<Self, FileError> {
        let rule = Self {
            event: table.required_string("event")?.to_owned(),
            keys: table.strings("keys")?,
            patterns: table.strings("patterns")?,
            tags: table.strings("tags")?,
            purge: purge::from_table(table)?.into(),
        };
        table.reject_unknown(&[
            "event",
            "keys",
            "patterns",
            "tags",
            "mode",
            "soft_grace_seconds",
        ])?;

        rule.check().map(|()| rule.clone()).map_err(|mistake| {
            let RuleMistake { field, problem, .. } = &mistake;
            match &mistake.template {
                Some((index, template)) => {
                    let problem = format!("rule {}: `{template}` {problem}", rule.event);
                    table.error_in(field, *index, problem)
                }
                None => table.error_at(field, format!("rule {}: `{field}` {problem}", rule.event)),
            }
        })
    }

    /// Checks a rule.
    pub(crate) fn check(&self) -> Result<(), RuleMistake> {
        check_type(&self.event)?;
        if self.keys.is_empty() && self.patterns.is_empty() && self.tags.is_empty() {
            let problem = "must name at least one key, unless patterns or tags are given";
            return Err(RuleMistake::of_field("keys", problem));
        }

        // A template must be valid with any field; `x` stands for all of them.
        let field = |_: &str| Some("x".to_owned());
        check_each("keys", &self.keys, |template| {
            fill_key(template, field).map(drop)
        })?;
        check_each("patterns", &self.patterns, |template| {
            fill_pattern(template, field).map(drop)
        })?;
        check_each("tags", &self.tags, |template| {
            fill_tag(template, field).map(drop)
        })
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

impl RuleMistake {
    fn of_field(field: &'static str, problem: &str) -> Self {
        Self {
            field,
            template: None,
            problem: problem.to_owned(),
        }
    }
}

/// Checks the type of a rule.
pub(crate) fn check_type(event: &str) -> Result<(), RuleMistake> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let name = event.strip_suffix(".*").unwrap_or(event);
    let is_valid = !name.is_empty() && event.len() <= MAX_TYPE_BYTES && name.bytes().all(is_plain);
    if is_valid {
        return Ok(());
    }
    let problem = "must consist of letters, digits, - _ and dots, and may end in `.*`";
    Err(RuleMistake::of_field("event", problem))
}

fn check_each(
    field: &'static str,
    templates: &[String],
    check: impl Fn(&str) -> Result<(), Error>,
) -> Result<(), RuleMistake> {
    for (index, template) in templates.iter().enumerate() {
        check(template).map_err(|error| RuleMistake {
            field,
            template: Some((index, template.clone())),
            problem: match error {
                Error::Invalid { problem, .. } => problem,
                other => other.to_string(),
            },
        })?;
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::TomlFile;

    fn read(text: &str) -> Result<EventRules, String> {
        let file = TomlFile::parse("rules.toml", text).map_err(|error| error.to_string())?;
        EventRules::read(&file.root()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_mistake_in_the_rules_is_reported_with_its_place() {
        let with = |event: &str, field: &str, name: &str| {
            format!("[[rule]]\nevent = {event}\n{field} = [\"{name}\"]\n")
        };

        let cases = [
            (
                with("\"product.*\"", "pattern", "a:*"),
                "rules.toml:3:1: `pattern` is not known here",
            ),
            (
                with("\"product.*\"", "patterns", "products:{id:*"),
                "rules.toml:3:13: rule product.*: `products:{id:*` has a brace that is not closed",
            ),
            (with("\"product.*\"", "patterns", "*"), "every key"),
            (
                with("\"product.*\"", "patterns", "cache:*"),
                "protected keys",
            ),
            (with("\"product.*\"", "keys", "cache:ttl"), "protected key"),
            (
                with("\"product.*\"", "tags", ""),
                "rules.toml:3:9: rule product.*: `` must",
            ),
            (
                with("3", "patterns", "a:*"),
                "rules.toml:2:9: `event` must be a string",
            ),
            (
                with("\"a b\"", "patterns", "a:*"),
                "rules.toml:2:9: rule a b: `event` must",
            ),
            (
                "[[rule]]\nevent = \"a\"".to_owned(),
                "rules.toml:1:1: rule a: `keys` must name at least one key",
            ),
            (
                "[[rule]]\nkeys = [\"a\"]".to_owned(),
                "rules.toml:1:1: `event` is needed",
            ),
            (
                with("\"a\"", "keys", "b") + "mode = \"gentle\"",
                "rules.toml:4:8: `mode` must be `hard` or `soft`",
            ),
            (
                with("\"a\"", "keys", "b") + "soft_grace_seconds = 5",
                "rules.toml:4:22: `soft_grace_seconds` is for mode `soft`",
            ),
        ];

        for (rules, expected) in cases {
            let problem = read(&rules).unwrap_err();
            assert!(problem.contains(expected), "{problem}");
        }
    }

    #[test]
    fn an_override_replaces_all_rules_of_its_type_only() {
        let rules = read(
            r#"
            rule = [
              { event = "a.*", keys = ["one"] },
              { event = "a.b", keys = ["two"] },
              { event = "a.*", keys = ["three"] },
            ]"#,
        );
        let new = Rule {
            event: "a.*".to_owned(),
            keys: vec!["four".to_owned()],
            patterns: vec![],
            tags: vec![],
            purge: PurgeFields::default(),
        };

        let rules = rules.unwrap().with_overrides(vec![new]);

        let keys = |kind| -> Vec<&str> {
            let rules = rules.applying_to(kind);
            rules.iter().map(|rule| rule.keys[0].as_str()).collect()
        };
        assert_eq!(keys("a.b"), ["two", "four"]);
        assert_eq!(keys("a.c"), ["four"]);
    }
}
