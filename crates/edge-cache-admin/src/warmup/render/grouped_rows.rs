//! Rows of all shapes but `row`: those with the same key form one value.

use std::collections::HashMap;

use serde_json::Value;

use super::key_template::{KeyTemplate, cell_text};
use super::object_writer::ObjectWriter;
use super::rendered_key::RenderedKey;
use crate::warmup::plan::{EntryShape, PlanEntry};
use crate::warmup::source::Rows;

type Row = Vec<Value>;

/// Groups rows by key and renders each group. Without rows there is no key, except for a `document`
/// whose key names no columns: it is an empty list.
pub(super) fn render(entry: &PlanEntry, rows: Rows) -> Result<Vec<RenderedKey>, String> {
    if rows.is_blank() {
        return Ok(render_no_rows(entry));
    }
    let needed = entry.shape.min_columns();
    if rows.columns.len() < needed {
        return Err(format!(
            "this shape needs at least {needed} columns; the source returned {}",
            rows.columns.len()
        ));
    }

    let template = KeyTemplate::new(&entry.key, &rows.columns)?;
    let writer = ObjectWriter::new(&rows.columns);
    let groups = group_by_key(&template, rows.rows)?;
    if groups.is_empty() {
        return Ok(render_no_rows(entry));
    }

    groups
        .into_iter()
        .map(|(key, group)| render_group(entry.shape, key, &group, &writer))
        .collect()
}

fn render_no_rows(entry: &PlanEntry) -> Vec<RenderedKey> {
    if entry.shape == EntryShape::Document && !entry.has_columns_in_key() {
        vec![RenderedKey::string(entry.key.clone(), "[]".into())]
    } else {
        Vec::new()
    }
}

/// Keys in the order of their first rows.
fn group_by_key(
    template: &KeyTemplate<'_>,
    rows: Vec<Row>,
) -> Result<Vec<(String, Vec<Row>)>, String> {
    let mut groups: Vec<(String, Vec<Row>)> = Vec::new();
    let mut positions: HashMap<String, usize> = HashMap::new();

    for row in rows {
        let key = template.fill(&row)?;
        match positions.get(&key) {
            Some(position) => groups[*position].1.push(row),
            None => {
                positions.insert(key.clone(), groups.len());
                groups.push((key, vec![row]));
            }
        }
    }
    Ok(groups)
}

fn render_group(
    shape: EntryShape,
    key: String,
    group: &[Row],
    writer: &ObjectWriter,
) -> Result<RenderedKey, String> {
    match shape {
        EntryShape::Document | EntryShape::Row => Ok(RenderedKey::string(key, writer.list(group))),
        EntryShape::Scalar => Ok(render_scalar(key, group)),
        EntryShape::List => Ok(render_list(key, group)),
        EntryShape::Hash => Ok(render_hash(key, group)),
        EntryShape::Zset => render_sorted_set(key, group),
    }
}

fn render_scalar(key: String, group: &[Row]) -> RenderedKey {
    let value = group.first().and_then(|row| row.first());
    RenderedKey::string(key, value.unwrap_or(&Value::Null).to_string())
}

fn render_list(key: String, group: &[Row]) -> RenderedKey {
    RenderedKey {
        key,
        kind: "list",
        values: group.iter().map(|row| text_at(row, 0)).collect(),
    }
}

fn render_hash(key: String, group: &[Row]) -> RenderedKey {
    RenderedKey {
        key,
        kind: "hash",
        values: group
            .iter()
            .flat_map(|row| [text_at(row, 0), text_at(row, 1)])
            .collect(),
    }
}

/// ZADD takes the score before the member.
fn render_sorted_set(key: String, group: &[Row]) -> Result<RenderedKey, String> {
    let mut values = Vec::with_capacity(2 * group.len());
    for row in group {
        let member = text_at(row, 0);
        if !row.get(1).is_some_and(Value::is_number) {
            return Err(format!("the score of {member} is not a number"));
        }
        values.push(text_at(row, 1));
        values.push(member);
    }

    Ok(RenderedKey {
        key,
        kind: "zset",
        values,
    })
}

