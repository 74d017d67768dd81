//! Rows from a JSON response.

use serde_json::{Map, Value};

use super::loaded::Loaded;
use super::rows::Rows;
use crate::warmup::plan::EntryShape;

/// Reads rows from a JSON response: a list of objects, of lists or of single values; for `hash` and
/// `zset` also an object, for `row` also a single one. A `document` may be any value.
pub(super) fn rows_from_json(
    response: Value,
    shape: EntryShape,
    columns: &[String],
) -> Result<Loaded, String> {
    let rows = match response {
        Value::Array(items) if items.iter().all(Value::is_object) => {
            rows_from_objects(items, shape, columns)?
        }
        document if shape == EntryShape::Document => return Ok(Loaded::Document(document)),
        value if shape == EntryShape::Scalar => Rows::one_column([value]),
        Value::Array(items) if items.iter().all(Value::is_array) => rows_from_lists(items, columns),
        Value::Array(items) => Rows::one_column(items),
        Value::Object(members) if matches!(shape, EntryShape::Hash | EntryShape::Zset) => {
            rows_from_members(members)
        }
        Value::Object(members) if shape == EntryShape::Row => {
            rows_from_objects(vec![Value::Object(members)], shape, columns)?
        }
        _ => {
            return Err(
                "this shape needs a list, which the response is not; `items` can point to a list \
                 inside it"
                    .into(),
            );
        }
    };

    Ok(Loaded::Rows(rows))
}

fn rows_from_members(members: Map<String, Value>) -> Rows {
    Rows {
        columns: vec!["name".into(), "value".into()],
        rows: members
            .into_iter()
            .map(|(name, value)| vec![name.into(), value])
            .collect(),
    }
}

/// Columns without a name are named by their position.
fn rows_from_lists(items: Vec<Value>, columns: &[String]) -> Rows {
    let rows: Vec<Vec<Value>> = items
        .into_iter()
        .filter_map(|item| match item {
            Value::Array(cells) => Some(cells),
            _ => None,
        })
        .collect();
    let widest = rows.iter().map(Vec::len).max().unwrap_or(0);

    let name_of = |position: usize| {
        columns
            .get(position)
            .cloned()
            .unwrap_or_else(|| position.to_string())
    };
    Rows {
        columns: (0..widest).map(name_of).collect(),
        rows,
    }
}

/// The members of a JSON object have no order, so shapes that depend on the order of columns need
/// `columns`.
fn rows_from_objects(
    items: Vec<Value>,
    shape: EntryShape,
    columns: &[String],
) -> Result<Rows, String> {
    let objects: Vec<Map<String, Value>> = items
        .into_iter()
        .map(|item| match item {
            Value::Object(members) => members,
            _ => Map::new(),
        })
        .collect();

    if columns.is_empty() && shape.needs_column_order() && !objects.is_empty() {
        return Err(
            "the response is a list of objects; list in `columns` the members that this shape \
             uses, in order"
                .into(),
        );
    }
    let columns = if columns.is_empty() {
        all_members(&objects)
    } else {
        columns.to_vec()
    };

    let row = |mut object: Map<String, Value>| {
        columns
            .iter()
            .map(|name| object.remove(name).unwrap_or_default())
            .collect()
    };
    let rows = objects.into_iter().map(row).collect();
    Ok(Rows { columns, rows })
}

/// The names of all members, in alphabetical order.
fn all_members(objects: &[Map<String, Value>]) -> Vec<String> {
    let mut names: Vec<String> = objects.iter().flat_map(Map::keys).cloned().collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rows(response: Value, shape: EntryShape, columns: &[&str]) -> Rows {
        let columns: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
        match rows_from_json(response, shape, &columns).unwrap() {
            Loaded::Rows(rows) => rows,
            Loaded::Document(document) => panic!("{document}"),
        }
    }

    #[test]
    fn a_missing_member_of_an_object_is_null() {
        let response = json!([{ "id": 1, "b": 2 }, { "id": 3, "a": 4 }]);

        let found = rows(response, EntryShape::Row, &[]);

        assert_eq!(found.columns, ["a", "b", "id"]);
        assert_eq!(found.rows[0], [Value::Null, json!(2), json!(1)]);
        assert_eq!(found.rows[1], [json!(4), Value::Null, json!(3)]);
    }

    #[test]
    fn columns_choose_the_members_and_their_order() {
        let response = json!([{ "id": 1, "score": 2, "x": 0 }]);

        let found = rows(response, EntryShape::Zset, &["id", "score"]);

        assert_eq!(found.columns, ["id", "score"]);
        assert_eq!(found.rows, [[json!(1), json!(2)]]);
    }

    #[test]
    fn columns_of_lists_are_named_by_their_position() {
        let found = rows(json!([[1, 2], [3]]), EntryShape::Zset, &[]);

        assert_eq!(found.columns, ["0", "1"]);
    }

    #[test]
    fn single_values_become_rows_of_one_column() {
        let list = rows(json!(["a", 2]), EntryShape::List, &[]);
        let scalar = rows(json!(42), EntryShape::Scalar, &[]);

        assert_eq!(list.rows, [[json!("a")], [json!(2)]]);
        assert_eq!(scalar.rows, [[json!(42)]]);
    }

    #[test]
    fn the_members_of_an_object_become_the_rows_of_a_hash() {
        let found = rows(json!({ "a": 1 }), EntryShape::Hash, &[]);

        assert_eq!(found.rows, [[json!("a"), json!(1)]]);
    }

    #[test]
    fn a_document_is_kept_unchanged() {
        let document = json!({ "b": [1, { "a": null }] });

        let loaded = rows_from_json(document.clone(), EntryShape::Document, &[]);

        assert_eq!(loaded, Ok(Loaded::Document(document)));
    }

    #[test]
    fn a_list_of_objects_needs_columns() {
        let problem = rows_from_json(json!([{ "a": 1 }]), EntryShape::List, &[]).unwrap_err();

        assert!(problem.contains("columns"), "{problem}");
    }

    #[test]
    fn rows_need_a_list() {
        let problem = rows_from_json(json!("text"), EntryShape::Row, &[]).unwrap_err();

        assert!(problem.contains("needs a list"), "{problem}");
    }
}
