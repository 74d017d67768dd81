//! Where the trail is kept: in its own logical database if the server has one that is really
//! separate, else in the cache's.
//!
//! A server may refuse to select a database: it has only one, it is a Cluster node, or the user
//! lacks the right. The first command shows that. Some hosted services accept the selection and
//! ignore it. Only a marker shows that: it is written through one connection and read through the
//! other.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use edge_cache::HostRuntime;
use edge_cache::redis::{Command, Redis, Reply};
use edge_cache::{DeadlineClient, RedisClient, Transport, forward_redis};
use edge_cache::{ErrorKind, RedisError};
use serde::Serialize;

/// The beginning of a marker's name.
const MARKER_PREFIX: &str = "cache:audit:place:";
/// How long a marker lives.
const MARKER_TTL_MS: u64 = 10_000;

/// The database that holds the trail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TrailPlace {
    /// True if it is in its own logical database, where `FLUSHDB` of the cache does not reach it.
    pub own_database: bool,
    /// Why it is not.
    pub reason: Option<String>,
    /// False if the server took no marker, because it is full or read-only.
    #[serde(skip)]
    is_proven: bool,
}

impl TrailPlace {
    fn own_database(is_proven: bool) -> Self {
        Self {
            own_database: true,
            reason: None,
            is_proven,
        }
    }

    fn cache_database(reason: impl Into<String>) -> Self {
        Self {
            own_database: false,
            reason: Some(reason.into()),
            is_proven: true,
        }
    }

    /// True if removing all keys of the cache's database might remove the trail.
    pub fn may_share(&self) -> bool {
        !self.own_database || !self.is_proven
    }
}

/// A report, and where the trail is kept.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WithTrailPlace<T> {
    /// The report.
    #[serde(flatten)]
    pub report: T,
    /// Null if the server did not answer in time.
    pub audit_trail: Option<TrailPlace>,
}

/// Finds out where the trail can be kept, with a marker. Two round trips. No command counts as a
/// lookup, because operators judge the cache by those.
///
/// # Errors
/// Those of either connection that do not concern the choice of a database.
async fn find_place<A: Redis, C: Redis>(
    trail: &A,
    cache: &C,
    random: u64,
) -> Result<TrailPlace, RedisError> {
    let marker = format!("{MARKER_PREFIX}{random:016x}");

    match write_marker(trail, &marker).await {
        Ok(()) => {}
        Err(error) if is_refusal(&error) => {
            let reason = format!(
                "the server refuses another logical database: {}",
                error.message
            );
            return Ok(TrailPlace::cache_database(reason));
        }
        Err(error) if error.is_unavailable() => return Err(error),
        // The server is full or read-only. Records will fail too, but a clear must not assume that
        // the trail is separate.
        Err(_) => return Ok(TrailPlace::own_database(false)),
    }

    if exists(cache, &marker).await? {
        let reason = "the server accepts SELECT and ignores it: all databases are one";
        return Ok(TrailPlace::cache_database(reason));
    }
    Ok(TrailPlace::own_database(true))
}

/// Writes the marker, twice if the server refuses it: the result is kept, and a single command may
/// be refused for other reasons.
async fn write_marker<R: Redis>(redis: &R, marker: &str) -> Result<(), RedisError> {
    let write = || {
        Command::read("SET")
            .arg(marker)
            .arg("1")
            .arg("PX")
            .arg(MARKER_TTL_MS)
    };

    let mut written = redis.execute(write()).await;
    if written.as_ref().is_err_and(is_refusal) {
        written = redis.execute(write()).await;
    }
    written.map(drop)
}

/// Looks for the marker, without a lookup that Redis counts where `MEMORY` is allowed.
async fn exists<R: Redis>(redis: &R, marker: &str) -> Result<bool, RedisError> {
    let usage = Command::read("MEMORY").arg("USAGE").arg(marker);
    let mut found = redis.execute(usage).await;
    if found.as_ref().is_err_and(is_refusal) {
        found = redis.execute(Command::read("EXISTS").arg(marker)).await;
    }
    let is_absent = matches!(found?.first(), None | Some(Reply::Nil | Reply::Int(0)));
    Ok(!is_absent)
}

