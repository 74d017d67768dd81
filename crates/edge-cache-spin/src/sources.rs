//! What warmups read from: the database, and the web server `warmup_origin`.

use edge_cache::warmup::{Rows, Source};
use futures_util::StreamExt;
use futures_util::stream::LocalBoxStream;
use serde_json::Value;

use crate::call::Call;
use crate::config::Config;
use crate::database::Database;
use crate::origin::Origin;

/// The sources of a component, each opened when it is first asked.
pub struct Sources<'a> {
    config: &'a Config,
}

impl<'a> Sources<'a> {
    /// The sources that the component's variables name.
    pub fn of(call: &'a Call) -> Self {
        Self { config: call.config() }
    }
}

impl Source for Sources<'_> {
    async fn query(&self, sql: &str) -> Result<Rows, String> {
        Database::open(self.config).await?.ask(sql, &[]).await
    }

    fn batches<'s>(&'s self, sql: &'s str) -> LocalBoxStream<'s, Result<Rows, String>> {
        Database::batches(self.config, sql).boxed_local()
    }

    async fn get(&self, path: &str) -> Result<Value, String> {
        Origin(self.config).get(path).await
    }
}
