//! Loads what a plan entry needs.

use futures_util::StreamExt;
use futures_util::stream;
use serde_json::Value;

use super::json::rows_from_json;
use super::loaded::{Loaded, LoadedEntry};
use super::reader::Source;
use crate::warmup::plan::{EntryShape, EntrySource, PlanEntry};

impl PlanEntry {
    /// Loads the entry. Rows of the shape `row` arrive in batches; the first batch is awaited.
    pub(crate) async fn load<'a, S: Source>(&'a self, source: &'a S) -> LoadedEntry<'a> {
        match &self.source {
            EntrySource::Query(sql) if self.shape == EntryShape::Row => {
                let mut batches = source.batches(sql);
                let first = batches.next().await;
                LoadedEntry::Batches(stream::iter(first).chain(batches).boxed_local())
            }
            _ => LoadedEntry::Complete(self.load_all(source).await),
        }
    }

    /// Loads all of the entry at once.
    pub(crate) async fn load_all<S: Source>(&self, source: &S) -> Result<Loaded, String> {
        match &self.source {
            EntrySource::Query(sql) => source.query(sql).await.map(Loaded::Rows),
            EntrySource::Url {
                path,
                items,
                columns,
            } => {
                let mut response = source.get(path).await?;
                let used = response
                    .pointer_mut(items)
                    .map(Value::take)
                    .ok_or_else(|| format!("the response has nothing at `items` {items}"))?;

                rows_from_json(used, self.shape, columns)
            }
        }
    }
}
