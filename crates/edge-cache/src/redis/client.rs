//! A connection that heals: time limits for opening and for every command, reopening after it
//! broke, and retries of commands that are safe to retry.
//!
//! A host keeps a component instance for many requests (Spin for 128 by default), which share and
//! multiplex its connection; so a connection found in an instance may be dead. Nothing here is
//! specific to Spin: the transport is a parameter, and tests run this code against a real server.
//!
//! - A command ends within its time limit, retries and reopening included. `/health` responds
//!   within 2 s and `/health/ready` within 1 s, whatever Redis does; a request that failed on Redis
//!   has the rest of 1.8 s for its audit record.
//! - Only a command that reads, or has the same effect twice, is sent again. Before a command that
//!   must not run twice, a connection that was idle for 100 ms is checked with a `PING`:
//!
//! ```text
//! idle 5 s, the server restarted meanwhile
//! DELETE_SLICE: PING fails -> reopened -> DELETE_SLICE is sent once
//! idle 20 ms:   DELETE_SLICE is sent; if the connection breaks now, the caller gets 503 and decides
//! ```

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::command::Command;
use super::connection::Redis;
use super::connector::{Connector, OpenConnection};
use super::deadline::Deadline;
use super::reply::{Replies, Reply};
use super::router::{Followed, Router, Target, name_silent};
use super::runtime::HostRuntime;
use super::sentinel::Sentinels;
use super::server_mode::ServerMode;
use super::slot_map::NodeAddress;
use super::topology::{ExpectedTopology, Topology};
use super::transport::{ConnectionEvent, Transport};
use super::wrong_type;
use crate::error::{ErrorKind, RedisError};
use crate::keyspace::namespace::Namespace;

/// A connection that was idle for longer is checked before it gets a command that must not run
/// twice.
const TRUSTED_IDLE: Duration = Duration::from_millis(100);
/// A connection younger than this is kept although its server is a read-only replica.
const REPLICA_KEPT: Duration = Duration::from_secs(1);
/// How often a command that is safe to retry is tried.
const MAX_TRIES: u32 = 3;
/// The pause after the first failed try; it grows by as much after each further one.
const RETRY_PAUSE: Duration = Duration::from_millis(50);
/// How often a command follows redirections.
const MAX_REDIRECTS: u32 = 16;

/// Replies, and how long the try took that returned them.
type Timed = (Vec<Reply>, Duration);

/// A failed try.
struct FailedTry {
    error: RedisError,
    /// False when the command certainly did not reach the server.
    may_have_arrived: bool,
    /// The node that replied, on a Cluster.
    node: Option<NodeAddress>,
}

/// A [`Redis`] over any [`Transport`].
pub struct RedisClient<T: Transport> {
    pub(super) router: Router<T>,
    /// Bounds each command.
    pub(super) limit: Duration,
    /// The namespace of the internal keys.
    namespace: Namespace,
}

impl<T: Transport> RedisClient<T> {
    /// Creates a client that opens its connection when it is first used. `limit` bounds each
    /// command, its retries included.
    pub fn new(transport: T, limit: Duration) -> Self {
        Self::with_connector(Connector::new(transport), limit)
    }

    /// Creates a client of the primary that Sentinels know by this name. They are asked each time that a
    /// connection is opened. `servers` has the login and database of the primary; its own address is not
    /// used.
    pub fn through_sentinels(
        servers: T,
        sentinels: Vec<T>,
        primary: impl Into<String>,
        limit: Duration,
    ) -> Self {
        let sentinels = Sentinels::new(sentinels, primary.into());
        Self::with_connector(Connector::through_sentinels(servers, sentinels), limit)
    }

    /// Returns a client that takes Redis for one of this kind, in place of one that finds it out. Only for
    /// a client that has not connected yet.
    #[must_use]
    pub fn expecting(self, topology: ExpectedTopology) -> Self {
        let mode = match topology {
            ExpectedTopology::Auto => return self,
            ExpectedTopology::Single => ServerMode::Single,
            ExpectedTopology::Cluster => ServerMode::Cluster,
        };
        Self {
            router: self.router.expecting(mode),
            ..self
        }
    }

