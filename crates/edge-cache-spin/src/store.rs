//! Small facts that outlive an instance and a restart, in Spin's key-value store. None is needed for correctness: where
//! the store fails, the fact is not known.

use serde::Serialize;
use serde::de::DeserializeOwned;
use spin_sdk::key_value::Store;

/// Reads a fact.
pub async fn recall<T: DeserializeOwned>(name: &str) -> Option<T> {
    let store = Store::open_default().await.ok()?;
    let stored = store.get(name).await.ok()??;
    serde_json::from_slice(&stored).ok()
}

/// Keeps a fact.
pub async fn remember(name: &str, fact: &impl Serialize) {
    let Ok(json) = serde_json::to_vec(fact) else { return };
    if let Ok(store) = Store::open_default().await {
        // Not kept is not known: the callers treat both alike.
        let _ = store.set(name, json).await;
    }
}
