//! Sources of a warmup: the database, and the web server of the variable `warmup_origin`.

mod database;
mod postgres;
pub(crate) mod postgres_url;
mod row_batch;
mod sqlite;
mod warmup_origin;

use edge_cache_admin::warmup::{Rows, Source};
use futures_util::StreamExt;
use futures_util::stream::LocalBoxStream;
use serde_json::Value;

use crate::config::Config;
use crate::http::call::Call;
use crate::http::request::RequestHead;
use crate::sources::warmup_origin::WarmupOrigin;

pub use database::Database;
pub use postgres::Postgres;
pub use sqlite::Sqlite;

/// The sources that the component's variables configure. Each is opened by its first query.
pub struct Sources<'a> {
    config: &'a Config,
    /// The request that is served. Requests to the web server belong to its trace.
    head: &'a RequestHead,
}

impl<'a> Sources<'a> {
    /// Returns the sources of the component that serves this call.
    pub fn new(call: &'a Call) -> Self {
        Self::of(call.config(), &call.head)
    }

    pub(crate) fn of(config: &'a Config, head: &'a RequestHead) -> Self {
        Self { config, head }
    }
}

impl Source for Sources<'_> {
    async fn query(&self, sql: &str) -> Result<Rows, String> {
        Database::open(self.config).await?.query(sql, &[]).await
    }

    fn batches<'s>(&'s self, sql: &'s str) -> LocalBoxStream<'s, Result<Rows, String>> {
        Database::stream_batches(self.config, sql).boxed_local()
    }

    async fn get(&self, path: &str) -> Result<Value, String> {
        let origin = WarmupOrigin {
            config: self.config,
            caused_by: self.head,
        };
        origin.get(path).await
    }
}
