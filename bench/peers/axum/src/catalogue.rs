//! The sample catalogue in SQLite, in this process' memory.

use std::sync::{Arc, Mutex, PoisonError};

use redis::aio::ConnectionManager;
use redis::pipe;
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use serde_json::{Map, Value};

use crate::answer::Failure;

const SEARCH: &str = "
    SELECT id, name, maker, price_cents AS priceCents FROM products
    WHERE is_active = 1 AND instr(lower(name || ' ' || maker || ' ' || sku), lower(?)) > 0
    ORDER BY sales_count DESC, id LIMIT 50";
const ROWS: &str = "
    SELECT id, sku, name, maker, price_cents AS priceCents, stock, category FROM bench_rows
    WHERE id > ? ORDER BY id LIMIT 1000";

/// The database. Queries run one at a time, on a thread where they may block.
pub(crate) struct Catalogue(Arc<Mutex<Connection>>);

impl Catalogue {
    pub(crate) fn open(file: &str) -> Result<Self, Box<dyn std::error::Error>> {
        let database = Connection::open_in_memory()?;
        database.execute_batch(&std::fs::read_to_string(file)?)?;
        Ok(Self(Arc::new(Mutex::new(database))))
    }

    async fn ask(
        &self,
        sql: &'static str,
        parameter: impl rusqlite::ToSql + Send + 'static,
    ) -> Result<Vec<Map<String, Value>>, Failure> {
        let database = Arc::clone(&self.0);
        let work = move || {
            let database = database.lock().unwrap_or_else(PoisonError::into_inner);
            let mut statement = database.prepare_cached(sql)?;
            let columns: Vec<String> = statement
                .column_names()
                .into_iter()
                .map(str::to_owned)
                .collect();
            let object = |row: &rusqlite::Row<'_>| {
                columns
                    .iter()
                    .enumerate()
                    .map(|(at, name)| Ok((name.clone(), json(row.get_ref(at)?))))
                    .collect()
            };
            statement
                .query_map([parameter], object)?
                .collect::<rusqlite::Result<Vec<_>>>()
        };

        tokio::task::spawn_blocking(work)
            .await?
            .map_err(Failure::from)
    }

    pub(crate) async fn search(&self, words: String) -> Result<String, Failure> {
        Ok(serde_json::to_string(&self.ask(SEARCH, words).await?)?)
    }

    /// Writes one key for each row, a thousand in each command.
    pub(crate) async fn warm_up(&self, redis: &ConnectionManager) -> Result<usize, Failure> {
        let (mut redis, mut written, mut last) = (redis.clone(), 0, 0_i64);

        loop {
            let rows = self.ask(ROWS, last).await?;
            if rows.is_empty() {
                return Ok(written);
            }
            let mut pipeline = pipe();
            for row in &rows {
                last = row
                    .get("id")
                    .and_then(Value::as_i64)
                    .ok_or_else(|| Failure::new("a row without id"))?;
                pipeline
                    .set_ex(format!("rows:{last}"), serde_json::to_string(row)?, 3600)
                    .ignore();
            }
            pipeline.query_async::<()>(&mut redis).await?;
            written += rows.len();
        }
    }
}

fn json(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Integer(number) => number.into(),
        ValueRef::Real(number) => number.into(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into(),
        ValueRef::Null | ValueRef::Blob(_) => Value::Null,
    }
}
