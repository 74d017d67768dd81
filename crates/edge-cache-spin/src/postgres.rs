//! A PostgreSQL database as a source of warmups, through `spin:postgres`.

mod json;
mod placeholder;
mod refusal;

use std::pin::pin;
use std::time::Duration;

use edge_cache::warmup::Rows;
use futures_util::future::{Either, select};
use spin_sdk::pg::{Connection, ParameterValue};

use crate::postgres_url::PostgresUrl;

/// How long opening a connection may take. The host keeps connections and hands them out again, so this is mostly short.
const OPEN_SECONDS: u64 = 5;
/// How long a query and reading its rows may take.
const QUERY_SECONDS: u64 = 30;
/// Rows taken from the host at a time.
const ROWS: usize = 256;

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
        let asked = within(QUERY_SECONDS, self.rows(sql, parameters)).await;
        asked.unwrap_or_else(|| Err(format!("PostgreSQL: no answer within {QUERY_SECONDS} s")))
    }

    async fn rows(&self, sql: &str, parameters: &[&str]) -> Result<Rows, String> {
        let explain = |error: spin_sdk::pg::Error| self.url.redact(&refusal::words(&error));
        let sql = if parameters.is_empty() { sql.to_owned() } else { placeholder::numbered(sql) };
        let parameters: Vec<_> = parameters.iter().map(|text| ParameterValue::Str((*text).to_owned())).collect();
        let mut answer = self.connection.query(sql, parameters).await.map_err(explain)?;
        let columns = answer.columns().to_vec();
        let mut rows = Vec::new();
        loop {
            let (_, read) = answer.rows().read(Vec::with_capacity(ROWS)).await;
            if read.is_empty() {
                break;
            }
            for row in read {
                let cells = row.into_iter().zip(&columns).map(|(value, column)| json::value(value, column));
                rows.push(cells.collect::<Result<_, _>>()?);
            }
        }
        answer.result().await.map_err(explain)?;
        Ok(Rows { columns: columns.into_iter().map(|column| column.name).collect(), rows })
    }
}

/// What `work` gives, if it does so within so many seconds.
async fn within<T>(seconds: u64, work: impl Future<Output = T>) -> Option<T> {
    let limit = spin_sdk::time::sleep(Duration::from_secs(seconds));
    match select(pin!(work), pin!(limit)).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}
