//! The state in Redis, which is changed only by who has read its newest revision.

use edge_cache::RedisError;
use edge_cache::keyspace::key::NONE;
use edge_cache::redis::Redis;
use edge_cache::redis::script::{Script, shared};
use edge_cache::script;

use super::state::State;

/// Reads the state.
static READ: Script = script!(repeatable "alerts/read", [shared::EXISTENCE]);
/// Stores the state.
static STORE: Script = script!(once "alerts/store", []);

/// Alerts that were posted to webhooks, and deliveries (a hash). Outlives a global clear.
pub(crate) const ALERTS: &str = "cache:alerts";
/// Tries to change the state, which another schedule may change at the same time.
const MAX_TRIES: usize = 5;

/// Reads the state. One round trip. One of a later version counts as none.
pub(super) async fn read<R: Redis>(redis: &R) -> Result<(u64, State), RedisError> {
    let mut replies = READ.run(redis, [ALERTS.into()], []).await?;
    let revision = replies.count()?;
    let state = serde_json::from_slice(&replies.bytes()?).unwrap_or_default();
    Ok((revision, state))
}

/// Changes the state: two round trips, and as many again while others change it. `None` if they always
/// were faster.
pub(super) async fn update<R: Redis, T>(
    redis: &R,
    mut change: impl FnMut(&mut State) -> T,
) -> Result<Option<T>, RedisError> {
    for _ in 0..MAX_TRIES {
        let (revision, before) = read(redis).await?;
        let mut state = before.clone();
        let result = change(&mut state);
        if state == before || store(redis, revision, &state).await? {
            return Ok(Some(result));
        }
    }
    Ok(None)
}

/// Stores the state unless another revision is there. Returns whether it did.
async fn store<R: Redis>(redis: &R, revision: u64, state: &State) -> Result<bool, RedisError> {
    let text = serde_json::to_vec(state).unwrap_or_default();
    let mut replies = STORE
        .run(
            redis,
            [ALERTS.into(), NONE.into()],
            [revision.into(), text.into()],
        )
        .await?;
    Ok(replies.count()? == 1)
}