/// True if the server answered and does not let the database be selected. Any other refusal
/// concerns the cache, too.
fn is_refusal(error: &RedisError) -> bool {
    matches!(
        error.kind,
        ErrorKind::Server | ErrorKind::Permission | ErrorKind::Cluster | ErrorKind::ClusterDatabase
    )
}

/// The connections of the trail: one to its own database, one to the cache's.
pub struct AuditTrail<T: Transport> {
    own: RedisClient<T>,
    cache: Rc<RedisClient<T>>,
    known_place: RefCell<Option<TrailPlace>>,
}

impl<T: Transport> AuditTrail<T> {
    /// A trail that finds its place when it is first used. `is_one_database` says that the
    /// configuration names one database for both.
    pub fn new(own: RedisClient<T>, cache: Rc<RedisClient<T>>, is_one_database: bool) -> Self {
        let known_place = is_one_database.then(|| {
            TrailPlace::cache_database("redis_db and audit_redis_db name the same database")
        });
        Self {
            own,
            cache,
            known_place: RefCell::new(known_place),
        }
    }

    /// The database that holds the trail. Two round trips, none once it is known.
    ///
    /// # Errors
    /// Those of the connections.
    pub async fn place(&self) -> Result<TrailPlace, RedisError> {
        self.place_through(&self.own, &*self.cache).await
    }

    /// The same trail for a request whose whole answer is due within `limit` from now.
    pub fn within(&self, limit: Duration) -> AuditTrailWithin<'_, T> {
        AuditTrailWithin {
            trail: self,
            own: self.own.within(limit),
            cache: self.cache.within(limit),
        }
    }

    async fn place_through(
        &self,
        own: &impl Redis,
        cache: &impl Redis,
    ) -> Result<TrailPlace, RedisError> {
        let known = self.known_place.borrow().clone();
        if let Some(place) = known {
            return Ok(place);
        }

        let place = find_place(own, cache, self.cache.random()).await?;
        if place.is_proven {
            *self.known_place.borrow_mut() = Some(place.clone());
        }
        Ok(place)
    }

    async fn execute_through(
        &self,
        command: Command,
        own: &impl Redis,
        cache: &impl Redis,
    ) -> Result<Vec<Reply>, RedisError> {
        if !self.place_through(own, cache).await?.own_database {
            return cache.execute(command).await;
        }

        let replies = own.execute(command).await;
        // A failover may have replaced the server by one that has a single database.
        if replies.as_ref().is_err_and(is_refusal) {
            *self.known_place.borrow_mut() = None;
        }
        replies
    }
}

impl<T: Transport> Redis for AuditTrail<T> {
    async fn execute(&self, command: Command) -> Result<Vec<Reply>, RedisError> {
        self.execute_through(command, &self.own, &*self.cache).await
    }

    forward_redis!(self => self.cache; topology, newest_topology, namespace);
}

/// An [`AuditTrail`] whose commands share one deadline.
pub struct AuditTrailWithin<'a, T: Transport> {
    trail: &'a AuditTrail<T>,
    own: DeadlineClient<'a, T>,
    cache: DeadlineClient<'a, T>,
}

impl<T: Transport> AuditTrailWithin<'_, T> {
    /// The database that holds the trail; see [`AuditTrail::place`].
    ///
    /// # Errors
    /// Those of the connections.
    pub async fn place(&self) -> Result<TrailPlace, RedisError> {
        self.trail.place_through(&self.own, &self.cache).await
    }
}

impl<T: Transport> Redis for AuditTrailWithin<'_, T> {
    async fn execute(&self, command: Command) -> Result<Vec<Reply>, RedisError> {
        self.trail
            .execute_through(command, &self.own, &self.cache)
            .await
    }

    forward_redis!(self => self.cache; topology, newest_topology, namespace);
}
