//! Rows of the shape `row`: each under its own key.

use std::collections::HashSet;

use super::key_template::KeyTemplate;
use super::object_writer::ObjectWriter;
use super::rendered_key::RenderedKey;
use crate::warmup::plan::PlanEntry;
use crate::warmup::source::Rows;

/// Renders rows, batch by batch, and remembers their keys to find duplicates.
pub(super) struct SingleRowRenderer<'a> {
    entry: &'a PlanEntry,
    keys: HashSet<String>,
}

impl<'a> SingleRowRenderer<'a> {
    pub(super) fn new(entry: &'a PlanEntry) -> Self {
        Self {
            entry,
            keys: HashSet::new(),
        }
    }

    /// Renders the next batch.
    pub(super) fn render(&mut self, rows: &Rows) -> Result<Vec<RenderedKey>, String> {
        if rows.is_blank() {
            return Ok(Vec::new());
        }
        let template = KeyTemplate::new(&self.entry.key, &rows.columns)?;
        let writer = ObjectWriter::new(&rows.columns);

        let mut rendered = Vec::with_capacity(rows.rows.len());
        for row in &rows.rows {
            let key = template.fill(row)?;
            if !self.keys.insert(key.clone()) {
                return Err(format!("several rows have the same key {key}"));
            }
            rendered.push(RenderedKey::string(key, writer.object(row)));
        }
        Ok(rendered)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::warmup::plan::{EntryShape, EntrySource};

    fn entry() -> PlanEntry {
        PlanEntry {
            key: "k:{id}".into(),
            source: EntrySource::Query("q".into()),
            shape: EntryShape::Row,
            ttl: None,
            tags: Vec::new(),
        }
    }

    fn rows(ids: &[&str]) -> Rows {
        Rows {
            columns: vec!["id".into()],
            rows: ids.iter().map(|id| vec![json!(id)]).collect(),
        }
    }

    #[test]
    fn each_row_is_an_object_under_its_own_key() {
        let entry = entry();

        let rendered = SingleRowRenderer::new(&entry)
            .render(&rows(&["a", "b"]))
            .unwrap();

        assert_eq!(rendered[1].key, "k:b");
        assert_eq!(rendered[1].values, [r#"{"id":"b"}"#]);
    }

    #[test]
    fn a_key_that_an_earlier_batch_had_is_an_error() {
        let entry = entry();
        let mut renderer = SingleRowRenderer::new(&entry);
        renderer.render(&rows(&["a"])).unwrap();

        let problem = renderer.render(&rows(&["a"])).unwrap_err();

        assert_eq!(problem, "several rows have the same key k:a");
    }

    #[test]
    fn no_rows_make_no_keys() {
        let entry = entry();

        let rendered = SingleRowRenderer::new(&entry).render(&Rows::default());

        assert_eq!(rendered, Ok(Vec::new()));
    }
}