    /// Returns a client whose internal keys are in this namespace, apart from those of other caches
    /// in the same database. Call it before the client connects.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use edge_cache::{Cache, HostRuntime, Namespace, Redis, RedisClient, Transport};
    /// # fn connect<T: Transport>(transport: T) -> Result<Cache<RedisClient<T>>, edge_cache::Error> {
    /// let client = RedisClient::new(transport, Duration::from_millis(500));
    /// let cache = Cache::new(client.in_namespace(Namespace::parse("shop")?));
    /// # Ok(cache)
    /// # }
    /// ```
    #[must_use]
    pub fn in_namespace(self, namespace: Namespace) -> Self {
        Self {
            router: self.router.registering(&namespace),
            namespace,
            ..self
        }
    }

    fn with_connector(connector: Connector<T>, limit: Duration) -> Self {
        Self {
            router: Router::new(connector),
            limit,
            namespace: Namespace::default(),
        }
    }

    /// A deadline for one command, which begins with its first step.
    fn deadline(&self) -> Deadline<'_, T> {
        Deadline::of_first_step(self.limit, self.router.seed.transport())
    }

    /// Executes a command. When Redis refuses it because of a value's type, the error names the key:
    /// one more round trip for each key that may have the wrong type, about twenty.
    pub(super) async fn execute_explained(
        &self,
        mut command: Command,
        deadline: &Deadline<'_, T>,
    ) -> Result<Timed, RedisError> {
        command.enter(&self.namespace);
        let error = match self.execute_with_retries(&mut command, deadline).await {
            Err(error) if error.kind == ErrorKind::WrongType && command.explains_type => error,
            result => return result,
        };

        for suspect in wrong_type::suspects(&command, &self.namespace) {
            let Ok(found) = Box::pin(self.type_of(&suspect, deadline)).await else {
                continue;
            };
            if let Some(named) = wrong_type::name_key(&error, &suspect, &found) {
                return Err(named);
            }
        }
        Err(error)
    }

    async fn type_of(
        &self,
        suspect: &wrong_type::Suspect,
        deadline: &Deadline<'_, T>,
    ) -> Result<String, RedisError> {
        let mut command = Command::read("TYPE").arg(suspect.key.as_bytes());
        let (replies, _) = self.execute_with_retries(&mut command, deadline).await?;
        Replies::new(replies).text()
    }

    /// Tries a command until it succeeds or must not be retried. The time is that of the last try:
    /// opening the connection and earlier tries say nothing about the server's speed.
    async fn execute_with_retries(
        &self,
        command: &mut Command,
        deadline: &Deadline<'_, T>,
    ) -> Result<Timed, RedisError> {
        let mut tries = 1;
        let mut redirects = 0;
        let mut target = Target::ByKey;
        let mut earlier = None;
        loop {
            let mut failed = match self.try_once(command, &target, deadline).await {
                Ok(timed) => return Ok(timed),
                Err(failed) => failed,
            };
            // No time was left for this try: the error of the earlier one says why.
            if failed.error.kind == ErrorKind::Timeout
                && let Some(cause) = earlier.take()
            {
                failed.error = cause;
                return Err(self.explain(failed, deadline).await);
            }
            if failed.error.kind == ErrorKind::NoScript && command.switch_to_eval() {
                continue;
            }

            if let Some(redirect) = self.router.redirect_of(&failed.error, failed.node.as_ref())
                && redirects < MAX_REDIRECTS
                && deadline.allows(RETRY_PAUSE)
            {
                redirects += 1;
                let following = self.router.follow(redirect, redirects, command, deadline);
                target = match Box::pin(following).await {
                    Followed::Next(target) => target,
                    Followed::Executed(executed) => return executed,
                };
                continue;
            }

            let is_safe = command.repeatable || !failed.may_have_arrived;
            let pause = RETRY_PAUSE * tries;
            let may_retry = tries < MAX_TRIES
                && is_safe
                && failed.error.kind == ErrorKind::Unreachable
                && deadline.allows(pause);
            if !may_retry {
                return Err(self.explain(failed, deadline).await);
            }

            earlier = Some(failed.error);
            target = Target::ByKey;
            let transport = self.router.seed.transport();
            transport.on_event(&ConnectionEvent::Reconnecting(tries));
            transport.timer(pause).await;
            tries += 1;
        }
    }

    async fn explain(&self, failed: FailedTry, deadline: &Deadline<'_, T>) -> RedisError {
        if let Some(node) = &failed.node {
            return name_silent(failed.error, node);
        }
        if failed.may_have_arrived {
            return failed.error;
        }
        let explained = self.router.seed.explain_unopened(failed.error, deadline);
        Box::pin(explained).await
    }

    async fn try_once(
        &self,
        command: &mut Command,
        target: &Target,
        deadline: &Deadline<'_, T>,
    ) -> Result<Timed, FailedTry> {
        let unsent = |error, node: Option<NodeAddress>| FailedTry {
            error,
            may_have_arrived: false,
            node,
        };

        // The server may have become one of another kind with the connection that is opened here.
        loop {
            let mode = self
                .router
                .mode(deadline)
                .await
                .map_err(|error| unsent(error, None))?;
            let routed = self.router.route(command, target, mode, deadline).await;
            let (connector, node) = routed.map_err(|error| unsent(error, None))?;
            let open = if command.repeatable {
                connector.connection(deadline).await
            } else {
                self.checked_connection(&connector, deadline).await
            };
            let open = open.map_err(|error| {
                self.router.mark_stale();
                unsent(
                    self.router.name_forbidden(error, node.as_ref()),
                    node.clone(),
                )
            })?;
            if self.router.seed.mode() != Some(mode) {
                continue;
            }

            let sent = self.send(&connector, &open, command, deadline).await;
            return sent.map_err(|error| FailedTry {
                error,
                may_have_arrived: true,
                node,
            });
        }
    }

    /// Returns a connection that has just replied, for a command that must not run twice.
    async fn checked_connection(
        &self,
        connector: &Connector<T>,
        deadline: &Deadline<'_, T>,
    ) -> Result<Arc<OpenConnection<T::Connection>>, RedisError> {
        let open = connector.connection(deadline).await?;
        let is_trusted = open.idle_for().is_none_or(|idle| idle < TRUSTED_IDLE);
        if is_trusted {
            return Ok(open);
        }

        let ping = Command::read("PING");
        let sent = Box::pin(self.send(connector, &open, &ping, deadline)).await;
        if sent.is_ok() {
            return Ok(open);
        }
        connector.connection(deadline).await
    }

    async fn send(
        &self,
        connector: &Connector<T>,
        open: &Arc<OpenConnection<T::Connection>>,
        command: &Command,
        deadline: &Deadline<'_, T>,
    ) -> Result<Timed, RedisError> {
        let transport = connector.transport();
        let started = Instant::now();
        let sending = transport.send(&open.connection, command);
        let sent = deadline.bound_from(started, sending).await.flatten();
        let ended = Instant::now();

        match &sent {
            Err(error) if is_broken(error, open) => {
                connector.report_error(error);
                connector.close(open);
                self.router.mark_stale();
            }
            // A server's error is a reply, too.
            Ok(_) | Err(_) => {
                if open.record_reply(ended) {
                    transport.on_event(&ConnectionEvent::Ready);
                }
            }
        }
        sent.map(|replies| (replies, ended - started))
    }
}

