//! Fields of an event, as rules use them.

use serde_json::{Map, Number, Value};

use super::rules::Rule;
use crate::error::Error;

/// The longest field.
pub(super) const MAX_FIELD_BYTES: usize = 512;

/// The fields of an event besides its type.
pub(super) struct EventFields(Map<String, Value>);

impl EventFields {
    pub(super) fn new(fields: Map<String, Value>) -> Self {
        Self(fields)
    }

    /// A field as text, if it is a string or a number, not empty and not too long.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let text = match self.0.get(name)? {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        (1..=MAX_FIELD_BYTES).contains(&text.len()).then_some(text)
    }

    /// Rejects a number that a rule uses and that loses digits when it is read: past 64 bits, with
    /// a fraction or an exponent. `12345678901234567890123` would name the keys of
    /// `12345678901234567000000`.
    pub(super) fn reject_inexact_numbers(&self, rules: &[&Rule]) -> Result<(), Error> {
        let is_inexact = |value: &Value| value.as_number().is_some_and(Number::is_f64);
        let is_used = |name: &str| rules.iter().any(|rule| rule.uses_field(name));
        for (name, value) in &self.0 {
            if is_inexact(value) && is_used(name) {
                return Err(Error::invalid(
                    name,
                    "must be a string, or a whole number of up to 64 bits: other numbers lose digits. Send it as a string",
                ));
            }
        }
        Ok(())
    }
}
