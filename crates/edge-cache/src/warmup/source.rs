//! Where a warmup reads from, and how a JSON answer becomes rows.

use futures_util::StreamExt;
use futures_util::stream::{self, LocalBoxStream};
use serde_json::{Map, Value};

use super::plan::{Entry, Origin, Shape};

/// The answer of a query: columns, and rows of JSON values in their order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The rows, each with one value per column.
    pub rows: Vec<Vec<Value>>,
}

/// An entry's answer: whole, or its rows as they come.
pub(crate) enum Answer<'a> {
    Whole(Result<Loaded, String>),
    Rows(LocalBoxStream<'a, Result<Rows, String>>),
}

/// What was loaded for an entry.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Loaded {
    Rows(Rows),
    /// One value, stored as it is.
    Document(Value),
}

/// Where a warmup reads from.
#[expect(async_fn_in_trait, reason = "components are single-threaded: the futures need not be Send")]
pub trait Source {
    /// Runs a query.
    ///
    /// # Errors
    /// What went wrong, in words for the operator.
    async fn query(&self, sql: &str) -> Result<Rows, String>;

    /// Runs a query and gives its rows a thousand or so at a time, while the rest is still on its way; at least one batch,
    /// however few the rows. The first error is the end.
    fn batches<'a>(&'a self, sql: &'a str) -> LocalBoxStream<'a, Result<Rows, String>> {
        stream::once(self.query(sql)).boxed_local()
    }

    /// Gets a path of the web server, whose answer must be JSON.
    ///
    /// # Errors
    /// What went wrong, in words for the operator.
    async fn get(&self, path: &str) -> Result<Value, String>;
}

impl Entry {
    /// Asks the source for what this entry needs. Rows that are a key each need not be there all at once; the first of them
    /// are waited for.
    pub(crate) async fn ask<'a, S: Source>(&'a self, source: &'a S) -> Answer<'a> {
        match &self.origin {
            Origin::Query(sql) if self.shape == Shape::Row => {
                let mut batches = source.batches(sql);
                let first = batches.next().await;
                Answer::Rows(stream::iter(first).chain(batches).boxed_local())
            }
            _ => Answer::Whole(self.load(source).await),
        }
    }

    /// Asks the source for all that this entry needs.
    pub(crate) async fn load<S: Source>(&self, source: &S) -> Result<Loaded, String> {
        match &self.origin {
            Origin::Query(sql) => source.query(sql).await.map(Loaded::Rows),
            Origin::Url { path, items, columns } => {
                let mut answer = source.get(path).await?;
                let wanted = answer.pointer_mut(items).map(Value::take);
                let wanted = wanted.ok_or_else(|| format!("the answer has nothing at `items` {items}"))?;
                arrange(wanted, self.shape, columns)
            }
        }
    }
}

/// Sees rows in a JSON answer: a list of objects, of lists, or of single values; for hash and zset an object too.
fn arrange(answer: Value, shape: Shape, columns: &[String]) -> Result<Loaded, String> {
    match answer {
        Value::Array(items) if items.iter().all(Value::is_object) => objects(items, shape, columns).map(Loaded::Rows),
        document if shape == Shape::Document => Ok(Loaded::Document(document)),
        single if shape == Shape::Scalar => Ok(Loaded::Rows(one_column([single]))),
        Value::Array(items) if items.iter().all(Value::is_array) => Ok(Loaded::Rows(lists(items, columns))),
        Value::Array(items) => Ok(Loaded::Rows(one_column(items))),
        Value::Object(members) if matches!(shape, Shape::Hash | Shape::Zset) => {
            let rows = members.into_iter().map(|(name, value)| vec![name.into(), value]).collect();
            Ok(Loaded::Rows(Rows { columns: vec!["name".into(), "value".into()], rows }))
        }
        Value::Object(members) if shape == Shape::Row => {
            objects(vec![Value::Object(members)], shape, columns).map(Loaded::Rows)
        }
        _ => Err("the answer is not a list, which this shape needs; `items` may point to one in it".into()),
    }
}

