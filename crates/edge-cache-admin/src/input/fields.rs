//! Fields of a request body.

use std::ops::RangeInclusive;

use edge_cache::keyspace::tag::Tag;
use serde_json::{Map, Value};

use super::json;
use crate::error::Error;

/// The fields of a request body. Each is taken once; a field that is left at the end is unknown.
#[derive(Debug)]
pub struct Fields(Map<String, Value>);

impl Fields {
    /// Parses a body. An empty one is an empty object.
    ///
    /// # Errors
    /// [`Error::Malformed`] unless it is a JSON object nested at most 128 levels; [`Error::Invalid`]
    /// naming a field that is given twice, in a nested object too.
    pub fn from_json(body: &[u8]) -> Result<Self, Error> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self(Map::new()));
        }
        match json::parse(body)? {
            Value::Object(fields) => Ok(Self(fields)),
            _ => Err(Error::Malformed("the body must be a JSON object".into())),
        }
    }

    /// Checks the body of a request that has no fields: it must be empty, or an empty object.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the first field, or `body` if it is not an object.
    pub fn require_none(body: &[u8]) -> Result<(), Error> {
        match Self::from_json(body) {
            Ok(fields) => fields.reject_unknown("none: this request takes no body"),
            Err(Error::Malformed(_)) => Err(Error::invalid(
                "body",
                "must be empty: this request takes none",
            )),
            Err(error) => Err(error),
        }
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    /// A string, if given.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is something else.
    pub fn string(&mut self, name: &str) -> Result<Option<String>, Error> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Error::invalid(name, "must be a string")),
        }
    }

    /// A boolean, `false` if not given.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is something else.
    pub fn flag(&mut self, name: &str) -> Result<bool, Error> {
        match self.take(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(flag),
            Some(_) => Err(Error::invalid(name, "must be true or false")),
        }
    }

    /// A whole number from 1 to `max`, if given.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is something else.
    pub fn positive(&mut self, name: &str, max: u64) -> Result<Option<u64>, Error> {
        self.whole(name, 1..=max)
    }

    /// A whole number of a range, if given.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is something else.
    pub fn whole(&mut self, name: &str, range: RangeInclusive<u64>) -> Result<Option<u64>, Error> {
        let Some(value) = self.take(name) else {
            return Ok(None);
        };
        match value.as_u64() {
            Some(number) if range.contains(&number) => Ok(Some(number)),
            _ => Err(Error::invalid(
                name,
                format!(
                    "must be a whole number from {} to {}",
                    range.start(),
                    range.end()
                ),
            )),
        }
    }

    /// A list of at most `max` elements, empty if not given. `read` gets each element and its name,
    /// such as `keys[3]`.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is something else or too long, and those of `read`.
    pub fn list<T>(
        &mut self,
        name: &str,
        max: usize,
        read: impl Fn(&str, &Value) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let elements = match self.take(name) {
            None => return Ok(Vec::new()),
            Some(Value::Array(elements)) => elements,
            Some(_) => return Err(Error::invalid(name, "must be a list")),
        };
        if elements.len() > max {
            let problem = format!(
                "must have at most {max} elements a call, has {}",
                elements.len()
            );
            return Err(Error::invalid(name, problem));
        }

        elements
            .iter()
            .enumerate()
            .map(|(index, element)| read(&format!("{name}[{index}]"), element))
            .collect()
    }

    /// All fields that are left, for a request that allows any.
    pub(crate) fn into_rest(self) -> Map<String, Value> {
        self.0
    }

    /// Ends the reading. `known` lists the fields of the request, for the error.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming a field that was not taken.
    pub fn reject_unknown(self, known: &str) -> Result<(), Error> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) => Err(Error::invalid(
                name,
                format!("is not a field of this request; known are {known}"),
            )),
        }
    }
}

/// Reads a list's element as a string.
///
/// # Errors
/// [`Error::Invalid`] when it is something else.
pub fn read_string(field: &str, value: &Value) -> Result<String, Error> {
    value
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| Error::invalid(field, "must be a string"))
}

/// Reads a list's element as a tag.
///
/// # Errors
/// [`Error::Invalid`] when it is not a string, or not a tag.
pub fn read_tag(field: &str, value: &Value) -> Result<Tag, Error> {
    Ok(Tag::parse(field, read_string(field, value)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asserts that an error is about a field.
    #[track_caller]
    fn assert_names<T: std::fmt::Debug>(result: Result<T, Error>, field: &str) {
        let problem = result.unwrap_err().to_string();
        assert!(problem.starts_with(&format!("`{field}`")), "{problem}");
    }

    #[test]
    fn a_body_that_is_not_an_object_is_malformed() {
        for body in ["[]", "3", "{", "{\"a\":}", &"[".repeat(100_000)] {
            let parsed = Fields::from_json(body.as_bytes());
            assert!(matches!(parsed, Err(Error::Malformed(_))), "{parsed:?}");
        }
    }

    #[test]
    fn an_empty_body_is_an_empty_object() {
        assert!(Fields::from_json(b" \n").is_ok());
    }

    #[test]
    fn a_field_of_a_wrong_type_is_named() {
        let mut fields = Fields::from_json(br#"{"a":1,"b":"x","c":"y","d":[1],"e":0}"#).unwrap();

        assert_names(fields.string("a"), "a");
        assert_names(fields.flag("b"), "b");
        assert_names(fields.list("c", 9, read_string), "c");
        assert_names(fields.list("d", 9, read_string), "d[0]");
        assert_names(fields.positive("e", 9), "e");
    }

    #[test]
    fn an_unknown_field_is_rejected() {
        let fields = Fields::from_json(br#"{"patern":"users:*"}"#).unwrap();
        assert_names(fields.reject_unknown("pattern"), "patern");
    }

    #[test]
    fn a_field_given_twice_is_rejected_by_its_place() {
        let cases = [
            (r#"{"a":"x","dryRun":true,"dryRun":false}"#, "dryRun"),
            (r#"{"dryRun":true,"dryRun":true}"#, "dryRun"),
            (
                r#"{"keys":[{"base64":"YQ==","base64":"Yg=="}]}"#,
                "keys[0].base64",
            ),
            (r#"{"a":{"b":[1,{"c":{"d":1,"d":1}}]}}"#, "a.b[1].c.d"),
            ("{\"a\\u0062\":1,\"ab\":2}", "ab"),
        ];

        for (body, field) in cases {
            let problem = Fields::from_json(body.as_bytes()).unwrap_err().to_string();
            assert_eq!(problem, format!("`{field}` is given twice"), "{body}");
        }
    }

    #[test]
    fn different_objects_may_have_fields_of_one_name() {
        let body = br#"{"a":{"x":1},"b":{"x":1},"c":[{"x":1},{"x":1}]}"#;
        assert!(Fields::from_json(body).is_ok());
    }

    #[test]
    fn broken_json_is_malformed_even_after_a_field_given_twice() {
        let parsed = Fields::from_json(br#"{"a":1,"a":2"#);
        assert!(matches!(parsed, Err(Error::Malformed(_))), "{parsed:?}");
    }

    #[test]
    fn a_request_without_fields_takes_an_empty_body_or_an_empty_object() {
        for body in ["", " \n", "{}", " { } "] {
            assert!(Fields::require_none(body.as_bytes()).is_ok(), "{body:?}");
        }

        let rejected = [
            ("{\"dryRun\":true}", "dryRun"),
            ("garbage", "body"),
            ("[]", "body"),
            ("{}{}", "body"),
        ];
        for (body, field) in rejected {
            assert_names(Fields::require_none(body.as_bytes()), field);
        }
    }
}
