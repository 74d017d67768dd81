//! Parameters of a query string.

use crate::error::Error;

/// The decoded parameters of a query string. Values are bytes, because patterns and keys need not
/// be UTF-8. Each is taken once; a parameter that is left at the end is unknown or given twice.
#[derive(Debug)]
pub struct Parameters {
    left: Vec<(String, Vec<u8>)>,
    /// Names of parameters that were taken.
    taken: Vec<String>,
}

impl Parameters {
    /// Decodes `a=1&b=%FF`; `+` stands for a space.
    pub fn parse(query: &str) -> Self {
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        Self {
            left: pairs.map(decode_pair).collect(),
            taken: Vec::new(),
        }
    }

    /// Checks the query string of a request that has no parameters.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the first.
    pub fn require_none(query: &str) -> Result<(), Error> {
        Self::parse(query).reject_unknown("none")
    }

    /// A parameter's bytes, if it is given, even if it is empty.
    pub fn bytes(&mut self, name: &str) -> Option<Vec<u8>> {
        let index = self.left.iter().position(|(known, _)| known == name)?;
        self.taken.push(name.to_owned());
        Some(self.left.remove(index).1)
    }

    /// A parameter's bytes, if it is given and not empty.
    pub fn nonempty_bytes(&mut self, name: &str) -> Option<Vec<u8>> {
        self.bytes(name).filter(|value| !value.is_empty())
    }

    /// A parameter as text, if it is given and not empty.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is not UTF-8.
    pub fn text(&mut self, name: &str) -> Result<Option<String>, Error> {
        self.nonempty_bytes(name)
            .map(String::from_utf8)
            .transpose()
            .map_err(|_| Error::invalid(name, "must be UTF-8"))
    }

    /// A whole number from 1 to `max`, or the default.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is something else.
    pub fn number(&mut self, name: &str, max: u64, default: u64) -> Result<u64, Error> {
        Ok(self.optional_number(name, max)?.unwrap_or(default))
    }

    /// A whole number from 1 to `max`, if given.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is something else.
    pub fn optional_number(&mut self, name: &str, max: u64) -> Result<Option<u64>, Error> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        match text.parse() {
            Ok(number) if (1..=max).contains(&number) => Ok(Some(number)),
            _ => Err(Error::invalid(
                name,
                format!("must be a whole number from 1 to {max}"),
            )),
        }
    }

    /// A boolean, `false` if not given.
    ///
    /// # Errors
    /// [`Error::Invalid`] when it is something else than `true` or `false`.
    pub fn flag(&mut self, name: &str) -> Result<bool, Error> {
        match self.text(name)?.as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(Error::invalid(name, "must be true or false")),
        }
    }

    /// Ends the reading. `known` lists the parameters of the request, for the error.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming a parameter that was not taken: unknown, or given twice.
    pub fn reject_unknown(self, known: &str) -> Result<(), Error> {
        let Some((name, _)) = self.left.into_iter().next() else {
            return Ok(());
        };
        if self.taken.contains(&name) {
            return Err(Error::invalid(name, "is given twice"));
        }
        Err(Error::invalid(
            name,
            format!("is not a parameter of this request; known are {known}"),
        ))
    }
}

fn decode_pair(pair: &str) -> (String, Vec<u8>) {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    let name = String::from_utf8_lossy(&decode(name)).into_owned();
    (name, decode(value))
}

fn decode(text: &str) -> Vec<u8> {
    percent_encoding::percent_decode_str(&text.replace('+', " ")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded_to_bytes() {
        let mut parameters = Parameters::parse("pattern=a%FF+b&limit=7&exact=true");

        assert_eq!(parameters.bytes("pattern").unwrap(), b"a\xff b");
        assert_eq!(parameters.number("limit", 100, 100).unwrap(), 7);
        assert!(parameters.flag("exact").unwrap());
        parameters.reject_unknown("").unwrap();
    }

    #[test]
    fn an_empty_parameter_counts_only_as_bytes() {
        let mut parameters = Parameters::parse("key=&type=");

        assert_eq!(parameters.bytes("key"), Some(Vec::new()));
        assert_eq!(parameters.text("type").unwrap(), None);
    }

    #[test]
    fn a_number_is_within_its_range() {
        for bad in ["limit=0", "limit=101", "limit=x"] {
            let number = Parameters::parse(bad).number("limit", 100, 100);
            assert!(number.is_err(), "{bad}");
        }
    }

    #[test]
    fn a_parameter_given_twice_is_rejected() {
        let mut parameters = Parameters::parse("limit=1&limit=2");
        parameters.number("limit", 100, 100).unwrap();

        let error = parameters.reject_unknown("limit").unwrap_err();

        assert_eq!(error.to_string(), "`limit` is given twice");
    }

    #[test]
    fn a_request_without_parameters_takes_an_empty_query() {
        assert!(Parameters::require_none("").is_ok());
        assert!(Parameters::require_none("&").is_ok());

        let error = Parameters::require_none("dryRun=true").unwrap_err();
        assert!(error.to_string().starts_with("`dryRun`"), "{error}");
    }
}
