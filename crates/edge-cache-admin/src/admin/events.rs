//! Domain events, and the rules that define what each invalidates.
//!
//! Rules are in the configuration file, and overridden at run time ([`super::rule_table`]). Fields of
//! an event are escaped before they become part of a pattern, so an id can never widen it.

mod fields;
mod removal_turn;
mod rules;
mod template;

use edge_cache::RedisError;
use edge_cache::keyspace::gathered::{self, Turn};
use edge_cache::keyspace::key::EVENTS;
use edge_cache::keyspace::purge::PurgeMode;
use edge_cache::keyspace::tag::Tag;
use edge_cache::redis::{Command, HostRuntime, Redis};

use crate::admin::audit::AuditRecord;
use crate::admin::invalidate::{InvalidateReport, InvalidateRequest};
use crate::admin::purge;
use crate::error::Error;
use crate::input::Fields;
use fields::{EventFields, MAX_FIELD_BYTES};
pub use removal_turn::{RemovalTurn, record_of_walk};
pub use rules::{EventRules, Rule};
pub(crate) use rules::{RuleMistake, check_type};
use rules::{fill_key, fill_pattern, fill_tag};

/// A checked event, and what it invalidates.
#[derive(Debug)]
pub struct DomainEvent {
    /// The event's type.
    pub kind: String,
    /// The removal that its rules define.
    pub invalidation: InvalidateRequest,
    /// The soft purges that its rules define, one for each soft grace.
    pub soft_purges: Vec<InvalidateRequest>,
    /// Why the overrides of rules are unknown.
    unknown_overrides: Option<RedisError>,
}

impl DomainEvent {
    /// Reads `{"type": "product.updated", "id": "123"}`, with further fields that rules use.
    ///
    /// # Errors
    /// [`Error::Malformed`] when it is not a JSON object; [`Error::Invalid`] for a type without a
    /// rule, a field given twice, or one that a rule uses and that is missing, too long, or neither
    /// a string nor a whole number of up to 64 bits.
    pub fn parse(payload: &[u8], rules: &EventRules) -> Result<Self, Error> {
        let mut fields = Fields::from_json(payload)?;
        let kind = take_type(&mut fields)?;
        let applying = rules.applying_to(&kind);
        if applying.is_empty() {
            return Err(Error::invalid(
                "type",
                format!("has no rule; known are {}", rules.types()),
            ));
        }

        let fields = EventFields::new(fields.into_rest());
        fields.reject_inexact_numbers(&applying)?;
        let (hard, soft): (Vec<&Rule>, Vec<&Rule>) = applying
            .iter()
            .partition(|rule| !rule.purge.mode().is_soft());
        let invalidation = fill_rules(&hard, &fields)?;
        let mut soft_purges = Vec::new();
        for mode in modes_of(&soft) {
            let of_mode: Vec<&Rule> = soft
                .iter()
                .filter(|rule| rule.purge.mode() == mode)
                .copied()
                .collect();
            let purge = fill_rules(&of_mode, &fields)?.in_mode(mode);
            soft_purges.push(purge.without(&invalidation));
        }
        soft_purges.retain(|purge| !purge.is_empty());

        Ok(Self {
            kind,
            invalidation,
            soft_purges,
            unknown_overrides: None,
        })
    }

    /// Lets the event fail when it is carried out, if the overrides of its rules could not be read: its
    /// invalidation may be another one.
    #[must_use]
    pub fn without_overrides(mut self, problem: Option<RedisError>) -> Self {
        self.unknown_overrides = problem;
        self
    }

    /// Checks that the overrides of its rules are known.
    ///
    /// # Errors
    /// The error of reading them.
    pub fn require_overrides(&self) -> Result<(), RedisError> {
        self.unknown_overrides.clone().map_or(Ok(()), Err)
    }

    /// The event's audit record: its type, and what its rules name.
    pub fn record(&self) -> AuditRecord {
        let mut record = AuditRecord::of_invalidation("event", &self.merged());
        for purge in &self.soft_purges {
            record.add_detail(purge::describe(purge.mode()));
        }
        record.detail = match record.detail {
            Some(detail) => Some(format!("{}; {detail}", self.kind)),
            None => Some(self.kind.clone()),
        };
        record
    }

    /// All that its rules name, whatever the mode.
    fn merged(&self) -> InvalidateRequest {
        let mut keys = self.invalidation.keys.clone();
        let mut patterns = self.invalidation.patterns.clone();
        let mut tags = self.invalidation.tags.clone();
        for purge in &self.soft_purges {
            keys.extend(purge.keys.iter().cloned());
            patterns.extend(purge.patterns.iter().cloned());
            tags.extend(purge.tags.iter().cloned());
        }
        InvalidateRequest::configured(keys, patterns, tags)
    }