fn text_at(row: &[Value], column: usize) -> String {
    row.get(column).map(cell_text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::warmup::plan::EntrySource;

    fn entry(key: &str, shape: EntryShape) -> PlanEntry {
        PlanEntry {
            key: key.into(),
            source: EntrySource::Query("q".into()),
            shape,
            ttl: None,
            tags: Vec::new(),
        }
    }

    fn rows(columns: &[&str], rows: Vec<Row>) -> Rows {
        Rows {
            columns: columns.iter().map(|name| (*name).to_owned()).collect(),
            rows,
        }
    }

    fn three_rows() -> Rows {
        let cells = vec![
            vec![json!("a"), json!(1)],
            vec![json!("b"), json!(2)],
            vec![json!("a"), json!(3)],
        ];
        rows(&["id", "n"], cells)
    }

    fn render_three(key: &str, shape: EntryShape) -> Vec<RenderedKey> {
        render(&entry(key, shape), three_rows()).unwrap()
    }

    #[test]
    fn each_shape_has_its_values() {
        let document = r#"[{"id":"a","n":1},{"id":"b","n":2},{"id":"a","n":3}]"#;
        let cases: [(EntryShape, &str, &[&str]); 5] = [
            (EntryShape::Document, "string", &[document]),
            (EntryShape::Scalar, "string", &["\"a\""]),
            (EntryShape::List, "list", &["a", "b", "a"]),
            (EntryShape::Hash, "hash", &["a", "1", "b", "2", "a", "3"]),
            (EntryShape::Zset, "zset", &["1", "a", "2", "b", "3", "a"]),
        ];
        for (shape, kind, values) in cases {
            let rendered = render_three("k", shape);

            assert_eq!(rendered.len(), 1, "{shape:?}");
            assert_eq!(rendered[0].key, "k", "{shape:?}");
            assert_eq!(rendered[0].kind, kind, "{shape:?}");
            assert_eq!(rendered[0].values, values, "{shape:?}");
        }
    }

    #[test]
    fn rows_with_the_same_key_form_one_value() {
        let rendered = render_three("k:{id}", EntryShape::List);

        assert_eq!(rendered.len(), 2);
        assert_eq!(rendered[0].key, "k:a");
        assert_eq!(rendered[0].values, ["a", "a"]);
        assert_eq!(rendered[1].key, "k:b");
        assert_eq!(rendered[1].values, ["b"]);
    }

    #[test]
    fn a_document_without_rows_is_an_empty_list() {
        let document = entry("k", EntryShape::Document);

        let without_rows = render(&document, rows(&["id", "n"], Vec::new())).unwrap();
        let without_columns = render(&document, Rows::default()).unwrap();

        assert_eq!(without_rows[0].values, ["[]"]);
        assert_eq!(without_columns[0].values, ["[]"]);
    }

    #[test]
    fn other_shapes_without_rows_make_no_key() {
        let list = render(
            &entry("k", EntryShape::List),
            rows(&["id", "n"], Vec::new()),
        );
        let per_key = render(&entry("k:{id}", EntryShape::Document), Rows::default());

        assert_eq!(list, Ok(Vec::new()));
        assert_eq!(per_key, Ok(Vec::new()));
    }

    #[test]
    fn a_hash_needs_two_columns() {
        let narrow = rows(&["id"], Vec::new());

        let problem = render(&entry("k", EntryShape::Hash), narrow).unwrap_err();

        assert!(problem.contains("at least 2 columns"), "{problem}");
    }

    #[test]
    fn a_score_must_be_a_number() {
        let words = rows(&["a", "b"], vec![vec![json!("x"), json!("y")]]);

        let problem = render(&entry("k", EntryShape::Zset), words).unwrap_err();

        assert_eq!(problem, "the score of x is not a number");
    }
}
