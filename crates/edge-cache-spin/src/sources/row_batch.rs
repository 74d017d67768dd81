//! Reading rows of a database in batches.

/// Rows in a full batch.
pub(crate) const BATCH_ROWS: usize = 1000;

/// Reads rows until a batch is full or there are no more. `read` appends the rows that have
/// arrived; if it appends none, there are no more.
pub(crate) async fn read_batch<T>(mut read: impl AsyncFnMut(Vec<T>) -> Vec<T>) -> Vec<T> {
    let mut rows = Vec::with_capacity(BATCH_ROWS);
    loop {
        let before = rows.len();
        rows = read(rows).await;
        if rows.len() == before || rows.len() == BATCH_ROWS {
            return rows;
        }
    }
}
