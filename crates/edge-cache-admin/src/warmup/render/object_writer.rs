//! Rows as JSON objects.

use serde_json::Value;

/// Writes rows as JSON objects, their members in alphabetical order, as `serde_json` would, but
/// without a map for each row.
pub(super) struct ObjectWriter {
    /// Positions of the columns in that order, each with its name as JSON, up to the colon.
    members: Vec<(usize, String)>,
}

impl ObjectWriter {
    pub(super) fn new(columns: &[String]) -> Self {
        let mut positions: Vec<usize> = (0..columns.len()).collect();
        positions.sort_by_key(|position| &columns[*position]);

        // The last of several columns with the same name wins, as in any JSON object.
        positions.dedup_by(|later, earlier| {
            let same_name = columns[*later] == columns[*earlier];
            if same_name {
                *earlier = (*later).max(*earlier);
            }
            same_name
        });

        let member = |position: usize| {
            let name = Value::from(columns[position].as_str());
            (position, format!("{name}:"))
        };
        Self {
            members: positions.into_iter().map(member).collect(),
        }
    }

    pub(super) fn object(&self, row: &[Value]) -> String {
        let mut json = Vec::with_capacity(32 * (1 + self.members.len()));
        self.write(row, &mut json);
        String::from_utf8(json).unwrap_or_default()
    }

    pub(super) fn list(&self, rows: &[Vec<Value>]) -> String {
        let mut json = vec![b'['];
        for (index, row) in rows.iter().enumerate() {
            if index > 0 {
                json.push(b',');
            }
            self.write(row, &mut json);
        }
        json.push(b']');
        String::from_utf8(json).unwrap_or_default()
    }

    fn write(&self, row: &[Value], json: &mut Vec<u8>) {
        json.push(b'{');
        for (index, (position, name)) in self.members.iter().enumerate() {
            if index > 0 {
                json.push(b',');
            }
            json.extend_from_slice(name.as_bytes());
            // Writing to memory cannot fail.
            let _ = serde_json::to_writer(&mut *json, row.get(*position).unwrap_or(&Value::Null));
        }
        json.push(b'}');
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn objects_equal_those_of_serde_json() {
        let columns = ["b", "a\"é", "a", "b"].map(str::to_owned);
        let row = [
            json!(1),
            json!("x\n"),
            json!({ "z": [null, 1.5] }),
            json!(2),
        ];
        let map: serde_json::Map<_, _> = columns.iter().cloned().zip(row.clone()).collect();

        let written = ObjectWriter::new(&columns).object(&row);

        assert_eq!(written, Value::Object(map).to_string());
    }

    #[test]
    fn a_row_without_columns_is_an_empty_object() {
        assert_eq!(ObjectWriter::new(&[]).object(&[]), "{}");
    }
}
