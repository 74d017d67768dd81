//! TOML files: their tables and fields. Every error names the file, the line and the column.
//!
//! A field that is unknown or has a wrong type is rejected, as in the body of a request.

use std::fmt::Display;
use std::ops::RangeInclusive;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::file_error::{FileError, FilePlace};

/// A parsed file.
#[derive(Debug)]
pub struct TomlFile<'a> {
    source: Source<'a>,
    root: Spanned<DeTable<'a>>,
}

/// A table of a file.
#[derive(Debug, Clone, Copy)]
pub struct TomlTable<'f> {
    source: Source<'f>,
    fields: &'f DeTable<'f>,
    /// The table's first byte.
    begin: usize,
}

/// A calendar day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Day {
    /// The year.
    pub year: u16,
    /// The month, from 1.
    pub month: u8,
    /// The day of the month, from 1.
    pub day: u8,
}

#[derive(Debug, Clone, Copy)]
struct Source<'a> {
    file: &'a str,
    text: &'a str,
}

impl Source<'_> {
    fn error(&self, offset: usize, problem: impl Into<String>) -> FileError {
        FileError {
            file: self.file.to_owned(),
            place: Some(FilePlace::of(self.text, offset)),
            problem: problem.into(),
        }
    }
}

impl<'a> TomlFile<'a> {
    /// Parses a text; `file` is its name in errors.
    ///
    /// # Errors
    /// The first mistake in its syntax.
    pub fn parse(file: &'a str, text: &'a str) -> Result<Self, FileError> {
        let source = Source { file, text };
        let root = DeTable::parse(text).map_err(|error| {
            let offset = error.span().map_or(text.len(), |span| span.start);
            source.error(offset, error.message())
        })?;
        Ok(Self { source, root })
    }

    /// The table of the whole file.
    pub fn root(&self) -> TomlTable<'_> {
        TomlTable {
            source: self.source,
            fields: self.root.get_ref(),
            begin: 0,
        }
    }
}

