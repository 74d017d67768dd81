//! What the host and the server say when something fails, in words for the operator.

use spin_sdk::pg::{DbError, Error, PgError, QueryError};

/// One line. The caller takes the password out: a host may repeat what it was given.
pub(crate) fn words(error: &Error) -> String {
    let error = match error {
        Error::PgError(error) => error,
        other => return format!("PostgreSQL: {other}"),
    };
    match error {
        PgError::ConnectionFailed(text) if text.ends_with("is not permitted") => format!(
            "PostgreSQL: the host does not allow this {text}: check `postgres_address`, and that the component's \
             `allowed_outbound_hosts` in spin.toml has it"
        ),
        PgError::ConnectionFailed(text) => format!("PostgreSQL cannot be reached: {}", line(text)),
        PgError::QueryFailed(QueryError::DbError(refusal)) => refused(refusal),
        PgError::QueryFailed(QueryError::Text(text))
        | PgError::BadParameter(text)
        | PgError::ValueConversionFailed(text)
        | PgError::Other(text) => format!("PostgreSQL: {}", line(text)),
    }
}

/// The server's own words. What it adds in detail may quote rows, which are nobody's business here.
fn refused(refusal: &DbError) -> String {
    let hint = refusal.extras.iter().find(|(name, _)| name == "hint").map(|(_, hint)| format!("; {hint}"));
    format!("PostgreSQL: {} ({}){}", refusal.message, refusal.code, hint.unwrap_or_default())
}

/// A chain of causes, each on a line of its own, in one.
fn line(text: &str) -> String {
    let numbered = |part: &str| part.split_once(": ").is_some_and(|(number, _)| number.parse::<u8>().is_ok());
    let mut causes: Vec<&str> = Vec::new();
    for part in text.lines().map(str::trim).filter(|part| !part.is_empty() && *part != "Caused by:") {
        let cause = if numbered(part) { part.split_once(": ").map_or(part, |(_, cause)| cause) } else { part };
        // What a cause says the ones before it mostly say too.
        if !causes.iter().any(|said| said.contains(cause)) {
            causes.push(cause);
        }
    }
    causes.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_of_causes_becomes_one_line_that_says_each_once() {
        let text = "Error occurred while creating a new object: error connecting to server\n\nCaused by:\n    \
                    0: error connecting to server\n    1: Connection refused (os error 111)";
        let expected = "PostgreSQL cannot be reached: Error occurred while creating a new object: error connecting to \
                        server: Connection refused (os error 111)";
        assert_eq!(words(&Error::PgError(PgError::ConnectionFailed(text.to_owned()))), expected);
    }

    #[test]
    fn a_refused_statement_is_told_with_its_code_and_hint_and_without_data() {
        let refusal = DbError {
            as_text: "all of it".to_owned(),
            severity: "ERROR".to_owned(),
            code: "42703".to_owned(),
            message: "column \"nam\" does not exist".to_owned(),
            detail: Some("a row".to_owned()),
            extras: vec![("hint".to_owned(), "Perhaps you meant \"name\".".to_owned())],
        };
        let error = Error::PgError(PgError::QueryFailed(QueryError::DbError(refusal)));
        let expected = "PostgreSQL: column \"nam\" does not exist (42703); Perhaps you meant \"name\".";
        assert_eq!(words(&error), expected);
    }

    #[test]
    fn a_forbidden_address_is_told_with_what_to_set() {
        let text = "address postgres://db:5432 is not permitted".to_owned();
        assert!(words(&Error::PgError(PgError::ConnectionFailed(text))).contains("`postgres_address`"));
    }
}
