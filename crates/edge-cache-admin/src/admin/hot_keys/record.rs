//! Writing the rows of minutes and hours that have ended, and reading the minutes that have none yet.

use std::time::SystemTime;

use edge_cache::keyspace::key::HOT_KEYS_PREFIX;
use edge_cache::redis::script::{Script, shared};
use edge_cache::redis::{Arg, Redis};
use edge_cache::{RedisError, script, units};

use super::row::Row;
use super::summary::Summary;
use super::{HOUR_MS, HOURS, LIVE_MINUTES, MAX_HOURS, MAX_MINUTES, MINUTE_MS, MINUTES};
use crate::admin::rows::read_rows;
use crate::error::Error;

/// Reads which rows there are.
static READ_STATE: Script = script!(repeatable "hot_keys/read_state", []);
/// Reads the hashes of minutes.
static READ_LIVE: Script = script!(repeatable "hot_keys/read_live", [shared::EXISTENCE]);
/// Writes rows.
static WRITE: Script = script!(repeatable "hot_keys/write", []);

/// How long after its end a minute is complete: instances report after at most a second, by their
/// estimate of Redis' clock.
const SETTLING_MS: u64 = 5_000;

/// Writes the rows of minutes and of the hour that have ended, unless another schedule has. One round
/// trip, three if a minute has ended. `now` is the time on Redis' clock.
///
/// # Errors
/// Those of the connections.
pub async fn record_rows<R: Redis, A: Redis>(
    redis: &R,
    trail: &A,
    now: SystemTime,
) -> Result<u64, Error> {
    let now_ms = units::since_1970_ms(now).saturating_sub(SETTLING_MS);
    let this_minute = now_ms - now_ms % MINUTE_MS;
    let this_hour = now_ms - now_ms % HOUR_MS;
    let hour_ms = this_hour.saturating_sub(HOUR_MS);
    let state = State::read(trail, hour_ms).await?;

    let first = this_minute.saturating_sub((LIVE_MINUTES - 1) * MINUTE_MS);
    let first = first.max(state.newest_minute_ms + MINUTE_MS);
    let mut minutes = Vec::new();
    if first < this_minute {
        minutes = read_live(redis, first, this_minute - MINUTE_MS).await?;
    }
    // The last minutes of the hour may be among those that have no row yet.
    let of_hour = |(at_ms, _): &&(u64, Row)| (hour_ms..this_hour).contains(at_ms);
    let added = minutes.iter().filter(of_hour).cloned();
    let of_hour: Vec<Row> = state
        .hour
        .into_iter()
        .chain(added)
        .map(|(_, row)| row)
        .collect();
    let is_hour_due = !of_hour.is_empty() && state.newest_hour_ms < hour_ms;
    if minutes.is_empty() && !is_hour_due {
        return Ok(0);
    }

    let hour = is_hour_due.then(|| Summary::of(of_hour).into_row());
    write(trail, hour_ms, hour, minutes).await
}

/// The rows that there are.
struct State {
    newest_minute_ms: u64,
    newest_hour_ms: u64,
    /// The rows of the hour that has ended, unless it has a row.
    hour: Vec<(u64, Row)>,
}

impl State {
    /// One round trip.
    async fn read<A: Redis>(trail: &A, hour_ms: u64) -> Result<Self, RedisError> {
        let keys = [MINUTES, HOURS].map(Arg::from);
        let args = [hour_ms.into(), (hour_ms + HOUR_MS - 1).into()];
        let mut replies = READ_STATE.run(trail, keys, args).await?;
        Ok(Self {
            newest_minute_ms: replies.count()?,
            newest_hour_ms: replies.count()?,
            hour: read_rows(&mut replies, Row::unpack)?,
        })
    }
}

/// Reads the hashes of these minutes, without those in which nobody reported. One round trip.
pub(super) async fn read_live<R: Redis>(
    redis: &R,
    first_ms: u64,
    last_ms: u64,
) -> Result<Vec<(u64, Row)>, RedisError> {
    let minutes: Vec<u64> = (first_ms / MINUTE_MS..=last_ms / MINUTE_MS).collect();
    let name = |minute: &u64| Arg::from(format!("{HOT_KEYS_PREFIX}{minute}"));
    let mut replies = READ_LIVE.run(redis, minutes.iter().map(name), []).await?;

    let mut rows = Vec::new();
    for minute in minutes {
        let mut packed = replies.packed()?;
        if packed.remaining() == 0 {
            continue;
        }
        rows.push((minute * MINUTE_MS, Row::read(&mut packed)?));
    }
    Ok(rows)
}

async fn write<A: Redis>(
    trail: &A,
    hour_ms: u64,
    hour: Option<Row>,
    minutes: Vec<(u64, Row)>,
) -> Result<u64, Error> {
    let packed = |mut row: Row| {
        row.trim();
        Arg::from(row.pack())
    };
    let mut args: Vec<Arg> = vec![MAX_MINUTES.into(), MAX_HOURS.into()];
    args.extend([
        hour.as_ref().map_or(0, |_| hour_ms).into(),
        hour.map_or_else(|| "".into(), packed),
    ]);
    for (at_ms, row) in minutes {
        args.extend([at_ms.into(), packed(row)]);
    }

    let keys = [MINUTES, HOURS].map(Arg::from);
    Ok(WRITE.run(trail, keys, args).await?.count()?)
}
