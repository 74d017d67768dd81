//! What a server or the client library refuses, as the interface tells it.

use tokio_postgres::error::DbError as Refusal;

use super::bindings::postgres::{DbError, Error, QueryError};

/// A statement that failed, with the server's own fields where it was the server that refused it.
#[expect(clippy::needless_pass_by_value, reason = "what map_err calls")]
pub fn failed(error: tokio_postgres::Error) -> Error {
    let as_text = format!("{error:?}");
    Error::QueryFailed(match error.as_db_error() {
        None => QueryError::Text(as_text),
        Some(refusal) => QueryError::DbError(DbError {
            as_text,
            severity: refusal.severity().to_owned(),
            code: refusal.code().code().to_owned(),
            message: refusal.message().to_owned(),
            detail: refusal.detail().map(str::to_owned),
            extras: extras(refusal),
        }),
    })
}

/// A statement that failed on this side.
pub fn text(text: impl Into<String>) -> Error {
    Error::QueryFailed(QueryError::Text(text.into()))
}

/// An error with its causes, in the form of `anyhow`; where this program was when it failed is no business of components.
pub fn chain(error: &anyhow::Error) -> String {
    let text = format!("{error:?}");
    text.split_once("\n\nStack backtrace:").map(|(before, _)| before.to_owned()).unwrap_or(text)
}

fn extras(refusal: &Refusal) -> Vec<(String, String)> {
    let line = refusal.line().map(|line| line.to_string());
    let fields = [
        ("column", refusal.column()),
        ("constraint", refusal.constraint()),
        ("routine", refusal.routine()),
        ("hint", refusal.hint()),
        ("table", refusal.table()),
        ("datatype", refusal.datatype()),
        ("schema", refusal.schema()),
        ("file", refusal.file()),
        ("line", line.as_deref()),
        ("where_", refusal.where_()),
    ];
    fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))).collect()
}
