//! Messages of the Redis channel `events_channel`: domain events. The rules define what each
//! invalidates.

use edge_cache_spin::handle_event;
use spin_sdk::redis_subscriber;

#[redis_subscriber]
async fn on_message(payload: Vec<u8>) -> Result<(), String> {
    handle_event(&payload).await
}
