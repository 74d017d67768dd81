//! Spin's SQLite database as a source of warmups.

use edge_cache::warmup::Rows;
use futures_util::TryStreamExt;
use futures_util::stream::{self, Stream};
use serde_json::Value;
use spin_sdk::sqlite::{Connection, RowResult, Value as Cell};

use crate::database::{BATCH, batch};

/// The component's default database.
pub struct Sqlite(Connection);

impl Sqlite {
    /// Opens it.
    ///
    /// # Errors
    /// What went wrong, in words for the operator.
    pub async fn open() -> Result<Self, String> {
        let opened = Connection::open_default().await;
        opened.map(Self).map_err(|error| format!("the SQLite database cannot be opened: {error}"))
    }
}

impl Sqlite {
    /// Runs a statement with parameters for its `?`.
    ///
    /// # Errors
    /// What went wrong, in words for the operator.
    pub async fn ask(&self, sql: &str, parameters: &[&str]) -> Result<Rows, String> {
        let answer = self.0.execute(sql, parameters.iter().map(|text| Cell::Text((*text).to_owned()))).await;
        let answer = answer.map_err(explain)?;
        let columns = answer.columns().to_vec();
        let rows = answer.collect().await.map_err(explain)?;
        Ok(Rows { columns, rows: rows.into_iter().map(cells).collect() })
    }

    /// Runs a query and gives its rows in batches, while the rest is still on its way.
    pub(crate) fn batches(self, sql: &str) -> impl Stream<Item = Result<Rows, String>> {
        stream::once(async move {
            let (columns, rows, end) = self.0.execute(sql, []).await.map_err(explain)?.into_inner();
            Ok::<_, String>(stream::try_unfold(Some((self, columns, rows, end)), async |open| {
                let Some((connection, columns, mut rows, end)) = open else { return Ok(None) };
                let read = batch(async |read| rows.read(read).await.1).await;
                let batch = Rows { columns: columns.clone(), rows: read.into_iter().map(cells).collect() };
                if batch.rows.len() < BATCH {
                    end.await.map_err(explain)?;
                    return Ok(Some((batch, None)));
                }
                Ok(Some((batch, Some((connection, columns, rows, end)))))
            }))
        })
        .try_flatten()
    }
}

#[expect(clippy::needless_pass_by_value, reason = "as map_err hands it over")]
fn explain(error: spin_sdk::sqlite::Error) -> String {
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
