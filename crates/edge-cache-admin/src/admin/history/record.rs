//! Writing a row.

use edge_cache::redis::script::Script;
use edge_cache::redis::{Arg, Redis};
use edge_cache::{RedisError, script, units};
use futures_util::future::join;

use super::counters::{Counters, LookupCounters};
use super::current::CurrentFigures;
use super::row::Row;
use super::{MAX_MINUTES, MAX_QUARTERS, MINUTE_MS, MINUTES, QUARTER_MS, QUARTERS, STATE};
use crate::admin::rows::read_rows;
use crate::error::Error;

/// Reads the state that the next row continues.
static READ_STATE: Script = script!(repeatable "history/read_state", []);
/// Writes a row.
static WRITE: Script = script!(once "history/write", []);

/// The state that the next row continues: earlier counters, and the quarter of an hour so far.
struct Begin {
    /// The newest row's minute in milliseconds; 0 for none.
    newest: u64,
    counters: Option<Counters>,
    /// The rows of the quarter that has ended, summed up.
    quarter: Option<(u64, Row)>,
}

/// Writes the row of this minute if nobody has. Returns whether it did. Two round trips in the first
/// call of a minute, else one.
///
/// # Errors
/// Those of the connections.
pub(crate) async fn record_row<R: Redis, A: Redis>(
    redis: &R,
    trail: &A,
    current: &CurrentFigures,
) -> Result<bool, Error> {
    let now_ms = current.at_ms.unwrap_or_else(units::now_ms);
    let minute = now_ms - now_ms % MINUTE_MS;

    // Every second wake-up reads the lookups in vain, which is cheaper than another round trip.
    let lookups = LookupCounters::read(redis);
    let (begin, lookups) = join(Begin::read(trail, minute), lookups).await;
    let begin = begin?;
    if begin.newest >= minute {
        return Ok(false);
    }

    let counters = Counters::now(now_ms, current, lookups.ok());
    let row = counters.row_since(begin.counters.as_ref(), current);
    write(trail, minute, begin, counters, row).await
}

async fn write<A: Redis>(
    trail: &A,
    minute: u64,
    begin: Begin,
    counters: Counters,
    row: Row,
) -> Result<bool, Error> {
    let (quarter, quarter_row) = match begin.quarter {
        Some((start, row)) => (start.to_string(), row.pack()),
        None => (String::new(), Vec::new()),
    };
    let args: [Arg; 8] = [
        begin.newest.into(),
        minute.into(),
        row.pack().into(),
        counters.pack(begin.counters).into(),
        MAX_MINUTES.into(),
        quarter.into(),
        quarter_row.into(),
        MAX_QUARTERS.into(),
    ];

    let keys = [MINUTES, QUARTERS, STATE].map(Arg::from);
    let written = WRITE.run(trail, keys, args).await?.count()?;
    Ok(written == 1)
}

impl Begin {
    /// One round trip.
    async fn read<A: Redis>(trail: &A, minute: u64) -> Result<Self, RedisError> {
        let keys = [MINUTES, STATE].map(Arg::from);
        let args = [minute.into(), QUARTER_MS.into()];
        let mut replies = READ_STATE.run(trail, keys, args).await?;

        let newest = replies.count()?;
        let counters = replies.bytes()?;
        let rows = read_rows(&mut replies, Row::unpack)?;
        Ok(Self {
            newest,
            counters: Counters::unpack(&counters),
            quarter: sum_up(rows).map(|row| (newest - newest % QUARTER_MS, row)),
        })
    }
}

fn sum_up(rows: Vec<(u64, Row)>) -> Option<Row> {
    let rows = rows.into_iter().map(|(_, row)| row);
    rows.reduce(|mut sum, row| {
        sum.extend(&row);
        sum
    })
}
