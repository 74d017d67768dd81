//! The database that warmups and services read: PostgreSQL where the variable `postgres_url` names one, else SQLite.

use edge_cache::warmup::Rows;

use crate::config::Config;
use crate::postgres::Postgres;
use crate::sqlite::Sqlite;

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
