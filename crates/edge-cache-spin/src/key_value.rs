//! Small values that outlive an instance and a restart, in Spin's key-value store. Correctness does
//! not depend on them: if the store fails, the value is unknown.

use serde::Serialize;
use serde::de::DeserializeOwned;
use spin_sdk::key_value::Store;

/// Reads a value; `None` if there is none or the store fails.
pub async fn read<T: DeserializeOwned>(name: &str) -> Option<T> {
    let store = Store::open_default().await.ok()?;
    let stored = store.get(name).await.ok()??;
    serde_json::from_slice(&stored).ok()
}

/// Stores a value. A failure is ignored, because readers treat a missing value alike.
pub async fn write(name: &str, value: &impl Serialize) {
    let Ok(json) = serde_json::to_vec(value) else {
        return;
    };
    if let Ok(store) = Store::open_default().await {
        let _ = store.set(name, json).await;
    }
}
