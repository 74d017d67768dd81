//! Keys with columns in braces.

use serde_json::Value;

use crate::warmup::plan::key_columns;
use edge_cache::KeyName;
use edge_cache::cache::store_error;

/// A key whose columns have been found among those of the rows.
pub(super) struct KeyTemplate<'a> {
    key: &'a str,
    /// The columns that the key names, each with its position in a row.
    columns: Vec<(&'a str, usize)>,
}

impl<'a> KeyTemplate<'a> {
    pub(super) fn new(key: &'a str, available: &[String]) -> Result<Self, String> {
        let find = |name: &'a str| {
            let position = available.iter().position(|column| column == name);
            let position = position.ok_or_else(|| {
                format!(
                    "the key needs the column {name}; the source returned {}",
                    available.join(", ")
                )
            })?;
            Ok((name, position))
        };

        let columns = key_columns(key)
            .unwrap_or_default()
            .into_iter()
            .map(find)
            .collect::<Result<_, String>>()?;
        Ok(Self { key, columns })
    }

    /// The key of a row.
    pub(super) fn fill(&self, row: &[Value]) -> Result<String, String> {
        let mut filled = String::with_capacity(self.key.len() + 16);
        let mut rest = self.key;
        for (name, position) in &self.columns {
            let Some((before, after)) = rest.split_once('{') else {
                break;
            };
            let cell = row
                .get(*position)
                .filter(|cell| !cell.is_null())
                .ok_or_else(|| format!("a row has no {name}, which the key needs"))?;

            filled.push_str(before);
            filled.push_str(&cell_text(cell));
            rest = after.split_once('}').map_or("", |(_, tail)| tail);
        }
        filled.push_str(rest);

        check_filled(&filled)?;
        Ok(filled)
    }
}

fn check_filled(key: &str) -> Result<(), String> {
    if KeyName::new(key).is_protected() {
        return Err(format!(
            "a row has the key {key}, but keys that start with cache: or lock: are reserved"
        ));
    }
    store_error::check_name(key)
        .map_err(|error| format!("a row has a key that is too long: {error}"))
}

/// A cell as part of a key or as an element of a collection: text unchanged, everything else as
/// JSON.
pub(super) fn cell_text(cell: &Value) -> String {
    cell.as_str()
        .map_or_else(|| cell.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fill(key: &str, cell: Value) -> Result<String, String> {
        KeyTemplate::new(key, &["id".to_owned()])?.fill(&[cell])
    }

    #[test]
    fn a_missing_column_is_an_error() {
        let problem = fill("k:{slug}", json!("a")).unwrap_err();

        assert_eq!(
            problem,
            "the key needs the column slug; the source returned id"
        );
    }

    #[test]
    fn a_null_in_a_key_is_an_error() {
        let problem = fill("k:{id}", Value::Null).unwrap_err();

        assert_eq!(problem, "a row has no id, which the key needs");
    }

    #[test]
    fn a_row_cannot_have_a_protected_key() {
        for prefix in ["cache", "lock"] {
            let problem = fill("{id}:x", json!(prefix)).unwrap_err();

            assert!(problem.contains("reserved"), "{problem}");
            assert!(problem.contains(&format!("{prefix}:x")), "{problem}");
        }
    }

    #[test]
    fn a_key_has_at_most_1024_bytes() {
        let longest = fill("{id}:x", json!("x".repeat(1022)));
        let problem = fill("{id}:x", json!("x".repeat(1023))).unwrap_err();

        assert!(longest.is_ok());
        assert!(problem.contains("1025 bytes"), "{problem}");
    }
}
