//! Turns what a source answered into keys and values.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::plan::{Entry, Shape, columns};
use super::source::{Loaded, Rows};

/// A key with its values, ready to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Warmed {
    pub(crate) key: String,
    /// How the script writes it: `string`, `list`, `hash` or `zset`.
    pub(crate) kind: &'static str,
    /// As the script takes them: a string has one, a hash fields and values, a sorted set scores and members.
    pub(crate) values: Vec<String>,
}

impl Warmed {
    pub(crate) fn bytes(&self) -> usize {
        self.key.len() + self.values.iter().map(String::len).sum::<usize>()
    }
}

impl Entry {
    /// Makes keys and values of what was loaded.
    pub(crate) fn render(&self, loaded: Loaded) -> Result<Vec<Warmed>, String> {
        match loaded {
            Loaded::Rows(rows) => self.render_rows(rows),
            Loaded::Document(document) if columns(&self.key).is_none_or(|columns| columns.is_empty()) => {
                Ok(vec![Warmed { key: self.key.clone(), kind: "string", values: vec![document.to_string()] }])
            }
            Loaded::Document(_) => Err("the key names columns, but the answer is not a list of objects".into()),
        }
    }

    /// Groups rows by key and shapes each group. No rows mean an empty document, and no key for the other shapes.
    fn render_rows(&self, rows: Rows) -> Result<Vec<Warmed>, String> {
        if rows.rows.is_empty() && rows.columns.is_empty() {
            // PostgreSQL names no columns where there are no rows.
            return Ok(self.nothing().into_iter().collect());
        }
        let needed = match self.shape {
            Shape::Hash | Shape::Zset => 2,
            _ => 1,
        };
        if rows.columns.len() < needed {
            return Err(format!("the query must give at least {needed} columns, gives {}", rows.columns.len()));
        }
        if self.shape == Shape::Row {
            return OneKeyEach::new(self).render(&rows);
        }
        let template = Template::new(&self.key, &rows.columns)?;
        let objects = Objects::new(&rows.columns);
        let mut groups: Vec<(String, Vec<Vec<Value>>)> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for row in rows.rows {
            let place = *places.entry(template.fill(&row)?).or_insert_with_key(|key| {
                groups.push((key.clone(), Vec::new()));
                groups.len() - 1
            });
            if let Some((_, group)) = groups.get_mut(place) {
                group.push(row);
            }
        }
        if groups.is_empty() {
            return Ok(self.nothing().into_iter().collect());
        }
        groups.into_iter().map(|(key, group)| self.shape(key, group, &objects)).collect()
    }

    /// What there is to write where there are no rows.
    fn nothing(&self) -> Option<Warmed> {
        let is_constant = columns(&self.key).is_none_or(|columns| columns.is_empty());
        let empty = || Warmed { key: self.key.clone(), kind: "string", values: vec!["[]".into()] };
        (self.shape == Shape::Document && is_constant).then(empty)
    }

    fn shape(&self, key: String, group: Vec<Vec<Value>>, objects: &Objects) -> Result<Warmed, String> {
        let first = |row: &Vec<Value>| row.first().map(text).unwrap_or_default();
        let second = |row: &Vec<Value>| row.get(1).map(text).unwrap_or_default();
        let (kind, values) = match self.shape {
            Shape::Document | Shape::Row => ("string", vec![objects.list(&group)]),
            Shape::Scalar => {
                let value = group.into_iter().next().and_then(|row| row.into_iter().next());
                ("string", vec![value.unwrap_or(Value::Null).to_string()])
            }
            Shape::List => ("list", group.iter().map(first).collect()),
            Shape::Hash => ("hash", group.iter().flat_map(|row| [first(row), second(row)]).collect()),
            Shape::Zset => {
                if let Some(row) = group.iter().find(|row| !row.get(1).is_some_and(Value::is_number)) {
                    return Err(format!("the score of {} is not a number", first(row)));
                }
                ("zset", group.iter().flat_map(|row| [second(row), first(row)]).collect())
            }
        };
        Ok(Warmed { key, kind, values })
    }
}

