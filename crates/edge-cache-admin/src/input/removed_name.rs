//! The name of the setting that a request removes, in its body or its query string.

use super::{Fields, Parameters};
use crate::error::Error;

/// Reads a field that is in the body or in the query string, and the only one of either; `None` if it
/// is in neither.
///
/// # Errors
/// [`Error::Malformed`] and [`Error::Invalid`] for either, also when both have it.
pub fn read_removed_name(name: &str, body: &[u8], query: &str) -> Result<Option<String>, Error> {
    let mut fields = Fields::from_json(body)?;
    let mut parameters = Parameters::parse(query);
    let in_body = fields.string(name)?;
    let in_query = parameters.bytes(name);
    if in_body.is_some() && in_query.is_some() {
        let problem = "is given twice: in the body and in the query";
        return Err(Error::invalid(name, problem));
    }

    let in_query = in_query
        .map(String::from_utf8)
        .transpose()
        .map_err(|_| Error::invalid(name, "must be UTF-8"))?;
    fields.reject_unknown(name)?;
    parameters.reject_unknown(name)?;
    Ok(in_body.or(in_query))
}
