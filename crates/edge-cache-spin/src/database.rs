//! The database that warmups and services read: PostgreSQL where the variable `postgres_url` names one, else SQLite.

use edge_cache::warmup::Rows;
use futures_util::StreamExt;
use futures_util::stream::{self, Stream};

use crate::config::Config;
use crate::postgres::Postgres;
use crate::sqlite::Sqlite;

/// Rows in a batch.
pub(crate) const BATCH: usize = 1000;

/// An open database.
pub enum Database {
    /// The component's default database of Spin.
    Sqlite(Sqlite),
    /// The server of `postgres_url`.
    Postgres(Postgres),
}

impl Database {
    /// Opens the one that is configured.
    ///
    /// # Errors
    /// What went wrong, in words for the operator.
    pub async fn open(config: &Config) -> Result<Self, String> {
        match &config.postgres {
            Some(url) => Postgres::open(url).await.map(Self::Postgres),
            None => Sqlite::open().await.map(Self::Sqlite),
        }
    }

    /// Runs a query and gives its rows in batches, while the rest is still on its way.
    pub(crate) fn batches<'a>(config: &'a Config, sql: &'a str) -> impl Stream<Item = Result<Rows, String>> + 'a {
        stream::once(Self::open(config)).flat_map(move |opened| match opened {
            Ok(Self::Sqlite(sqlite)) => sqlite.batches(sql).boxed_local(),
            Ok(Self::Postgres(postgres)) => postgres.batches(sql).boxed_local(),
            Err(error) => stream::iter([Err(error)]).boxed_local(),
        })
    }

    /// Runs a statement with parameters for its `?`, all of them text.
    ///
    /// # Errors
    /// What went wrong, in words for the operator.
    pub async fn ask(&self, sql: &str, parameters: &[&str]) -> Result<Rows, String> {
        match self {
            Self::Sqlite(sqlite) => sqlite.ask(sql, parameters).await,
            Self::Postgres(postgres) => postgres.ask(sql, parameters).await,
        }
    }
}

/// Reads rows until a batch is full or, where it is not, there are no more. `read` appends what has arrived.
pub(crate) async fn batch<T>(mut read: impl AsyncFnMut(Vec<T>) -> Vec<T>) -> Vec<T> {
    let mut rows = Vec::with_capacity(BATCH);
    loop {
        let before = rows.len();
        rows = read(rows).await;
        if rows.len() == before || rows.len() == BATCH {
            return rows;
        }
    }
}
