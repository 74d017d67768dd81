//! The interface to a database and a web server.

use futures_util::StreamExt;
use futures_util::stream::{self, LocalBoxStream};
use serde_json::Value;

use super::rows::Rows;

/// A database and a web server that a warmup reads from.
#[expect(
    async_fn_in_trait,
    reason = "components are single-threaded: the futures need not be Send"
)]
pub trait Source {
    /// Runs a query.
    ///
    /// # Errors
    /// The cause, in words for the operator.
    async fn query(&self, sql: &str) -> Result<Rows, String>;

    /// Runs a query and returns its rows in batches of about 1,000, each as soon as it arrives; at
    /// least one batch, even without rows. The stream ends after its first error.
    fn batches<'a>(&'a self, sql: &'a str) -> LocalBoxStream<'a, Result<Rows, String>> {
        stream::once(self.query(sql)).boxed_local()
    }

    /// Gets a path of the web server, whose response must be JSON.
    ///
    /// # Errors
    /// The cause, in words for the operator.
    async fn get(&self, path: &str) -> Result<Value, String>;
}
