//! Reads the JSON bodies and query strings of requests, so that every mistake is told with the field's name.
//!
//! A field that is not known, or null, is an error: a misspelt or empty `pattern` must not become a request without one.

use serde_json::{Map, Value};

use crate::error::Error;

/// The fields of a request body; each is taken once, and what is left at the end is unknown.
#[derive(Debug)]
pub struct Fields(Map<String, Value>);

impl Fields {
    /// Parses a body. An empty one is an empty object.
    ///
    /// # Errors
    /// [`Error::Malformed`] when it is not a JSON object (nesting beyond 128 levels included).
    pub fn from_json(body: &[u8]) -> Result<Self, Error> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self(Map::new()));
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            Ok(_) => Err(Error::Malformed("the body must be a JSON object".into())),
            Err(error) => Err(Error::Malformed(format!("the body is not valid JSON: {error}"))),
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

    /// A positive whole number, if given.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is something else, or above `most`.
    pub fn positive(&mut self, name: &str, most: u64) -> Result<Option<u64>, Error> {
        let Some(value) = self.take(name) else { return Ok(None) };
        match value.as_u64() {
            Some(number) if (1..=most).contains(&number) => Ok(Some(number)),
            _ => Err(Error::invalid(name, format!("must be a whole number from 1 to {most}"))),
        }
    }

    /// A list of at most `most` elements, each read by `read`, which is told the element's name (`keys[3]`).
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is something else or too long, or those of `read`.
    pub fn list<T>(
        &mut self,
        name: &str,
        most: usize,
        read: impl Fn(&str, &Value) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let elements = match self.take(name) {
            None => return Ok(Vec::new()),
            Some(Value::Array(elements)) => elements,
            Some(_) => return Err(Error::invalid(name, "must be a list")),
        };
        if elements.len() > most {
            let problem = format!("must have at most {most} elements a call, has {}", elements.len());
            return Err(Error::invalid(name, problem));
        }
        elements.iter().enumerate().map(|(index, element)| read(&format!("{name}[{index}]"), element)).collect()
    }

    /// What nobody took, where other fields are allowed.
    pub(crate) fn rest(self) -> Map<String, Value> {
        self.0
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming a field that nobody took.
    pub fn finish(self, known: &str) -> Result<(), Error> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) => Err(Error::invalid(name, format!("is not a field of this request; known are {known}"))),
        }
    }
}

/// Reads a list's element as a string.
///
/// # Errors
/// [`Error::Invalid`] when it is something else.
pub fn string(field: &str, value: &Value) -> Result<String, Error> {
    value.as_str().map(str::to_owned).ok_or_else(|| Error::invalid(field, "must be a string"))
}

/// Decodes one segment of a path; bytes that are not UTF-8 are replaced.
pub fn decode_segment(segment: &str) -> String {
    percent_encoding::percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

/// The decoded parameters of a query string; bytes, because patterns and keys need not be UTF-8.
#[derive(Debug)]
pub struct Query(Vec<(String, Vec<u8>)>);

impl Query {
    /// Decodes `a=1&b=%FF`; `+` stands for a space.
    pub fn parse(query: &str) -> Self {
        let decode = |text: &str| -> Vec<u8> {
            let text = text.replace('+', " ");
            percent_encoding::percent_decode_str(&text).collect()
        };
        let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (String::from_utf8_lossy(&decode(name)).into_owned(), decode(value))
        });
        Self(pairs.collect())
    }

    /// A parameter's bytes, if it is given and not empty.
    pub fn bytes(&mut self, name: &str) -> Option<Vec<u8>> {
        let index = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(index).1).filter(|value| !value.is_empty())
    }

    /// A parameter as text.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is not UTF-8.
    pub fn text(&mut self, name: &str) -> Result<Option<String>, Error> {
        let text = self.bytes(name).map(String::from_utf8).transpose();
        text.map_err(|_| Error::invalid(name, "must be UTF-8"))
    }

    /// A whole number from 1 to `most`, or the default.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is something else.
    pub fn number(&mut self, name: &str, most: u64, default: u64) -> Result<u64, Error> {
        let Some(text) = self.text(name)? else { return Ok(default) };
        match text.parse() {
            Ok(number) if (1..=most).contains(&number) => Ok(number),
            _ => Err(Error::invalid(name, format!("must be a whole number from 1 to {most}"))),
        }
    }

    /// `true` or `false`, which is also the default.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is something else.
    pub fn flag(&mut self, name: &str) -> Result<bool, Error> {
        match self.text(name)?.as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(Error::invalid(name, "must be true or false")),
        }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming a parameter that nobody took: unknown, or given twice.
    pub fn finish(self, known: &str) -> Result<(), Error> {
        match self.0.into_iter().next() {
            None => Ok(()),
            Some((name, _)) => Err(Error::invalid(name, format!("is unknown or given twice; known are {known}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_is_no_object_is_malformed() {
        for body in ["[]", "3", "{", "{\"a\":}", &"[".repeat(100_000)] {
            assert!(matches!(Fields::from_json(body.as_bytes()), Err(Error::Malformed(_))));
        }
        assert!(Fields::from_json(b" \n").is_ok());
    }

    #[test]
    fn a_field_of_a_wrong_type_is_named() {
        let mut fields = Fields::from_json(br#"{"a":1,"b":"x","c":"y","d":[1],"e":0}"#).unwrap();
        assert!(fields.string("a").unwrap_err().to_string().starts_with("`a`"));
        assert!(fields.flag("b").unwrap_err().to_string().starts_with("`b`"));
        assert!(fields.list("c", 9, string).unwrap_err().to_string().starts_with("`c`"));
        assert!(fields.list("d", 9, string).unwrap_err().to_string().starts_with("`d[0]`"));
        assert!(fields.positive("e", 9).unwrap_err().to_string().starts_with("`e`"));
    }

    #[test]
    fn an_unknown_field_is_refused() {
        let fields = Fields::from_json(br#"{"patern":"users:*"}"#).unwrap();
        assert!(fields.finish("pattern").unwrap_err().to_string().starts_with("`patern`"));
    }

    #[test]
    fn a_query_is_decoded_to_bytes() {
        let mut query = Query::parse("pattern=a%FF+b&limit=7&exact=true");
        assert_eq!(query.bytes("pattern").unwrap(), b"a\xff b");
        assert_eq!(query.number("limit", 100, 100).unwrap(), 7);
        assert!(query.flag("exact").unwrap());
        query.finish("").unwrap();
        assert!(Query::parse("limit=0").number("limit", 100, 100).is_err());
        assert!(Query::parse("limit=101").number("limit", 100, 100).is_err());
        assert!(Query::parse("limit=1&limit=2").finish("limit").is_err());
    }
}
