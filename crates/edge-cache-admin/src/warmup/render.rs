//! Renders what a source returned as keys and values.

mod grouped_rows;
mod key_template;
mod object_writer;
mod rendered_key;
mod single_rows;

pub(crate) use rendered_key::RenderedKey;

use futures_util::{Stream, StreamExt, stream};

use super::plan::{EntryShape, PlanEntry};
use super::source::{Loaded, LoadedEntry};
use single_rows::SingleRowRenderer;

/// Renders an entry, batch by batch where it was loaded so. The stream ends after its first error.
pub(super) fn render_batches<'a>(
    entry: &'a PlanEntry,
    loaded: LoadedEntry<'a>,
) -> impl Stream<Item = Result<Vec<RenderedKey>, String>> {
    let batches = match loaded {
        LoadedEntry::Complete(loaded) => {
            let rendered = loaded.and_then(|loaded| render(entry, loaded));
            return stream::iter([rendered]).boxed_local();
        }
        LoadedEntry::Batches(batches) => batches,
    };
    let start = (batches, SingleRowRenderer::new(entry));

    stream::try_unfold(start, async |(mut batches, mut renderer)| {
        let Some(rows) = batches.next().await else {
            return Ok(None);
        };
        let keys = renderer.render(&rows?)?;
        Ok(Some((keys, (batches, renderer))))
    })
    .boxed_local()
}

fn render(entry: &PlanEntry, loaded: Loaded) -> Result<Vec<RenderedKey>, String> {
    match loaded {
        Loaded::Document(_) if entry.has_columns_in_key() => {
            Err("the key names columns, but the response is not a list of objects".into())
        }
        Loaded::Document(document) => Ok(vec![RenderedKey::string(
            entry.key.clone(),
            document.to_string(),
        )]),
        Loaded::Rows(rows) if entry.shape == EntryShape::Row => {
            SingleRowRenderer::new(entry).render(&rows)
        }
        Loaded::Rows(rows) => grouped_rows::render(entry, rows),
    }
}
