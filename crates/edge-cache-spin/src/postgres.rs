//! A PostgreSQL database as a source of warmups, through `spin:postgres`.

mod json;
mod placeholder;
mod refusal;

use std::pin::pin;
use std::time::Duration;

use edge_cache::warmup::Rows;
use futures_util::TryStreamExt;
use futures_util::future::{Either, select};
use futures_util::stream::{self, Stream};
use serde_json::Value;
use spin_sdk::pg::{Connection, DbValue, Error, ParameterValue, QueryResult};

use crate::database::{BATCH, batch};
use crate::postgres_url::PostgresUrl;

/// How long opening a connection may take. The host keeps connections and hands them out again, so this is mostly short.
const OPEN_SECONDS: u64 = 5;
/// How long a query, and then each thousand of its rows, may take.
const ANSWER_SECONDS: u64 = 30;

/// A connection to the database of the variable `postgres_url`.
pub struct Postgres {
    connection: Connection,
    url: PostgresUrl,
}

impl Postgres {
    /// Opens it.
    ///
    /// # Errors
    /// What went wrong, in words for the operator and without the password.
    pub(crate) async fn open(url: &PostgresUrl) -> Result<Self, String> {
        let opened = within(OPEN_SECONDS, Connection::open(url.text())).await;
        let opened = opened.ok_or_else(|| format!("PostgreSQL: no connection within {OPEN_SECONDS} s"))?;
        let connection = opened.map_err(|error| url.redact(&refusal::words(&error)))?;
        Ok(Self { connection, url: url.clone() })
    }

    /// Runs a statement with parameters for its `?`, which are text there: SQL that needs a number says
    /// `CAST(? AS BIGINT)`. Without rows there are no columns either: Spin tells them with the first row.
    ///
    /// # Errors
    /// What went wrong, in words for the operator and without the password; a value that has no JSON form here.
    pub async fn ask(&self, sql: &str, parameters: &[&str]) -> Result<Rows, String> {
        let mut answer = self.query(sql, parameters).await?;
        let mut rows = Vec::new();
        loop {
            let read = self.read(&mut answer).await?;
            let is_last = read.len() < BATCH;
            rows.extend(read);
            if is_last {
                let columns = names(&answer);
                self.end(answer).await?;
                return Ok(Rows { columns, rows });
            }
        }
    }

    /// Runs a query and gives its rows in batches, while the rest is still on its way.
    pub(crate) fn batches(self, sql: &str) -> impl Stream<Item = Result<Rows, String>> {
        stream::once(async move {
            let answer = self.query(sql, &[]).await?;
            Ok::<_, String>(stream::try_unfold(Some((self, answer)), async |open| {
                let Some((postgres, mut answer)) = open else { return Ok(None) };
                let batch = Rows { rows: postgres.read(&mut answer).await?, columns: names(&answer) };
                if batch.rows.len() < BATCH {
                    postgres.end(answer).await?;
                    return Ok(Some((batch, None)));
                }
                Ok(Some((batch, Some((postgres, answer)))))
            }))
        })
        .try_flatten()
    }

    async fn query(&self, sql: &str, parameters: &[&str]) -> Result<QueryResult, String> {
        let sql = if parameters.is_empty() { sql.to_owned() } else { placeholder::numbered(sql) };
        let parameters: Vec<_> = parameters.iter().map(|text| ParameterValue::Str((*text).to_owned())).collect();
        self.in_time(self.connection.query(sql, parameters)).await
    }

    /// The next rows; fewer than a batch has are the last.
    async fn read(&self, answer: &mut QueryResult) -> Result<Vec<Vec<Value>>, String> {
        let read = self.in_time(async { Ok(batch(async |rows| answer.rows().read(rows).await.1).await) }).await?;
        let cells = |row: Vec<DbValue>| {
            row.into_iter().zip(answer.columns()).map(|(cell, column)| json::value(cell, column)).collect()
        };
        read.into_iter().map(cells).collect()
    }

    /// Whether the rows were all there are.
    async fn end(&self, answer: QueryResult) -> Result<(), String> {
        self.in_time(answer.result()).await
    }

    async fn in_time<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, String> {
        let done = within(ANSWER_SECONDS, work).await;
        let done = done.ok_or_else(|| format!("PostgreSQL: no answer within {ANSWER_SECONDS} s"))?;
        done.map_err(|error| self.url.redact(&refusal::words(&error)))
    }
}

fn names(answer: &QueryResult) -> Vec<String> {
    answer.columns().iter().map(|column| column.name.clone()).collect()
}

/// What `work` gives, if it does so within so many seconds.
async fn within<T>(seconds: u64, work: impl Future<Output = T>) -> Option<T> {
    let limit = spin_sdk::time::sleep(Duration::from_secs(seconds));
    match select(pin!(work), pin!(limit)).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}
