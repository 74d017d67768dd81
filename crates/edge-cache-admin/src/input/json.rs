//! JSON in which every field of an object is given once.
//!
//! RFC 8259 does not define the meaning of a field given twice, and parsers differ: some take the
//! first, some the last. A proxy that checks a request and the server that carries it out must not
//! read two different requests.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::error::Error;

/// Reads a JSON document. Cost: one pass.
///
/// # Errors
/// [`Error::Malformed`] when it is not JSON or is nested beyond 128 levels; [`Error::Invalid`]
/// naming the first field that is given twice, such as `keys[0].base64`.
pub(super) fn parse(json: &[u8]) -> Result<Value, Error> {
    let duplicate = RefCell::new(None);
    let mut parser = serde_json::Deserializer::from_slice(json);
    let seed = UniqueFields {
        path: &Path::Root,
        duplicate: &duplicate,
    };

    let value = seed
        .deserialize(&mut parser)
        .and_then(|value| parser.end().map(|()| value))
        .map_err(|error| Error::Malformed(format!("the body is not valid JSON: {error}")))?;

    match duplicate.into_inner() {
        Some(field) => Err(Error::invalid(field, "is given twice")),
        None => Ok(value),
    }
}

/// The path of a value in its document.
enum Path<'a> {
    Root,
    Field(&'a Path<'a>, &'a str),
    Element(&'a Path<'a>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Field(Self::Root, name) => f.write_str(name),
            Self::Field(parent, name) => write!(f, "{parent}.{name}"),
            Self::Element(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// Reads one value, and remembers the first field that is given twice. Reads on to the end, so that
/// broken JSON is reported as that.
#[derive(Clone, Copy)]
struct UniqueFields<'a> {
    path: &'a Path<'a>,
    duplicate: &'a RefCell<Option<String>>,
}

impl<'a> UniqueFields<'a> {
    fn at<'b>(self, path: &'b Path<'b>) -> UniqueFields<'b>
    where
        'a: 'b,
    {
        UniqueFields {
            path,
            duplicate: self.duplicate,
        }
    }
}

impl<'de> DeserializeSeed<'de> for UniqueFields<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for UniqueFields<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        serde_json::Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("not a number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        loop {
            let path = Path::Element(self.path, list.len());
            match elements.next_element_seed(self.at(&path))? {
                Some(element) => list.push(element),
                None => return Ok(Value::Array(list)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let path = Path::Field(self.path, &name);
            let value = members.next_value_seed(self.at(&path))?;

            if map.contains_key(&name) {
                let mut duplicate = self.duplicate.borrow_mut();
                duplicate.get_or_insert_with(|| path.to_string());
            }
            map.insert(name, value);
        }
        Ok(Value::Object(map))
    }
}
