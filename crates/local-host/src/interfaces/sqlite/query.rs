//! Statements on a database, and their values on the way in and out.

use rusqlite::types::ValueRef;

use super::bindings::sqlite::{Error, QueryResult, RowResult, Value};
use super::database::Database;
use crate::interfaces::{MAX_REPLY_BYTES, reply_too_large};

/// Runs one statement; passes the names of its columns to `take_columns` and each row to
/// `take_row`.
///
/// # Errors
/// A statement that SQLite rejects, or the first error of `take_row`.
pub fn query(
    database: &Database,
    statement: &str,
    parameters: Vec<Value>,
    take_columns: impl FnOnce(Vec<String>),
    mut take_row: impl FnMut(RowResult) -> Result<(), Error>,
) -> Result<(), Error> {
    database.with(|connection| {
        let mut prepared = connection.prepare_cached(statement).map_err(io_error)?;
        let names = prepared.column_names().into_iter().map(str::to_owned);
        take_columns(names.collect());

        let width = prepared.column_count();
        let parameters = rusqlite::params_from_iter(parameters.into_iter().map(to_sql));
        let mut rows = prepared.query(parameters).map_err(io_error)?;
        while let Some(row) = rows.next().map_err(io_error)? {
            let values = (0..width)
                .map(|column| from_sql(row.get_ref(column).map_err(io_error)?))
                .collect::<Result<_, _>>()?;
            take_row(RowResult { values })?;
        }
        Ok(())
    })
}

/// Runs one statement and returns all its rows.
///
/// # Errors
/// Those of [`query`], and rows that exceed [`MAX_REPLY_BYTES`].
pub fn query_all(
    database: &Database,
    statement: &str,
    parameters: Vec<Value>,
) -> Result<QueryResult, Error> {
    let mut columns = Vec::new();
    let mut rows = Vec::new();
    let mut bytes = size_of::<QueryResult>();

    query(
        database,
        statement,
        parameters,
        |names| columns = names,
        |row| {
            bytes += byte_size(&row);
            if bytes > MAX_REPLY_BYTES {
                return Err(Error::Io(reply_too_large()));
            }
            rows.push(row);
            Ok(())
        },
    )?;

    Ok(QueryResult { columns, rows })
}

pub fn io_error(error: impl std::fmt::Display) -> Error {
    Error::Io(error.to_string())
}

/// Approximate memory of a row.
pub fn byte_size(row: &RowResult) -> usize {
    let payload = |value: &Value| match value {
        Value::Text(text) => text.len(),
        Value::Blob(bytes) => bytes.len(),
        Value::Integer(_) | Value::Real(_) | Value::Null => 0,
    };
    row.values
        .iter()
        .map(|value| size_of::<Value>() + payload(value))
        .sum()
}

fn to_sql(value: Value) -> rusqlite::types::Value {
    match value {
        Value::Integer(number) => number.into(),
        Value::Real(number) => number.into(),
        Value::Text(text) => text.into(),
        Value::Blob(bytes) => bytes.into(),
        Value::Null => rusqlite::types::Value::Null,
    }
}

fn from_sql(value: ValueRef<'_>) -> Result<Value, Error> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Text(bytes) => Value::Text(String::from_utf8(bytes.to_vec()).map_err(io_error)?),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::database::DatabaseFile;
    use super::*;

    fn database() -> (tempfile::TempDir, Database) {
        let dir = tempfile::tempdir().unwrap();
        let file = Arc::new(DatabaseFile::new(dir.path().join("s.db")));
        let database = file.open().unwrap();
        (dir, database)
    }

    #[test]
    fn every_kind_of_value_returns_as_it_was_sent() {
        let (_dir, database) = database();
        let values = [
            Value::Integer(-1),
            Value::Real(1.5),
            Value::Text("ü".into()),
            Value::Blob(vec![0, 255]),
            Value::Null,
        ];

        let result =
            query_all(&database, "SELECT ?1 AS a, ?2, ?3, ?4, ?5", values.to_vec()).unwrap();

        assert_eq!(result.columns[0], "a");
        assert_eq!(
            format!("{:?}", result.rows[0].values),
            format!("{values:?}")
        );
    }

    #[test]
    fn an_invalid_statement_returns_the_text_of_sqlite() {
        let (_dir, database) = database();

        let error = query_all(&database, "SELEC 1", Vec::new()).unwrap_err();

        assert!(
            matches!(&error, Error::Io(text) if text.contains("syntax error")),
            "{error:?}"
        );
    }
}
