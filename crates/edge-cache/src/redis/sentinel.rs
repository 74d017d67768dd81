//! Sentinels, which know the primary of a group of servers. They are asked each time that a connection is
//! opened, so a failover needs no restart.
//!
//! ```text
//! SENTINEL GET-MASTER-ADDR-BY-NAME shop   -> 10.0.0.2 6379     the next Sentinel is asked where one does not know
//! ROLE at 10.0.0.2:6379                   -> master            a server that is none yet is not used
//! ```

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};

use super::command::Command;
use super::info::Info;
use super::reply::{Replies, Reply};
use super::slot_map::NodeAddress;
use super::transport::Transport;
use crate::error::{ErrorKind, RedisError};

/// How long one Sentinel may take, before the next one is asked.
const SENTINEL_LIMIT: Duration = Duration::from_millis(500);

/// The Sentinels of a primary.
pub(super) struct Sentinels<T> {
    sentinels: Vec<T>,
    /// The name under which they watch the primary.
    primary: String,
}

impl<T: Transport> Sentinels<T> {
    pub(super) fn new(sentinels: Vec<T>, primary: String) -> Self {
        Self { sentinels, primary }
    }

    /// Opens a connection to the primary, with the login and database of `servers`. Three round trips, and
    /// one more for each Sentinel that does not know it.
    pub(super) async fn open_primary(&self, servers: &T) -> Result<T::Connection, RedisError> {
        let mut failure = None;
        for sentinel in &self.sentinels {
            let opened = async {
                let address = self.ask(sentinel).await?;
                open_if_primary(servers, &address).await
            };
            match opened.await {
                Ok(connection) => return Ok(connection),
                // The same login is wrong at every server.
                Err(error) if error.kind == ErrorKind::Authentication => return Err(error),
                Err(error) => failure = failure.or(Some(error)),
            }
        }

        let none = || RedisError::new(ErrorKind::Unreachable, "no Sentinel is configured");
        Err(failure.unwrap_or_else(none))
    }

    /// Asks a Sentinel for the primary's address.
    async fn ask(&self, sentinel: &T) -> Result<NodeAddress, RedisError> {
        let question = Command::read("SENTINEL")
            .arg("GET-MASTER-ADDR-BY-NAME")
            .arg(self.primary.as_str());
        let asking = async {
            let connection = sentinel.open().await?;
            sentinel.send(&connection, &question).await
        };

        let limit = sentinel.timer(SENTINEL_LIMIT);
        let replies = match select(pin!(asking), pin!(limit)).await {
            Either::Left((replies, _)) => replies.map_err(|error| at_sentinel(error, sentinel))?,
            Either::Right(_) => return Err(silent(sentinel)),
        };
        self.read_address(&replies)
    }

    fn read_address(&self, replies: &[Reply]) -> Result<NodeAddress, RedisError> {
        let text = |reply: &Reply| match reply {
            Reply::Bytes(bytes) => String::from_utf8(bytes.clone()).ok(),
            Reply::Status(text) => Some(text.clone()),
            _ => None,
        };

        let address = match replies {
            [host, port] => text(host).zip(text(port)),
            _ => None,
        };
        let address = address.and_then(|(host, port)| {
            let port = port.parse().ok()?;
            Some(NodeAddress { host, port })
        });

        address.ok_or_else(|| {
            let problem = format!(
                "the Sentinels watch no primary with the name `{}`: check `redis_master_name`",
                self.primary
            );
            RedisError::new(ErrorKind::Unreachable, problem)
        })
    }
}

/// Opens a connection to a server, unless it is a replica.
async fn open_if_primary<T: Transport>(
    servers: &T,
    address: &NodeAddress,
) -> Result<T::Connection, RedisError> {
    let Some(server) = servers.to_node(address) else {
        let problem = "this connection reaches one server only, and cannot follow a Sentinel";
        return Err(RedisError::new(ErrorKind::AddressForbidden, problem));
    };
    let limit = server.timer(2 * SENTINEL_LIMIT);
    let opened = match select(pin!(server.open()), pin!(limit)).await {
        Either::Left((opened, _)) => opened,
        Either::Right(_) => {
            let problem =
                format!("the primary that the Sentinels name, {address}, does not answer");
            return Err(RedisError::new(ErrorKind::Unreachable, problem));
        }
    };
    let connection = opened.map_err(|error| match error.kind {
        ErrorKind::AddressForbidden => forbidden(address),
        _ => error,
    })?;

    if is_primary(&server, &connection).await? {
        return Ok(connection);
    }
    let problem = format!(
        "the Sentinels name {address} as the primary, but it is a replica: a failover is under way"
    );
    Err(RedisError::new(ErrorKind::Unreachable, problem))
}

/// Returns whether a server is a primary. One round trip, two where `ROLE` is not permitted. One that tells
/// neither counts as one.
async fn is_primary<T: Transport>(
    server: &T,
    connection: &T::Connection,
) -> Result<bool, RedisError> {
    let says_nothing =
        |error: &RedisError| matches!(error.kind, ErrorKind::Server | ErrorKind::Permission);

    match server.send(connection, &Command::read("ROLE")).await {
        Ok(replies) => {
            let role = Replies::new(replies).text()?;
            return Ok(role == "master");
        }
        Err(error) if says_nothing(&error) => {}
        Err(error) => return Err(error),
    }
    match server
        .send(connection, &Command::read("INFO").arg("replication"))
        .await
    {
        Ok(replies) => {
            let info = Info::new(Replies::new(replies).text()?);
            Ok(info.text("role") != Some("slave"))
        }
        Err(error) if says_nothing(&error) => Ok(true),
        Err(error) => Err(error),
    }
}

fn forbidden(address: &NodeAddress) -> RedisError {
    let problem = format!(
        "the Sentinels name {address} as the primary, which the host does not allow: set `redis_nodes` so that it covers this \
         address, e.g. `redis://{address}`"
    );
    RedisError::new(ErrorKind::AddressForbidden, problem)
}

fn at_sentinel<T: Transport>(mut error: RedisError, sentinel: &T) -> RedisError {
    if let Some(address) = sentinel.address() {
        error.message = format!("Sentinel {address}: {}", error.message);
    }
    error
}

fn silent<T: Transport>(sentinel: &T) -> RedisError {
    let error = RedisError::new(ErrorKind::Unreachable, "no answer in time");
    at_sentinel(error, sentinel)
}
