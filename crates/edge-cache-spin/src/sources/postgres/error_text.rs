//! Errors of PostgreSQL and of the host, as one line for the operator.

use spin_sdk::pg::{DbError, Error, PgError, QueryError};

/// Describes an error in one line. It may contain the password, because a host may repeat the URL;
/// the caller redacts it.
pub(crate) fn describe(error: &Error) -> String {
    let error = match error {
        Error::PgError(error) => error,
        other => return format!("PostgreSQL: {other}"),
    };

    match error {
        PgError::ConnectionFailed(text) if text.ends_with("is not permitted") => format!(
            "PostgreSQL: the host does not allow this {text}: check `postgres_address`, and that the component's \
             `allowed_outbound_hosts` in spin.toml has it"
        ),
        PgError::ConnectionFailed(text) => {
            format!("PostgreSQL cannot be reached: {}", join_causes(text))
        }
        PgError::QueryFailed(QueryError::DbError(refusal)) => describe_refusal(refusal),
        PgError::QueryFailed(QueryError::Text(text))
        | PgError::BadParameter(text)
        | PgError::ValueConversionFailed(text)
        | PgError::Other(text) => format!("PostgreSQL: {}", join_causes(text)),
    }
}

/// Describes an error that the server reported. Its `detail` is left out, because that may quote
/// rows.
fn describe_refusal(refusal: &DbError) -> String {
    let hint = refusal
        .extras
        .iter()
        .find(|(name, _)| name == "hint")
        .map(|(_, hint)| format!("; {hint}"))
        .unwrap_or_default();

    format!("PostgreSQL: {} ({}){hint}", refusal.message, refusal.code)
}

/// Joins a chain of causes, one on each line, into one line.
fn join_causes(text: &str) -> String {
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && *line != "Caused by:");

    let mut causes: Vec<&str> = Vec::new();
    for cause in lines.map(without_number) {
        // Most errors repeat the text of their cause.
        if !causes.iter().any(|earlier| earlier.contains(cause)) {
            causes.push(cause);
        }
    }
    causes.join(": ")
}

/// A line without the number that a cause may begin with: `0: no route to host`.
fn without_number(line: &str) -> &str {
    match line.split_once(": ") {
        Some((number, cause)) if number.parse::<u8>().is_ok() => cause,
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_of_causes_becomes_one_line_without_repetitions() {
        let text = "Error occurred while creating a new object: error connecting to server\n\nCaused by:\n    \
                    0: error connecting to server\n    1: Connection refused (os error 111)";
        let expected = "PostgreSQL cannot be reached: Error occurred while creating a new object: error connecting to \
                        server: Connection refused (os error 111)";
        assert_eq!(
            describe(&Error::PgError(PgError::ConnectionFailed(text.to_owned()))),
            expected
        );
    }

    #[test]
    fn a_refused_statement_is_described_with_code_and_hint_but_without_data() {
        let refusal = DbError {
            as_text: "all of it".to_owned(),
            severity: "ERROR".to_owned(),
            code: "42703".to_owned(),
            message: "column \"nam\" does not exist".to_owned(),
            detail: Some("a row".to_owned()),
            extras: vec![("hint".to_owned(), "Perhaps you meant \"name\".".to_owned())],
        };
        let error = Error::PgError(PgError::QueryFailed(QueryError::DbError(refusal)));
        let expected =
            "PostgreSQL: column \"nam\" does not exist (42703); Perhaps you meant \"name\".";
        assert_eq!(describe(&error), expected);
    }

    #[test]
    fn a_forbidden_address_is_described_with_the_variable_to_set() {
        let text = "address postgres://db:5432 is not permitted".to_owned();
        assert!(
            describe(&Error::PgError(PgError::ConnectionFailed(text)))
                .contains("`postgres_address`")
        );
    }
}
