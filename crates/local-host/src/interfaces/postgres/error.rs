//! Errors of the server and the client library in the form of the interface.

use tokio_postgres::error::DbError as ServerError;

use super::bindings::postgres::{DbError, Error, QueryError};

/// The error of a failed statement, with the server's own fields if the server refused it.
#[expect(clippy::needless_pass_by_value, reason = "map_err passes a value")]
pub fn query_failed(error: tokio_postgres::Error) -> Error {
    let as_text = format!("{error:?}");
    Error::QueryFailed(match error.as_db_error() {
        None => QueryError::Text(as_text),
        Some(error) => QueryError::DbError(DbError {
            as_text,
            severity: error.severity().to_owned(),
            code: error.code().code().to_owned(),
            message: error.message().to_owned(),
            detail: error.detail().map(str::to_owned),
            extras: extras(error),
        }),
    })
}

/// The error of a statement that failed in the client.
pub fn query_failed_text(text: impl Into<String>) -> Error {
    Error::QueryFailed(QueryError::Text(text.into()))
}

/// Formats an error with its causes as `anyhow` does, without the backtrace of the host.
pub fn with_causes(error: &anyhow::Error) -> String {
    let text = format!("{error:?}");
    match text.split_once("\n\nStack backtrace:") {
        Some((before, _)) => before.to_owned(),
        None => text,
    }
}

fn extras(error: &ServerError) -> Vec<(String, String)> {
    let line = error.line().map(|line| line.to_string());
    let fields = [
        ("column", error.column()),
        ("constraint", error.constraint()),
        ("routine", error.routine()),
        ("hint", error.hint()),
        ("table", error.table()),
        ("datatype", error.datatype()),
        ("schema", error.schema()),
        ("file", error.file()),
        ("line", line.as_deref()),
        ("where_", error.where_()),
    ];

    fields
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
        .collect()
}
