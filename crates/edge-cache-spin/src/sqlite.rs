//! Spin's SQLite database as a source of warmups.

use edge_cache::warmup::Rows;
use serde_json::Value;
use spin_sdk::sqlite::{Connection, Value as Cell};

/// The component's default database.
pub struct Sqlite(Connection);

impl Sqlite {
    /// Opens it.
    ///
    /// # Errors
    /// What went wrong, in words for the operator.
    pub async fn open() -> Result<Self, String> {
        let opened = Connection::open_default().await;
        opened.map(Self).map_err(|error| format!("the SQLite database cannot be opened: {error}"))
    }
}

impl Sqlite {
    /// Runs a statement with parameters for its `?`.
    ///
    /// # Errors
    /// What went wrong, in words for the operator.
    pub async fn ask(&self, sql: &str, parameters: &[&str]) -> Result<Rows, String> {
        let explain = |error: spin_sdk::sqlite::Error| format!("SQLite: {error}");
        let answer =
            self.0.execute(sql, parameters.iter().map(|text| Cell::Text((*text).to_owned()))).await.map_err(explain)?;
        let columns = answer.columns().to_vec();
        let rows = answer.collect().await.map_err(explain)?;
        let rows = rows.into_iter().map(|row| row.values.into_iter().map(json).collect()).collect();
        Ok(Rows { columns, rows })
    }
}

fn json(cell: Cell) -> Value {
    match cell {
        Cell::Integer(number) => number.into(),
        Cell::Real(number) => number.into(),
        Cell::Text(text) => text.into(),
        Cell::Blob(bytes) => String::from_utf8_lossy(&bytes).into_owned().into(),
        Cell::Null => Value::Null,
    }
}
