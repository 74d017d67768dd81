//! The data that a source returns for a plan entry.

use futures_util::stream::LocalBoxStream;
use serde_json::Value;

use super::rows::Rows;

/// The data of a plan entry: all of it, or rows batch by batch.
pub(crate) enum LoadedEntry<'a> {
    Complete(Result<Loaded, String>),
    Batches(LocalBoxStream<'a, Result<Rows, String>>),
}

/// Complete data of a plan entry.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Loaded {
    Rows(Rows),
    /// One JSON value, stored unchanged.
    Document(Value),
}