/// Renders rows that are a key each, batch by batch.
pub(crate) struct OneKeyEach<'a> {
    entry: &'a Entry,
    seen: HashSet<String>,
}

impl<'a> OneKeyEach<'a> {
    pub(crate) fn new(entry: &'a Entry) -> Self {
        Self { entry, seen: HashSet::new() }
    }

    /// The keys of the next rows.
    pub(crate) fn render(&mut self, rows: &Rows) -> Result<Vec<Warmed>, String> {
        if rows.rows.is_empty() && rows.columns.is_empty() {
            return Ok(Vec::new());
        }
        let template = Template::new(&self.entry.key, &rows.columns)?;
        let objects = Objects::new(&rows.columns);
        let mut warmed = Vec::with_capacity(rows.rows.len());
        for row in &rows.rows {
            let key = template.fill(row)?;
            if !self.seen.insert(key.clone()) {
                return Err(format!("several rows have the same key {key}"));
            }
            warmed.push(Warmed { key, kind: "string", values: vec![objects.one(row)] });
        }
        Ok(warmed)
    }
}

/// Renders rows as JSON objects, their members in alphabetical order.
struct Objects {
    /// Places of the columns in that order, each with its name as JSON, up to the colon.
    members: Vec<(usize, String)>,
}

impl Objects {
    fn new(columns: &[String]) -> Self {
        let mut order: Vec<usize> = (0..columns.len()).collect();
        order.sort_by_key(|place| &columns[*place]);
        // Of columns with the same name the last counts, as in any JSON object.
        order.dedup_by(|later, earlier| {
            let same = columns[*later] == columns[*earlier];
            if same {
                *earlier = (*later).max(*earlier);
            }
            same
        });
        let member = |place: usize| (place, format!("{}:", Value::from(columns[place].as_str())));
        Self { members: order.into_iter().map(member).collect() }
    }

    fn write(&self, row: &[Value], into: &mut Vec<u8>) {
        let mut before = b'{';
        for (place, name) in &self.members {
            into.push(before);
            into.extend_from_slice(name.as_bytes());
            // Writing a value to memory cannot fail.
            let _ = serde_json::to_writer(&mut *into, row.get(*place).unwrap_or(&Value::Null));
            before = b',';
        }
        if before == b'{' {
            into.push(before);
        }
        into.push(b'}');
    }

    fn one(&self, row: &[Value]) -> String {
        let mut json = Vec::with_capacity(32 * (1 + self.members.len()));
        self.write(row, &mut json);
        String::from_utf8(json).unwrap_or_default()
    }

    fn list(&self, rows: &[Vec<Value>]) -> String {
        let mut json = vec![b'['];
        for (place, row) in rows.iter().enumerate() {
            if place > 0 {
                json.push(b',');
            }
            self.write(row, &mut json);
        }
        json.push(b']');
        String::from_utf8(json).unwrap_or_default()
    }
}

/// A cell as an element of a collection: text as it is, everything else as JSON.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A key whose columns have been found in the query's answer.
struct Template<'a> {
    key: &'a str,
    places: Vec<(&'a str, usize)>,
}

