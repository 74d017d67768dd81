//! Rows that a source returns.

use serde_json::Value;

/// Columns, and rows of JSON values in their order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The rows, each with one value per column.
    pub rows: Vec<Vec<Value>>,
}

impl Rows {
    /// Rows of a single column, `value`.
    pub(super) fn one_column(values: impl IntoIterator<Item = Value>) -> Self {
        Self {
            columns: vec!["value".into()],
            rows: values.into_iter().map(|value| vec![value]).collect(),
        }
    }

    /// True if there are neither rows nor columns: PostgreSQL names no columns without rows.
    pub(crate) fn is_blank(&self) -> bool {
        self.rows.is_empty() && self.columns.is_empty()
    }
}
