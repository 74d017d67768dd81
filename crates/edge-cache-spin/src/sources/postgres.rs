//! A PostgreSQL database as a source of warmups, through `spin:postgres`.

mod error_text;
mod json;
mod placeholder;

use std::pin::pin;
use std::time::Duration;

use edge_cache_admin::warmup::Rows;
use futures_util::TryStreamExt;
use futures_util::future::{Either, select};
use futures_util::stream::{self, Stream};
use serde_json::Value;
use spin_sdk::pg::{Connection, DbValue, Error, ParameterValue, QueryResult};

use crate::sources::postgres::error_text::describe;
use crate::sources::postgres::placeholder::number_placeholders;
use crate::sources::postgres_url::PostgresUrl;
use crate::sources::row_batch::{BATCH_ROWS, read_batch};

/// Time limit for opening a connection. Usually it takes no time, because the host pools
/// connections.
const OPEN_LIMIT_SECONDS: u64 = 5;
/// Time limit for the first row of a query, and then for each batch of rows.
const BATCH_LIMIT_SECONDS: u64 = 30;

/// A connection to the database of the variable `postgres_url`.
pub struct Postgres {
    connection: Connection,
    url: PostgresUrl,
}

impl Postgres {
    /// Opens a connection.
    ///
    /// # Errors
    /// A message for the operator, without the password.
    pub(crate) async fn open(url: &PostgresUrl) -> Result<Self, String> {
        let connection = within(OPEN_LIMIT_SECONDS, Connection::open(url.text()))
            .await
            .ok_or_else(|| format!("PostgreSQL: no connection within {OPEN_LIMIT_SECONDS} s"))?
            .map_err(|error| url.redact(&describe(&error)))?;

        Ok(Self {
            connection,
            url: url.clone(),
        })
    }

    /// Runs a statement with text parameters for its `?` placeholders. SQL that needs a number
    /// casts it: `CAST(? AS BIGINT)`. A result without rows has no columns either, because Spin
    /// passes them with the first row.
    ///
    /// # Errors
    /// A message for the operator, without the password: a failure, or a value that has no JSON
    /// form.
    pub async fn query(&self, sql: &str, parameters: &[&str]) -> Result<Rows, String> {
        let mut result = self.start_query(sql, parameters).await?;
        let mut rows = Vec::new();
        loop {
            let batch = self.read(&mut result).await?;
            let is_last = batch.len() < BATCH_ROWS;
            rows.extend(batch);
            if is_last {
                let columns = column_names(&result);
                self.check_complete(result).await?;
                return Ok(Rows { columns, rows });
            }
        }
    }

    /// Runs a query and returns its rows in batches, before the last row has arrived.
    pub(crate) fn stream_batches(self, sql: &str) -> impl Stream<Item = Result<Rows, String>> {
        stream::once(async move {
            let result = self.start_query(sql, &[]).await?;
            Ok::<_, String>(stream::try_unfold(Some((self, result)), async |open| {
                let Some((postgres, mut result)) = open else {
                    return Ok(None);
                };

                let batch = Rows {
                    rows: postgres.read(&mut result).await?,
                    columns: column_names(&result),
                };
                if batch.rows.len() < BATCH_ROWS {
                    postgres.check_complete(result).await?;
                    return Ok(Some((batch, None)));
                }
                Ok(Some((batch, Some((postgres, result)))))
            }))
        })
        .try_flatten()
    }

    async fn start_query(&self, sql: &str, parameters: &[&str]) -> Result<QueryResult, String> {
        let sql = if parameters.is_empty() {
            sql.to_owned()
        } else {
            number_placeholders(sql)
        };
        let parameters: Vec<_> = parameters
            .iter()
            .map(|text| ParameterValue::Str((*text).to_owned()))
            .collect();

        self.within_limit(self.connection.query(sql, parameters))
            .await
    }

    /// Reads the next batch of rows. A batch that is not full is the last one.
    async fn read(&self, result: &mut QueryResult) -> Result<Vec<Vec<Value>>, String> {
        let batch = read_batch(async |rows| result.rows().read(rows).await.1);
        let batch = self.within_limit(async { Ok(batch.await) }).await?;

        let to_json = |row: Vec<DbValue>| {
            row.into_iter()
                .zip(result.columns())
                .map(|(cell, column)| json::from_cell(cell, column))
                .collect()
        };
        batch.into_iter().map(to_json).collect()
    }

    /// Fails if the rows ended because of an error.
    async fn check_complete(&self, result: QueryResult) -> Result<(), String> {
        self.within_limit(result.result()).await
    }

    async fn within_limit<T>(
        &self,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, String> {
        within(BATCH_LIMIT_SECONDS, work)
            .await
            .ok_or_else(|| format!("PostgreSQL: no answer within {BATCH_LIMIT_SECONDS} s"))?
            .map_err(|error| self.url.redact(&describe(&error)))
    }
}

fn column_names(result: &QueryResult) -> Vec<String> {
    result
        .columns()
        .iter()
        .map(|column| column.name.clone())
        .collect()
}

/// Returns the result of `work`, or `None` if it takes longer.
async fn within<T>(seconds: u64, work: impl Future<Output = T>) -> Option<T> {
    let limit = spin_sdk::time::sleep(Duration::from_secs(seconds));
    match select(pin!(work), pin!(limit)).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}