impl<'a> Template<'a> {
    fn new(key: &'a str, available: &[String]) -> Result<Self, String> {
        let place = |name: &'a str| {
            let found = available.iter().position(|column| column == name);
            let index = found
                .ok_or_else(|| format!("the key names the column {name}, the query gives {}", available.join(", ")))?;
            Ok((name, index))
        };
        let places = columns(key).unwrap_or_default().into_iter().map(place).collect::<Result<_, String>>()?;
        Ok(Self { key, places })
    }

    fn fill(&self, row: &[Value]) -> Result<String, String> {
        let mut filled = String::with_capacity(self.key.len() + 16);
        let mut rest = self.key;
        for (name, index) in &self.places {
            let Some((before, after)) = rest.split_once('{') else { break };
            let cell = row.get(*index).filter(|cell| !cell.is_null());
            let cell = cell.ok_or_else(|| format!("a row has no {name}, which its key needs"))?;
            filled.push_str(before);
            filled.push_str(&text(cell));
            rest = after.split_once('}').map_or("", |(_, tail)| tail);
        }
        filled.push_str(rest);
        Ok(filled)
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::Origin;
    use super::*;
    use serde_json::json;

    fn entry(key: &str, shape: Shape) -> Entry {
        Entry { key: key.into(), origin: Origin::Query("q".into()), shape, ttl: None, tags: Vec::new() }
    }

    fn rows() -> Rows {
        let rows = vec![vec![json!("a"), json!(1)], vec![json!("b"), json!(2)], vec![json!("a"), json!(3)]];
        Rows { columns: vec!["id".into(), "n".into()], rows }
    }

    fn render(key: &str, shape: Shape) -> Vec<(String, Vec<String>)> {
        let warmed = entry(key, shape).render_rows(rows()).unwrap();
        warmed.into_iter().map(|warmed| (warmed.key, warmed.values)).collect()
    }

    fn one(key: &str, values: &[&str]) -> (String, Vec<String>) {
        (key.into(), values.iter().map(|value| (*value).into()).collect())
    }

    #[test]
    fn each_shape_has_its_form() {
        let document = r#"[{"id":"a","n":1},{"id":"b","n":2},{"id":"a","n":3}]"#;
        assert_eq!(render("k", Shape::Document), [one("k", &[document])]);
        assert_eq!(render("k", Shape::Scalar), [one("k", &["\"a\""])]);
        assert_eq!(render("k", Shape::List), [one("k", &["a", "b", "a"])]);
        assert_eq!(render("k", Shape::Hash), [one("k", &["a", "1", "b", "2", "a", "3"])]);
        assert_eq!(render("k", Shape::Zset), [one("k", &["1", "a", "2", "b", "3", "a"])]);
        assert_eq!(render("k:{n}", Shape::Row)[1], one("k:2", &[r#"{"id":"b","n":2}"#]));
    }

    #[test]
    fn rows_with_the_same_key_belong_together() {
        assert_eq!(render("k:{id}", Shape::List), [one("k:a", &["a", "a"]), one("k:b", &["b"])]);
        assert!(entry("k:{id}", Shape::Row).render_rows(rows()).unwrap_err().contains("same key k:a"));
    }

    #[test]
    fn objects_are_what_the_library_for_json_makes_of_them() {
        let columns = ["b", "a\"é", "a", "b"].map(str::to_owned);
        let row = vec![json!(1), json!("x\n"), json!({ "z": [null, 1.5] }), json!(2)];
        let map: serde_json::Map<_, _> = columns.iter().cloned().zip(row.clone()).collect();
        assert_eq!(Objects::new(&columns).one(&row), Value::Object(map).to_string());
        assert_eq!(Objects::new(&[]).one(&[]), "{}");
    }

    #[test]
    fn no_rows_are_an_empty_document_and_no_key_otherwise() {
        let none = || Rows { columns: vec!["id".into(), "n".into()], rows: Vec::new() };
        assert_eq!(entry("k", Shape::Document).render_rows(none()).unwrap()[0].values, ["[]"]);
        assert!(entry("k", Shape::List).render_rows(none()).unwrap().is_empty());
        assert_eq!(entry("k", Shape::Document).render_rows(Rows::default()).unwrap()[0].values, ["[]"]);
        assert!(entry("k:{id}", Shape::Row).render_rows(Rows::default()).unwrap().is_empty());
    }

    #[test]
    fn a_query_that_does_not_fit_its_entry_is_told() {
        assert!(entry("k:{slug}", Shape::Row).render_rows(rows()).unwrap_err().contains("slug"));
        let narrow = Rows { columns: vec!["id".into()], rows: Vec::new() };
        assert!(entry("k", Shape::Hash).render_rows(narrow).unwrap_err().contains("2 columns"));
        let words = Rows { columns: vec!["a".into(), "b".into()], rows: vec![vec![json!("x"), json!("y")]] };
        assert!(entry("k", Shape::Zset).render_rows(words).unwrap_err().contains("score of x"));
        let null = Rows { columns: vec!["id".into()], rows: vec![vec![json!(null)]] };
        assert!(entry("k:{id}", Shape::Row).render_rows(null).unwrap_err().contains("no id"));
    }
}