/// Returns whether the connection must be replaced. A demoted primary keeps its connections; a new
/// connection may lead to its successor, unless this one is new itself.
fn is_broken<C>(error: &RedisError, open: &OpenConnection<C>) -> bool {
    let leads_to_replica = error.kind == ErrorKind::ReadOnly && open.age() > REPLICA_KEPT;
    error.is_connection() || leads_to_replica
}

impl<T: Transport> HostRuntime for RedisClient<T> {
    async fn sleep(&self, duration: Duration) {
        self.router.seed.transport().timer(duration).await;
    }

    fn random(&self) -> u64 {
        self.router.seed.transport().random()
    }
}

impl<T: Transport> Redis for RedisClient<T> {
    async fn execute(&self, command: Command) -> Result<Vec<Reply>, RedisError> {
        let (replies, _) = self.execute_timed(command).await?;
        Ok(replies)
    }

    async fn execute_timed(&self, command: Command) -> Result<Timed, RedisError> {
        self.execute_explained(command, &self.deadline()).await
    }

    fn connection_number(&self) -> u64 {
        self.router.connection_number()
    }

    fn connection_number_of(&self, node: &NodeAddress) -> u64 {
        self.router.connection_number_of(node)
    }

    async fn topology(&self) -> Result<Topology, RedisError> {
        if self.router.seed.mode() == Some(ServerMode::Single) {
            return Ok(Topology::Single);
        }
        self.router.topology(&self.deadline()).await
    }

    async fn newest_topology(&self) -> Result<Topology, RedisError> {
        self.router.mark_stale();
        self.topology().await
    }

    fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    fn database(&self) -> Option<u16> {
        self.router.seed.transport().database()
    }
}
