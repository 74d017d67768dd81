//! Calls of `spin:key-value` and `spin:sqlite`.

use spin_sdk::key_value::Store;
use spin_sdk::sqlite::{Connection, Value};

use crate::Outcome;

pub async fn key_value() -> Outcome {
    let store = Store::open_default()
        .await
        .map_err(|error| format!("{error:?}"))?;
    let mut lines = Vec::new();
    macro_rules! line {
        ($name:literal, $call:expr) => {
            lines.push(format!("{}: {:?}", $name, $call.await))
        };
    }
    line!("get none", store.get("none"));
    line!("set", store.set("a", b"\0\xff"));
    line!("set", store.set("b", b"2"));
    line!("get", store.get("a"));
    line!("exists", store.exists("a"));
    let mut keys = store
        .get_keys()
        .await
        .collect()
        .await
        .map_err(|error| format!("{error:?}"))?;
    keys.sort();
    lines.push(format!("keys: {keys:?}"));
    line!("delete", store.delete("a"));
    line!("delete", store.delete("a"));
    line!("exists", store.exists("a"));

    Ok(lines.join("\n"))
}

pub async fn open_store(label: &str) -> String {
    match Store::open(label).await {
        Ok(_) => "open".to_owned(),
        Err(error) => format!("{error:?}"),
    }
}

pub async fn read(key: &str) -> Outcome {
    let store = Store::open_default()
        .await
        .map_err(|error| format!("{error:?}"))?;
    Ok(format!("{:?}", store.get(key).await))
}

/// Runs the statements of `query` (separated by `;`, with `+` for spaces), one line for each.
pub async fn sqlite(query: &str) -> Outcome {
    let connection = Connection::open_default()
        .await
        .map_err(|error| format!("{error:?}"))?;
    let mut lines = Vec::new();
    for statement in query.split(';').filter(|statement| !statement.is_empty()) {
        let parameters: Vec<Value> = if statement.contains('?') {
            vec![Value::Integer(7)]
        } else {
            Vec::new()
        };
        let result = connection
            .execute(statement.replace('+', " "), parameters)
            .await;
        let result = result.map_err(|error| format!("{error:?}"))?;
        let columns = result.columns().join(",");
        let rows = result
            .collect()
            .await
            .map_err(|error| format!("{error:?}"))?;
        let rows: Vec<_> = rows.iter().map(|row| format!("{:?}", row.values)).collect();
        lines.push(format!(
            "columns {columns} rows {} {} changes {} rowid {}",
            rows.len(),
            rows.last().cloned().unwrap_or_default(),
            connection.changes().await,
            connection.last_insert_rowid().await
        ));
    }

    Ok(lines.join("\n"))
}

pub async fn open_database(label: &str) -> String {
    match Connection::open(label).await {
        Ok(_) => "open".to_owned(),
        Err(error) => format!("{error:?}"),
    }
}