impl<'f> TomlTable<'f> {
    /// The names of all fields, in alphabetical order.
    pub fn names(&self) -> impl Iterator<Item = &'f str> {
        self.fields.keys().map(|name| name.get_ref().as_ref())
    }

    /// A string, if given.
    ///
    /// # Errors
    /// The field, when it is something else.
    pub fn string(&self, name: &str) -> Result<Option<&'f str>, FileError> {
        let read = |value: &'f Spanned<DeValue<'f>>| {
            value
                .get_ref()
                .as_str()
                .ok_or_else(|| self.error_at(name, format!("`{name}` must be a string")))
        };
        self.field(name).map(read).transpose()
    }

    /// A string.
    ///
    /// # Errors
    /// The field, when it is something else; the table, when it is missing.
    pub fn required_string(&self, name: &str) -> Result<&'f str, FileError> {
        self.string(name)?.ok_or_else(|| self.missing(name))
    }

    /// A list of strings, empty if not given.
    ///
    /// # Errors
    /// The field or the element, when it is something else.
    pub fn strings(&self, name: &str) -> Result<Vec<String>, FileError> {
        let elements = self.elements(name)?.enumerate();
        elements
            .map(|(index, element)| match element.get_ref().as_str() {
                Some(text) => Ok(text.to_owned()),
                None => {
                    Err(self.error_in(name, index, format!("`{name}[{index}]` must be a string")))
                }
            })
            .collect()
    }

    /// A whole number in a range, if given.
    ///
    /// # Errors
    /// The field, when it is something else.
    pub fn number(&self, name: &str, range: RangeInclusive<u64>) -> Result<Option<u64>, FileError> {
        let read = |value: &'f Spanned<DeValue<'f>>| {
            let number = value.get_ref().as_integer();
            let number = number
                .and_then(|number| u64::from_str_radix(number.as_str(), number.radix()).ok())
                .filter(|number| range.contains(number));
            number.ok_or_else(|| {
                let (min, max) = (range.start(), range.end());
                let problem = format!("`{name}` must be a whole number from {min} to {max}");
                self.error_at(name, problem)
            })
        };
        self.field(name).map(read).transpose()
    }

    /// A calendar day, if given.
    ///
    /// # Errors
    /// The field, when it is something else, or has a time.
    pub fn day(&self, name: &str) -> Result<Option<Day>, FileError> {
        let read = |value: &'f Spanned<DeValue<'f>>| {
            let given = value.get_ref().as_datetime();
            let date = given
                .filter(|given| given.time.is_none() && given.offset.is_none())
                .and_then(|given| given.date);
            match date {
                Some(date) => Ok(Day {
                    year: date.year,
                    month: date.month,
                    day: date.day,
                }),
                None => {
                    let problem = format!("`{name}` must be a date, such as 2026-11-22");
                    Err(self.error_at(name, problem))
                }
            }
        };
        self.field(name).map(read).transpose()
    }

    /// A table, if given.
    ///
    /// # Errors
    /// The field, when it is something else.
    pub fn table(&self, name: &str) -> Result<Option<Self>, FileError> {
        let read = |value| {
            self.table_of(value)
                .ok_or_else(|| self.error_at(name, format!("`{name}` must be a table: [{name}]")))
        };
        self.field(name).map(read).transpose()
    }

    /// A list of tables, empty if not given.
    ///
    /// # Errors
    /// The field or the element, when it is something else.
    pub fn tables(&self, name: &str) -> Result<Vec<Self>, FileError> {
        let problem = || format!("`{name}` must be a list of tables, such as [[{name}]]");
        if self
            .field(name)
            .is_some_and(|field| !field.get_ref().is_array())
        {
            return Err(self.error_at(name, problem()));
        }

        let elements = self.elements(name)?.enumerate();
        elements
            .map(|(index, element)| {
                self.table_of(element)
                    .ok_or_else(|| self.error_in(name, index, problem()))
            })
            .collect()
    }

    /// Checks that the table has no other fields than these.
    ///
    /// # Errors
    /// The first one that is unknown.
    pub fn reject_unknown(&self, known: &[&str]) -> Result<(), FileError> {
        match self.names().find(|name| !known.contains(name)) {
            None => Ok(()),
            Some(name) => {
                let known = known.join(", ");
                let problem = format!("`{name}` is not known here; known are {known}");
                Err(self.error_at_name(name, problem))
            }
        }
    }

    /// A mistake in the table.
    pub fn error(&self, problem: impl Into<String>) -> FileError {
        self.source.error(self.begin, problem)
    }

    /// A mistake in the value of a field, or in the table if that lacks the field.
    pub fn error_at(&self, name: &str, problem: impl Into<String>) -> FileError {
        let value = self.field(name);
        let offset = value.map_or(self.begin, |value| value.span().start);
        self.source.error(offset, problem)
    }

    /// A mistake in an element of a list, or in the field if the list is shorter.
    pub fn error_in(&self, name: &str, index: usize, problem: impl Into<String>) -> FileError {
        let elements = self
            .field(name)
            .and_then(|field| field.get_ref().as_array());
        match elements.and_then(|elements| elements.get(index)) {
            Some(element) => self.source.error(element.span().start, problem),
            None => self.error_at(name, problem),
        }
    }

    /// A mistake in the name of a field.
    pub fn error_at_name(&self, name: &str, problem: impl Into<String>) -> FileError {
        let known = self.fields.get_key_value(name);
        let offset = known.map_or(self.begin, |(name, _)| name.span().start);
        self.source.error(offset, problem)
    }

    /// The error of a field that is missing.
    pub fn missing(&self, name: impl Display) -> FileError {
        self.error(format!("`{name}` is needed"))
    }

    fn field(&self, name: &str) -> Option<&'f Spanned<DeValue<'f>>> {
        self.fields.get(name)
    }

    fn elements(
        &self,
        name: &str,
    ) -> Result<impl Iterator<Item = &'f Spanned<DeValue<'f>>> + use<'f>, FileError> {
        let elements = match self.field(name).map(Spanned::get_ref) {
            None => None,
            Some(DeValue::Array(elements)) => Some(elements),
            Some(_) => return Err(self.error_at(name, format!("`{name}` must be a list"))),
        };
        Ok(elements.into_iter().flat_map(|elements| elements.iter()))
    }

    fn table_of(&self, value: &'f Spanned<DeValue<'f>>) -> Option<Self> {
        value.get_ref().as_table().map(|fields| Self {
            source: self.source,
            fields,
            begin: value.span().start,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
name = "a"
list = ["x", 3]
count = 0x10
when = 2026-11-22
at = 2026-11-22T10:00:00Z

[[entry]]
key = "k"
[[entry]]
"#;

    fn with_root<T>(read: impl FnOnce(TomlTable<'_>) -> Result<T, FileError>) -> Result<T, String> {
        let file = TomlFile::parse("f.toml", TEXT).unwrap();
        read(file.root()).map_err(|error| error.to_string())
    }

    #[test]
    fn fields_are_read_by_their_types() {
        assert_eq!(
            with_root(|root| Ok(root.string("name")?.map(str::to_owned))),
            Ok(Some("a".into()))
        );
        assert_eq!(with_root(|root| root.number("count", 0..=99)), Ok(Some(16)));
        assert_eq!(with_root(|root| root.number("absent", 0..=99)), Ok(None));
        assert_eq!(with_root(|root| root.strings("absent")), Ok(vec![]));
        assert_eq!(with_root(|root| Ok(root.tables("entry")?.len())), Ok(2));

        let day = with_root(|root| root.day("when")).unwrap().unwrap();
        assert_eq!((day.year, day.month, day.day), (2026, 11, 22));
    }

    #[test]
    fn an_error_names_the_place_of_the_field() {
        let errors = [
            (
                with_root(|root| root.number("name", 0..=9).map(drop)),
                "f.toml:2:8: `name` must be a whole number from 0 to 9",
            ),
            (
                with_root(|root| root.strings("list").map(drop)),
                "f.toml:3:14: `list[1]` must be a string",
            ),
            (
                with_root(|root| root.strings("count").map(drop)),
                "f.toml:4:9: `count` must be a list",
            ),
            (
                with_root(|root| root.number("count", 0..=9).map(drop)),
                "f.toml:4:9: `count` must be",
            ),
            (
                with_root(|root| root.day("at").map(drop)),
                "f.toml:6:6: `at` must be a date",
            ),
            (
                with_root(|root| root.tables("list").map(drop)),
                "f.toml:3:9: `list` must be a list of tables",
            ),
            (
                with_root(|root| root.table("name").map(drop)),
                "f.toml:2:8: `name` must be a table",
            ),
            (
                with_root(|root| root.tables("entry")?[1].required_string("key").map(drop)),
                "f.toml:10:1: `key` is needed",
            ),
            (
                with_root(|root| root.reject_unknown(&["at", "count", "entry", "list", "when"])),
                "f.toml:2:1: `name` is not known here",
            ),
        ];

        for (result, expected) in errors {
            let problem = result.unwrap_err();
            assert!(problem.starts_with(expected), "{problem}");
        }
    }

    #[test]
    fn a_mistake_in_the_syntax_has_a_place() {
        let error = TomlFile::parse("f.toml", "a = 1\nb = \"x\nc = 2\n").unwrap_err();
        assert_eq!(error.place.map(|place| place.line), Some(2), "{error}");
    }
}