    /// Its invalidations, removals first.
    fn invalidations(&self) -> impl Iterator<Item = &InvalidateRequest> {
        [&self.invalidation].into_iter().chain(&self.soft_purges)
    }

    /// Invalidates by its patterns, and leaves the removal of their keys, or marking them stale, to the
    /// gathered walk: the turn that the caller has to announce, if any. One round trip for each mode,
    /// none without patterns.
    ///
    /// # Errors
    /// Those of the connection.
    pub async fn gather_patterns<R: Redis>(&self, redis: &R) -> Result<Option<Turn>, RedisError> {
        self.require_overrides()?;
        let mut turn = None;
        for invalidation in self.invalidations() {
            let patterns = invalidation.patterns.as_slice();
            if !patterns.is_empty() {
                let announced = gathered::gather(redis, patterns, invalidation.mode()).await?;
                turn = turn.or(announced);
            }
        }
        Ok(turn)
    }

    /// Invalidates by its keys and tags, and counts the event. One round trip besides those of the
    /// invalidation.
    ///
    /// # Errors
    /// Those of the invalidation.
    pub async fn run_without_patterns<R: Redis + HostRuntime>(
        &self,
        redis: &R,
    ) -> Result<InvalidateReport, Error> {
        self.require_overrides()?;
        let mut report = InvalidateReport::default();
        for invalidation in self.invalidations() {
            let result = invalidation.run_without_patterns(redis).await;
            report.add(result.map_err(|error| error.after(report.keys_invalidated()))?);
        }
        let _ = count_event(redis, "handled").await;
        Ok(report)
    }

    /// Carries out its invalidation, and counts the event. One round trip besides those of the
    /// invalidation.
    ///
    /// # Errors
    /// Those of the invalidation.
    pub async fn run<R: Redis + HostRuntime>(&self, redis: &R) -> Result<InvalidateReport, Error> {
        self.require_overrides()?;
        let mut report = InvalidateReport::default();
        for invalidation in self.invalidations() {
            let result = invalidation.run(redis).await;
            report.add(result.map_err(|error| error.after(report.keys_invalidated()))?);
        }
        // A failure to count must not fail an invalidation that is complete.
        let _ = count_event(redis, "handled").await;
        Ok(report)
    }
}

fn take_type(fields: &mut Fields) -> Result<String, Error> {
    let kind = fields
        .string("type")?
        .ok_or_else(|| Error::invalid("type", "is needed, such as product.updated"))?;
    if kind.len() > MAX_FIELD_BYTES {
        return Err(Error::invalid(
            "type",
            format!("must have at most {MAX_FIELD_BYTES} bytes"),
        ));
    }
    Ok(kind)
}

/// The modes of rules, each once.
fn modes_of(rules: &[&Rule]) -> Vec<PurgeMode> {
    let mut modes: Vec<PurgeMode> = Vec::new();
    for rule in rules {
        let mode = rule.purge.mode();
        if !modes.contains(&mode) {
            modes.push(mode);
        }
    }
    modes
}

fn fill_rules(rules: &[&Rule], fields: &EventFields) -> Result<InvalidateRequest, Error> {
    let field = |name: &str| fields.text(name);
    let mut keys = Vec::new();
    let mut patterns = Vec::new();
    let mut tags: Vec<Tag> = Vec::new();

    for rule in rules {
        for template in &rule.keys {
            keys.push(fill_key(template, field)?);
        }
        for template in &rule.patterns {
            patterns.push(fill_pattern(template, field)?);
        }
        for template in &rule.tags {
            tags.push(fill_tag(template, field)?);
        }
    }
    Ok(InvalidateRequest::configured(keys, patterns, tags))
}

/// Counts an event by its outcome: `handled` or `refused`. One round trip.
///
/// # Errors
/// Those of the connection.
pub async fn count_event<R: Redis>(redis: &R, outcome: &str) -> Result<(), RedisError> {
    let count = Command::new("HINCRBY").arg(EVENTS).arg(outcome).arg(1_i64);
    redis.execute(count).await.map(drop)
}

#[cfg(test)]
mod tests {
    use edge_cache::keyspace::pattern::escape;

    use super::*;
    use crate::input::TomlFile;

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

