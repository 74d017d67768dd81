//! Spin's SQLite database as a source of warmups.

use edge_cache_admin::warmup::Rows;
use futures_util::TryStreamExt;
use futures_util::stream::{self, Stream};
use serde_json::Value;
use spin_sdk::sqlite::{Connection, RowResult, Value as Cell};

use crate::sources::row_batch::{BATCH_ROWS, read_batch};

/// The component's default SQLite database.
pub struct Sqlite(Connection);

impl Sqlite {
    /// Opens the database.
    ///
    /// # Errors
    /// A message for the operator.
    pub async fn open() -> Result<Self, String> {
        Connection::open_default()
            .await
            .map(Self)
            .map_err(|error| format!("the SQLite database cannot be opened: {error}"))
    }

    /// Runs a statement with text parameters for its `?` placeholders.
    ///
    /// # Errors
    /// A message for the operator.
    pub async fn query(&self, sql: &str, parameters: &[&str]) -> Result<Rows, String> {
        let parameters = parameters.iter().map(|text| Cell::Text((*text).to_owned()));
        let result = self.0.execute(sql, parameters).await.map_err(message)?;
        let columns = result.columns().to_vec();
        let rows = result.collect().await.map_err(message)?;

        Ok(Rows {
            columns,
            rows: rows.into_iter().map(cells).collect(),
        })
    }

    /// Runs a query and returns its rows in batches, before the last row has arrived.
    pub(crate) fn stream_batches(self, sql: &str) -> impl Stream<Item = Result<Rows, String>> {
        stream::once(async move {
            let (columns, rows, end) = self.0.execute(sql, []).await.map_err(message)?.into_inner();

            Ok::<_, String>(stream::try_unfold(
                Some((self, columns, rows, end)),
                async |open| {
                    let Some((connection, columns, mut rows, end)) = open else {
                        return Ok(None);
                    };

                    let read = read_batch(async |read| rows.read(read).await.1).await;
                    let batch = Rows {
                        columns: columns.clone(),
                        rows: read.into_iter().map(cells).collect(),
                    };

                    if batch.rows.len() < BATCH_ROWS {
                        end.await.map_err(message)?;
                        return Ok(Some((batch, None)));
                    }

                    Ok(Some((batch, Some((connection, columns, rows, end)))))
                },
            ))
        })
        .try_flatten()
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the signature of map_err")]
fn message(error: spin_sdk::sqlite::Error) -> String {
    format!("SQLite: {error}")
}

fn cells(row: RowResult) -> Vec<Value> {
    row.values.into_iter().map(json).collect()
}

fn json(cell: Cell) -> Value {
    match cell {
        Cell::Integer(number) => number.into(),
        Cell::Real(number) => number.into(),
        Cell::Text(text) => text.into(),
        Cell::Blob(bytes) => String::from_utf8_lossy(&bytes).into_owned().into(),
        Cell::Null => Value::Null,
    }
}
