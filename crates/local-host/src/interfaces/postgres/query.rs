//! Statements on a connection, and their rows: all at once, or as a stream.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::{Stream as _, StreamExt as _};
use tokio::sync::oneshot;
use tokio_postgres::RowStream;
use wasmtime::StoreContextMut;
use wasmtime::component::{Destination, StreamProducer, StreamResult, VecBuffer};

use super::bindings::postgres::{Column, DbValue, Error, ParameterValue, Row, RowSet};
use super::pool::Client;
use super::{error, parameter, value};
use crate::interfaces::{MAX_REPLY_BYTES, too_large};

/// Rows handed over at once, where as many have arrived, and about how many bytes of them.
const ROWS: usize = 128;
const BYTES: usize = 1 << 20;

/// Runs a statement for its effect; the answer is how many rows it changed.
///
/// # Errors
/// A parameter that is no value, a statement the server refuses, a connection that is gone.
pub async fn execute(client: &Client, statement: &str, values: &[ParameterValue]) -> Result<u64, Error> {
    let bad = |error| Error::ValueConversionFailed(error::chain(&error));
    let parameters = parameter::all(values).map_err(bad)?;
    client.execute_raw(statement, parameters).await.map_err(error::failed)
}

/// Runs a query and waits for all its rows.
///
/// # Errors
/// Those of [`execute`]; rows that exceed the limit of a reply.
pub async fn collect(client: &Client, statement: &str, values: &[ParameterValue]) -> Result<RowSet, Error> {
    let mut found = query(client, statement, values).await?;
    let mut rows = Vec::new();
    let mut columns = Vec::new();
    let mut bytes = size_of::<RowSet>();
    while let Some(row) = found.next().await {
        let row = row.map_err(|error| told(&error::failed(error)))?;
        if columns.is_empty() {
            columns = value::columns(&row);
        }
        let row = value::values(&row).map_err(|error| told(&unreadable(&error)))?;
        bytes += size(&row);
        if bytes > MAX_REPLY_BYTES {
            return Err(error::text(too_large()));
        }
        rows.push(row);
    }
    Ok(RowSet { columns, rows })
}

/// What fails while all rows are waited for is told in words only, as in Spin.
fn told(error: &Error) -> Error {
    error::text(format!("{error:?}"))
}

fn unreadable(error: &anyhow::Error) -> Error {
    error::text(error::chain(error))
}

/// What a query gives before its rows are read: columns, rows, and how reading them ended.
pub type Answer = (Vec<Column>, Rows, oneshot::Receiver<Result<(), Error>>);

/// Runs a query and waits for its first row.
///
/// # Errors
/// Those of [`execute`]. What fails from the first row on is what the last part of the answer says.
pub async fn stream(client: Client, statement: &str, values: &[ParameterValue]) -> Result<Answer, Error> {
    let mut found = query(&client, statement, values).await?;
    let first = found.next().await;
    let columns = first.as_ref().and_then(|row| row.as_ref().ok()).map(value::columns).unwrap_or_default();
    let (end, ended) = oneshot::channel();
    Ok((columns, Rows { first: Some(first), found, end: Some(end), _client: client }, ended))
}

async fn query(client: &Client, statement: &str, values: &[ParameterValue]) -> Result<Pin<Box<RowStream>>, Error> {
    let bad = |error| Error::BadParameter(error::chain(&error));
    let parameters = parameter::all(values).map_err(bad)?;
    client.query_raw(statement, parameters).await.map(Box::pin).map_err(error::failed)
}

fn size(row: &[DbValue]) -> usize {
    row.iter().map(value::size).sum()
}

/// Rows on their way to the component; what it does not take, the server is not asked for.
pub struct Rows {
    /// What the first look found, until it is handed over.
    first: Option<Option<Result<tokio_postgres::Row, tokio_postgres::Error>>>,
    found: Pin<Box<RowStream>>,
    end: Option<oneshot::Sender<Result<(), Error>>>,
    /// Nobody else gets the connection while rows are on it.
    _client: Client,
}

impl Rows {
    /// The next row; after the last, or one that cannot be read, nothing more.
    fn poll_row(&mut self, context: &mut Context<'_>) -> Poll<Option<Row>> {
        if self.end.is_none() {
            return Poll::Ready(None);
        }
        let row = match self.first.take() {
            Some(found) => found,
            None => ready!(self.found.as_mut().poll_next(context)),
        };
        let row = row.map(|row| {
            let row = value::values(&row.map_err(error::failed)?).map_err(|error| unreadable(&error))?;
            if size(&row) > MAX_REPLY_BYTES { Err(error::text(too_large())) } else { Ok(row) }
        });
        Poll::Ready(match row.transpose() {
            Ok(Some(row)) => Some(row),
            Ok(None) => self.finish(Ok(())),
            Err(error) => self.finish(Err(error)),
        })
    }

    /// Tells how it ended; that nobody listens is no matter.
    fn finish(&mut self, how: Result<(), Error>) -> Option<Row> {
        if let Some(end) = self.end.take() {
            let _ = end.send(how);
        }
        None
    }
}

/// A component that reads no further has what it wanted.
impl Drop for Rows {
    fn drop(&mut self) {
        self.finish(Ok(()));
    }
}

impl<D> StreamProducer<D> for Rows {
    type Item = Row;
    type Buffer = VecBuffer<Row>;

    fn poll_produce<'a>(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        store: StoreContextMut<'a, D>,
        mut destination: Destination<'a, Row, VecBuffer<Row>>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        // A read of nothing asks whether there is something; taking rows for it could lose them.
        if destination.remaining(store) == Some(0) {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        let (mut rows, mut bytes) = (Vec::new(), 0);
        let result = loop {
            match self.poll_row(context) {
                Poll::Ready(Some(row)) => {
                    bytes += size(&row);
                    rows.push(row);
                }
                Poll::Ready(None) => break StreamResult::Dropped,
                Poll::Pending if rows.is_empty() && finish => break StreamResult::Cancelled,
                Poll::Pending if rows.is_empty() => return Poll::Pending,
                Poll::Pending => break StreamResult::Completed,
            }
            if rows.len() == ROWS || bytes >= BYTES {
                break StreamResult::Completed;
            }
        };
        destination.set_buffer(rows.into());
        Poll::Ready(Ok(result))
    }
}
