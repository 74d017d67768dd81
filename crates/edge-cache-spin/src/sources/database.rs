//! The database that warmups and services read: PostgreSQL if the variable `postgres_url` is set,
//! else SQLite.

use edge_cache_admin::warmup::Rows;
use futures_util::StreamExt;
use futures_util::stream::{self, Stream};

use crate::config::Config;
use crate::sources::postgres::Postgres;
use crate::sources::sqlite::Sqlite;

/// An open database.
pub enum Database {
    /// The component's default database of Spin.
    Sqlite(Sqlite),
    /// The server of `postgres_url`.
    Postgres(Postgres),
}

impl Database {
    /// Opens the configured database.
    ///
    /// # Errors
    /// A message for the operator.
    pub async fn open(config: &Config) -> Result<Self, String> {
        match &config.postgres {
            Some(url) => Postgres::open(url).await.map(Self::Postgres),
            None => Sqlite::open().await.map(Self::Sqlite),
        }
    }

    /// Runs a query and returns its rows in batches, before the last row has arrived.
    pub(crate) fn stream_batches<'a>(
        config: &'a Config,
        sql: &'a str,
    ) -> impl Stream<Item = Result<Rows, String>> + 'a {
        stream::once(Self::open(config)).flat_map(move |opened| match opened {
            Ok(Self::Sqlite(sqlite)) => sqlite.stream_batches(sql).boxed_local(),
            Ok(Self::Postgres(postgres)) => postgres.stream_batches(sql).boxed_local(),
            Err(error) => stream::iter([Err(error)]).boxed_local(),
        })
    }

    /// Runs a statement with text parameters for its `?` placeholders.
    ///
    /// # Errors
    /// A message for the operator.
    pub async fn query(&self, sql: &str, parameters: &[&str]) -> Result<Rows, String> {
        match self {
            Self::Sqlite(sqlite) => sqlite.query(sql, parameters).await,
            Self::Postgres(postgres) => postgres.query(sql, parameters).await,
        }
    }
}
