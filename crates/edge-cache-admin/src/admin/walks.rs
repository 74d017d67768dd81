//! Admission of walks over the whole keyspace that only read: exact counts and dry runs.
//!
//! A component does not learn that its client has left: the task continues, and only writing the
//! response fails. A walk may therefore run for nobody. So each walk is limited to 30 s, and at
//! most four run at once across all instances. A walk occupies a place in Redis, which expires by
//! itself if the instance dies. The places are in the audit trail's database, where no walk counts
//! them.
//!
//! ```text
//! 64 viewers request exact counts of 2,000,000 keys and leave after a second
//! 4 walks occupy cache:{walks}:1 to :4 and continue; 60 requests get 429 too-many-walks at once
//! after at most 30 s the 4 walks have ended
//! ```
//!
//! If the server refuses writes (it is full, or a replica), a walk runs without a place, within the
//! same time limit.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use edge_cache::HostRuntime;
use edge_cache::redis::script::Script;
use edge_cache::redis::{Arg, Redis};
use edge_cache::script;
use edge_cache::{ErrorKind, RedisError};
use futures_util::future::{Either, select};

use crate::error::Error;

/// Occupies a place for a walk.
static TAKE_PLACE: Script = script!(repeatable "walks/take_place", []);

/// Frees it.
static FREE_PLACE: Script = script!(repeatable "walks/free_place", []);

/// Keys of the places: as many walks run at once.
pub const WALK_PLACES: [&str; 4] = [
    "cache:{walks}:1",
    "cache:{walks}:2",
    "cache:{walks}:3",
    "cache:{walks}:4",
];
/// Time limit of a walk.
pub const WALK_TIME_LIMIT: Duration = Duration::from_secs(30);
/// Time after which a place that is not freed expires: longer than its walk.
const PLACE_TTL_MS: u64 = 35_000;

/// Runs a walk if fewer than four are running. Two round trips besides those of the walk.
///
/// # Errors
/// [`Error::TooManyWalks`] if all places are occupied, [`Error::WalkTooLong`] after 30 s, and those
/// of the walk and the connection.
pub async fn run_admitted<T>(
    places: &impl Redis,
    runtime: &impl HostRuntime,
    walk: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    let owner = format!("{:016x}", runtime.random());
    let has_place = match take_place(places, &owner).await {
        Ok(true) => true,
        Ok(false) => return Err(Error::TooManyWalks),
        Err(error) if refuses_writes(&error) => false,
        Err(error) => return Err(error.into()),
    };

    let result = match select(pin!(walk), pin!(runtime.sleep(WALK_TIME_LIMIT))).await {
        Either::Left((result, _)) => result,
        Either::Right(_) => Err(Error::WalkTooLong(WALK_TIME_LIMIT)),
    };

    if has_place {
        // A place that could not be freed expires by itself.
        let keys = WALK_PLACES.map(Arg::from);
        let _ = FREE_PLACE.run(places, keys, [owner.into()]).await;
    }
    result
}

/// Occupies a place. Returns false if there is none.
async fn take_place(places: &impl Redis, owner: &str) -> Result<bool, RedisError> {
    let keys = WALK_PLACES.map(Arg::from);
    let args = [owner.into(), PLACE_TTL_MS.into()];
    Ok(TAKE_PLACE.run(places, keys, args).await?.count()? == 1)
}

/// True if the server refuses writes and can still be read.
fn refuses_writes(error: &RedisError) -> bool {
    matches!(
        error.kind,
        ErrorKind::OutOfMemory
            | ErrorKind::ReadOnly
            | ErrorKind::PersistenceFailed
            | ErrorKind::NotEnoughReplicas
    )
}
