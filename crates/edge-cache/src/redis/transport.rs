//! A host's means to reach one Redis server. [`RedisClient`](super::RedisClient) turns it into a connection
//! that heals.

use std::time::{Duration, Instant};

use super::command::Command;
use super::reply::Reply;
use super::slot_map::NodeAddress;
use crate::error::{ErrorKind, RedisError};

/// A host's means to reach one Redis server.
#[expect(
    async_fn_in_trait,
    reason = "whether the futures are Send depends on the implementation: those of components are not"
)]
pub trait Transport {
    /// An open, multiplexed connection.
    type Connection;
    /// A timer.
    type Timer: Future<Output = ()>;

    /// Opens a connection, authenticates and selects the logical database.
    ///
    /// # Errors
    /// Those of the host, which needs no time limit of its own.
    async fn open(&self) -> Result<Self::Connection, RedisError>;

    /// Returns a transport to another node of the same Cluster: with the same login, database and TLS.
    /// `None` where this transport reaches one server only.
    fn to_node(&self, address: &NodeAddress) -> Option<Self>
    where
        Self: Sized,
    {
        let _ = address;
        None
    }

    /// The address of the server, where the transport knows it.
    fn address(&self) -> Option<NodeAddress> {
        None
    }

    /// The number of the logical database, where the transport knows it.
    fn database(&self) -> Option<u16> {
        None
    }

    /// Returns whether connections are opened with TLS.
    fn is_tls(&self) -> bool {
        false
    }

    /// Opens a connection to the same server with TLS switched the other way
    /// ([`super::other_scheme`]), without a login, and drops it.
    ///
    /// # Errors
    /// Those of the host, and where this transport cannot try.
    async fn try_other_scheme(&self) -> Result<(), RedisError> {
        Err(RedisError::new(ErrorKind::AddressForbidden, "not tried"))
    }

    /// Sends a command.
    ///
    /// # Errors
    /// Those of the host, which needs no time limit of its own.
    async fn send(
        &self,
        connection: &Self::Connection,
        command: &Command,
    ) -> Result<Vec<Reply>, RedisError>;

    /// Returns a timer that ends this long from now.
    fn timer(&self, duration: Duration) -> Self::Timer;

    /// Returns a timer that ends at an instant, for a time limit that is seldom reached; `now` is the
    /// current time. A transport whose timers are expensive can let limits share one.
    fn time_limit(&self, now: Instant, until: Instant) -> Self::Timer {
        self.timer(until.saturating_duration_since(now))
    }

    /// Returns a random number, good enough that two instances do not get the same.
    fn random(&self) -> u64;

    /// Called for each event of the connection, to log it.
    fn on_event(&self, event: &ConnectionEvent<'_>) {
        let _ = event;
    }
}

/// An event of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionEvent<'a> {
    /// It was opened, in this time.
    Connected(Duration),
    /// The first reply arrived on it.
    Ready,
    /// It could not be opened, or it broke.
    Error(&'a str),
    /// It was closed because it broke.
    Closed,
    /// Retrying; the attempt number.
    Reconnecting(u32),
}