fn one_column(values: impl IntoIterator<Item = Value>) -> Rows {
    Rows { columns: vec!["value".into()], rows: values.into_iter().map(|value| vec![value]).collect() }
}

fn lists(items: Vec<Value>, columns: &[String]) -> Rows {
    let rows: Vec<Vec<Value>> = items
        .into_iter()
        .filter_map(|item| match item {
            Value::Array(cells) => Some(cells),
            _ => None,
        })
        .collect();
    let widest = rows.iter().map(Vec::len).max().unwrap_or(0);
    let name = |place: usize| columns.get(place).cloned().unwrap_or_else(|| place.to_string());
    Rows { columns: (0..widest).map(name).collect(), rows }
}

/// The order of an object's members says nothing, so shapes that go by the order of columns need them named.
fn objects(items: Vec<Value>, shape: Shape, columns: &[String]) -> Result<Rows, String> {
    let ordered = matches!(shape, Shape::List | Shape::Hash | Shape::Zset | Shape::Scalar);
    let members = |item: Value| match item {
        Value::Object(members) => members,
        _ => Map::new(),
    };
    let objects: Vec<Map<String, Value>> = items.into_iter().map(members).collect();
    let mut names = columns.to_vec();
    if names.is_empty() && ordered && !objects.is_empty() {
        return Err("the answer is a list of objects: name the `columns` that this shape takes, in their order".into());
    }
    if names.is_empty() {
        names = objects.iter().flat_map(Map::keys).cloned().collect();
        names.sort_unstable();
        names.dedup();
    }
    let row =
        |mut object: Map<String, Value>| names.iter().map(|name| object.remove(name).unwrap_or_default()).collect();
    let rows = objects.into_iter().map(row).collect();
    Ok(Rows { columns: names, rows })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rows(answer: Value, shape: Shape, columns: &[&str]) -> Rows {
        let columns: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
        match arrange(answer, shape, &columns).unwrap() {
            Loaded::Rows(rows) => rows,
            Loaded::Document(document) => panic!("{document}"),
        }
    }

    #[test]
    fn objects_become_rows_with_null_for_what_one_lacks() {
        let found = rows(json!([{ "id": 1, "b": 2 }, { "id": 3, "a": 4 }]), Shape::Row, &[]);
        assert_eq!(found.columns, ["a", "b", "id"]);
        assert_eq!(found.rows, [[Value::Null, json!(2), json!(1)], [json!(4), Value::Null, json!(3)]]);
        let chosen = rows(json!([{ "id": 1, "score": 2, "x": 0 }]), Shape::Zset, &["id", "score"]);
        assert_eq!((chosen.columns, chosen.rows), (vec!["id".into(), "score".into()], vec![vec![json!(1), json!(2)]]));
    }

    #[test]
    fn lists_and_single_values_become_rows() {
        assert_eq!(rows(json!([[1, 2], [3]]), Shape::Zset, &[]).columns, ["0", "1"]);
        assert_eq!(rows(json!(["a", 2]), Shape::List, &[]).rows, [[json!("a")], [json!(2)]]);
        assert_eq!(rows(json!({ "a": 1 }), Shape::Hash, &[]).rows, [[json!("a"), json!(1)]]);
        assert_eq!(rows(json!(42), Shape::Scalar, &[]).rows, [[json!(42)]]);
    }

    #[test]
    fn a_document_is_kept_as_it_is() {
        let document = json!({ "b": [1, { "a": null }] });
        assert_eq!(arrange(document.clone(), Shape::Document, &[]), Ok(Loaded::Document(document)));
    }

    #[test]
    fn an_answer_that_does_not_fit_its_shape_is_told() {
        assert!(arrange(json!([{ "a": 1 }]), Shape::List, &[]).unwrap_err().contains("columns"));
        assert!(arrange(json!("text"), Shape::Row, &[]).unwrap_err().contains("not a list"));
    }
}
