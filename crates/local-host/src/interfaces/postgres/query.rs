//! Statements on a connection, and their rows: all at once, or as a stream.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::{Stream as _, StreamExt as _};
use tokio::sync::oneshot;
use tokio_postgres::RowStream;
use wasmtime::StoreContextMut;
use wasmtime::component::{Destination, StreamProducer, StreamResult, VecBuffer};

use super::bindings::postgres::{Column, DbValue, Error, ParameterValue, Row, RowSet};
use super::error::{query_failed, query_failed_text, with_causes};
use super::parameter::parameters;
use super::pool::Connection;
use super::value;
use crate::interfaces::{MAX_REPLY_BYTES, reply_too_large};

/// Bounds of one batch of rows. A batch may exceed the bytes by its last row.
const MAX_BATCH_ROWS: usize = 128;
const MAX_BATCH_BYTES: usize = 1 << 20;

/// Runs a statement for its effect and returns how many rows it changed.
///
/// # Errors
/// An invalid parameter, a statement that the server refuses, or a lost connection.
pub async fn execute(
    connection: &Connection,
    statement: &str,
    values: &[ParameterValue],
) -> Result<u64, Error> {
    let parameters =
        parameters(values).map_err(|error| Error::ValueConversionFailed(with_causes(&error)))?;
    connection
        .execute_raw(statement, parameters)
        .await
        .map_err(query_failed)
}

/// Runs a query and waits for all its rows.
///
/// # Errors
/// Those of [`execute`], and rows that exceed [`MAX_REPLY_BYTES`].
pub async fn query_all(
    connection: &Connection,
    statement: &str,
    values: &[ParameterValue],
) -> Result<RowSet, Error> {
    let mut stream = start_query(connection, statement, values).await?;
    let mut columns = Vec::new();
    let mut rows = Vec::new();
    let mut bytes = size_of::<RowSet>();

    while let Some(row) = stream.next().await {
        let row = row.map_err(|error| without_fields(&query_failed(error)))?;
        if columns.is_empty() {
            columns = value::columns(&row);
        }

        let row = value::values(&row).map_err(|error| without_fields(&unreadable(&error)))?;
        bytes += byte_size(&row);
        if bytes > MAX_REPLY_BYTES {
            return Err(query_failed_text(reply_too_large()));
        }
        rows.push(row);
    }

    Ok(RowSet { columns, rows })
}

/// Reduces an error to its text: Spin reports no fields for a query that fails while it waits for
/// all rows.
fn without_fields(error: &Error) -> Error {
    query_failed_text(format!("{error:?}"))
}

fn unreadable(error: &anyhow::Error) -> Error {
    query_failed_text(with_causes(error))
}

/// A running query: its columns, its rows, and the outcome of reading them.
pub struct StreamedQuery {
    pub columns: Vec<Column>,
    pub rows: RowProducer,
    pub outcome: oneshot::Receiver<Result<(), Error>>,
}

/// Runs a query and waits for its first row.
///
/// # Errors
/// Those of [`execute`]. A failure from the first row on is in the outcome.
pub async fn query_stream(
    connection: Connection,
    statement: &str,
    values: &[ParameterValue],
) -> Result<StreamedQuery, Error> {
    let mut stream = start_query(&connection, statement, values).await?;
    let first = stream.next().await;
    let columns = match &first {
        Some(Ok(row)) => value::columns(row),
        Some(Err(_)) | None => Vec::new(),
    };

    let (outcome_sender, outcome) = oneshot::channel();
    let rows = RowProducer {
        first: Some(first),
        stream,
        outcome: Some(outcome_sender),
        _connection: connection,
    };
    Ok(StreamedQuery {
        columns,
        rows,
        outcome,
    })
}

async fn start_query(
    connection: &Connection,
    statement: &str,
    values: &[ParameterValue],
) -> Result<Pin<Box<RowStream>>, Error> {
    let parameters =
        parameters(values).map_err(|error| Error::BadParameter(with_causes(&error)))?;
    let stream = connection
        .query_raw(statement, parameters)
        .await
        .map_err(query_failed)?;
    Ok(Box::pin(stream))
}

fn byte_size(row: &[DbValue]) -> usize {
    row.iter().map(value::byte_size).sum()
}

/// The outcome of reading one row from the server; `None` after the last.
type NextRow = Option<Result<tokio_postgres::Row, tokio_postgres::Error>>;

/// Rows on their way to the component. The server is asked only for rows that the component takes.
pub struct RowProducer {
    /// The first row, which was read for the columns, until it is taken.
    first: Option<NextRow>,
    stream: Pin<Box<RowStream>>,
    /// Present until reading has ended.
    outcome: Option<oneshot::Sender<Result<(), Error>>>,
    /// Held so that nobody else uses the connection while rows are on it.
    _connection: Connection,
}

impl RowProducer {
    /// Returns the next row, or `None` after the last row or an error.
    fn poll_row(&mut self, context: &mut Context<'_>) -> Poll<Option<Row>> {
        if self.outcome.is_none() {
            return Poll::Ready(None);
        }

        let next = match self.first.take() {
            Some(first) => first,
            None => ready!(self.stream.as_mut().poll_next(context)),
        };
        let Some(row) = next else {
            self.finish(Ok(()));
            return Poll::Ready(None);
        };

        match read_row(row) {
            Ok(row) => Poll::Ready(Some(row)),
            Err(error) => {
                self.finish(Err(error));
                Poll::Ready(None)
            }
        }
    }

    /// Sends the outcome once. The receiver may be gone.
    fn finish(&mut self, outcome: Result<(), Error>) {
        if let Some(sender) = self.outcome.take() {
            let _ = sender.send(outcome);
        }
    }
}

fn read_row(row: Result<tokio_postgres::Row, tokio_postgres::Error>) -> Result<Row, Error> {
    let row = row.map_err(query_failed)?;
    let row = value::values(&row).map_err(|error| unreadable(&error))?;
    if byte_size(&row) > MAX_REPLY_BYTES {
        return Err(query_failed_text(reply_too_large()));
    }
    Ok(row)
}

/// A component that stops reading has the rows it wanted, so the outcome is a success.
impl Drop for RowProducer {
    fn drop(&mut self) {
        self.finish(Ok(()));
    }
}

impl<D> StreamProducer<D> for RowProducer {
    type Item = Row;
    type Buffer = VecBuffer<Row>;

    fn poll_produce<'a>(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        store: StoreContextMut<'a, D>,
        mut destination: Destination<'a, Row, VecBuffer<Row>>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        // A read of zero rows asks whether there are any. Taking a row for it could lose the row.
        if destination.remaining(store) == Some(0) {
            return Poll::Ready(Ok(StreamResult::Completed));
        }

        let mut rows = Vec::new();
        let mut bytes = 0;
        let result = loop {
            match self.poll_row(context) {
                Poll::Ready(Some(row)) => {
                    bytes += byte_size(&row);
                    rows.push(row);
                }
                Poll::Ready(None) => break StreamResult::Dropped,
                Poll::Pending if rows.is_empty() && finish => break StreamResult::Cancelled,
                Poll::Pending if rows.is_empty() => return Poll::Pending,
                Poll::Pending => break StreamResult::Completed,
            }
            if rows.len() == MAX_BATCH_ROWS || bytes >= MAX_BATCH_BYTES {
                break StreamResult::Completed;
            }
        };

        destination.set_buffer(rows.into());
        Poll::Ready(Ok(result))
    }
}