    fn read_rules(toml: &str) -> EventRules {
        let file = TomlFile::parse("edge-cache.toml", toml).unwrap();
        EventRules::read(&file.root()).unwrap()
    }

    fn parse(event: &str) -> Result<DomainEvent, Error> {
        DomainEvent::parse(event.as_bytes(), &read_rules(RULES))
    }

    fn parse_product(id: &str) -> Result<DomainEvent, Error> {
        parse(&format!(r#"{{"type":"product.updated","id":{id}}}"#))
    }

    #[test]
    fn an_event_invalidates_what_its_rules_name() {
        let product = parse_product("123").unwrap().invalidation;
        assert_eq!(product.patterns[0].display(), "products:123:*");
        assert_eq!(product.keys[0].display(), "products:popular:list");

        let config = parse(r#"{"type":"config.changed","key":"shop.currency"}"#)
            .unwrap()
            .invalidation;
        assert_eq!(config.keys[0].display(), "config:shop.currency");
        assert_eq!(config.tags.len(), 1);
    }

    #[test]
    fn what_a_hard_rule_names_is_removed_although_a_soft_one_names_it_too() {
        let rules = read_rules(
            r#"rule = [
              { event = "a", keys = ["k", "l"], tags = ["t"], mode = "soft" },
              { event = "a", keys = ["l"] },
            ]"#,
        );

        let event = DomainEvent::parse(br#"{"type":"a"}"#, &rules).unwrap();

        assert_eq!(event.invalidation.keys[0].display(), "l");
        let [purge] = event.soft_purges.as_slice() else {
            panic!("{:?}", event.soft_purges);
        };
        assert!(purge.mode().is_soft());
        assert_eq!((purge.keys.len(), purge.tags.len()), (1, 1));
    }

    #[test]
    fn an_id_never_widens_a_pattern() {
        let event = parse_product(r#""*""#).unwrap();
        assert_eq!(event.invalidation.patterns[0].display(), "products:\\*:*");
    }

    #[test]
    fn a_whole_number_keeps_its_digits() {
        for id in [
            "0",
            "-7",
            "123",
            "9007199254740993",
            "18446744073709551615",
            "-9223372036854775808",
        ] {
            let pattern = parse_product(id).unwrap().invalidation.patterns[0].display();
            assert_eq!(pattern, format!("products:{}:*", escape(id)));
        }
    }

    #[test]
    fn a_number_that_would_lose_digits_is_rejected() {
        for id in [
            "12345678901234567890123",
            "1.10",
            "1e3",
            "1.0",
            "-0",
            "18446744073709551616",
        ] {
            let error = parse_product(id).unwrap_err().to_string();
            assert!(error.starts_with("`id` must be a string"), "{id}: {error}");
        }
    }

    #[test]
    fn a_field_that_no_rule_uses_may_be_any_number() {
        assert!(parse(r#"{"type":"product.updated","id":1,"price":19.99}"#).is_ok());
    }

    #[test]
    fn a_field_given_twice_is_rejected() {
        let error = parse(r#"{"type":"product.updated","id":"1","id":"2"}"#).unwrap_err();
        assert_eq!(error.to_string(), "`id` is given twice");
    }

    #[test]
    fn a_field_never_names_a_protected_key() {
        let rules = read_rules(
            r#"[[rule]]
            event = "any"
            keys = ["{key}"]
            patterns = ["{module}:*"]"#,
        );
        let parse = |key: &str, module: &str| {
            let event = serde_json::json!({ "type": "any", "key": key, "module": module });
            DomainEvent::parse(event.to_string().as_bytes(), &rules)
        };

        assert!(parse("users:1", "users").is_ok());
        for (key, module) in [
            ("cache:audit", "users"),
            ("lock:{a}", "users"),
            ("users:1", "cache"),
            ("users:1", "lock"),
        ] {
            assert!(parse(key, module).is_err(), "{key} {module}");
        }
    }

    #[test]
    fn unknown_and_malformed_events_are_rejected() {
        let long = "x".repeat(513);
        let bad = [
            "[]",
            "{",
            r#"{"id":"1"}"#,
            r#"{"type":"order.paid"}"#,
            r#"{"type":"product."}"#,
            r#"{"type":"product.updated"}"#,
            r#"{"type":"product.updated","id":""}"#,
            r#"{"type":"product.updated","id":{"a":1}}"#,
            &format!(r#"{{"type":"product.updated","id":"{long}"}}"#),
            &format!(r#"{{"type":"product.{long}","id":"1"}}"#),
        ];

        for event in bad {
            assert!(parse(event).is_err(), "{event}");
        }
    }
}
