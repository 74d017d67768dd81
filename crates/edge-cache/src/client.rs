//! A connection that heals: time limits on opening and on every command, reopening when broken, and repetition of what
//! is safe to repeat.
//!
//! A host keeps a component instance for many requests (Spin for 128 unless told otherwise), so the connection in it is
//! reused and multiplexed by them; it also means that a connection found in an instance can be dead. Nothing here is a rule
//! of Spin's: the transport is a parameter, and tests run this very code against a real server.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use futures_util::future::{Either, LocalBoxFuture, Shared, select};

use crate::cache::{Outcome, Runtime};
use crate::error::{ErrorKind, RedisError};
use crate::redis::{Command, Redis, Reply};

/// A connection unused for longer than this is asked for a sign of life before it gets a command that cannot be repeated.
const PROVEN_FOR: Duration = Duration::from_millis(100);
/// How long a connection is kept whose server is a read-only replica.
const REPLICA_KEPT: Duration = Duration::from_secs(1);
/// How often a request looks whether another has finished opening the connection.
const OPENING_POLL: Duration = Duration::from_millis(1);
/// How often a repeatable command is tried.
const TRIES: u32 = 3;

/// What a host offers to reach one Redis server.
#[expect(async_fn_in_trait, reason = "components are single-threaded: the futures need not be Send")]
pub trait Transport {
    /// An open, multiplexed connection.
    type Connection;

    /// Opens a connection, with authentication and the choice of the logical database.
    ///
    /// # Errors
    /// Those of the host; no time limit is expected of it.
    async fn open(&self) -> Result<Self::Connection, RedisError>;

    /// Sends a command.
    ///
    /// # Errors
    /// Those of the host; no time limit is expected of it.
    async fn send(&self, connection: &Self::Connection, command: &Command) -> Result<Vec<Reply>, RedisError>;

    /// Waits.
    async fn sleep(&self, duration: Duration);

    /// A random number, of good enough quality that two instances do not get the same.
    fn random(&self) -> u64;

    /// Hears how look-ups in the cache end, to log them.
    fn looked_up(&self, key: &str, outcome: Outcome) {
        let _ = (key, outcome);
    }

    /// Hears what happens to the connection, to log it.
    fn event(&self, event: &ConnectionEvent<'_>) {
        let _ = event;
    }
}

/// What happens to a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionEvent<'a> {
    /// The connection was opened, in this time.
    Connected(Duration),
    /// The first command on it was answered.
    Ready,
    /// Opening or a command failed.
    Error(&'a str),
    /// The connection was given up.
    Closed,
    /// Another attempt follows, the how-manieth.
    Reconnecting(u32),
}

struct Open<C> {
    connection: C,
    opened: Instant,
    answered: Cell<Option<Instant>>,
}

/// The right to open the connection, given back however the opening ends.
struct Turn<'a>(&'a Cell<bool>);

impl<'a> Turn<'a> {
    fn take(opening: &'a Cell<bool>) -> Self {
        opening.set(true);
        Self(opening)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

/// When all has to be done. Whatever waits for it waits by one timer: a host is asked for each.
struct Deadline<'a> {
    at: Instant,
    over: Shared<LocalBoxFuture<'a, ()>>,
}

impl<'a> Deadline<'a> {
    fn after<T: Transport>(limit: Duration, transport: &'a T) -> Self {
        let at = Instant::now() + limit;
        let over = async move { transport.sleep(at.saturating_duration_since(Instant::now())).await };
        Self { at, over: over.boxed_local().shared() }
    }

    /// Runs `work` but no longer.
    async fn bound<F: Future>(&self, work: F) -> Result<F::Output, RedisError> {
        match select(pin!(work), self.over.clone()).await {
            Either::Left((output, _)) => Ok(output),
            Either::Right(_) => Err(RedisError::new(ErrorKind::Timeout, "Redis did not answer in time")),
        }
    }
}

/// A [`Redis`] over any [`Transport`].
pub struct Client<T: Transport> {
    transport: T,
    open: RefCell<Option<Rc<Open<T::Connection>>>>,
    /// Set while a connection is being opened, so that commands that overlap share it.
    opening: Cell<bool>,
    limit: Duration,
}

impl<T: Transport> Client<T> {
    /// A client that opens its connection when first used. `limit` bounds each command, its repetitions included.
    pub fn new(transport: T, limit: Duration) -> Self {
        Self { transport, open: RefCell::new(None), opening: Cell::new(false), limit }
    }

    /// The same connection for a request that promises its whole answer within `limit`, counted from now.
    pub fn within(&self, limit: Duration) -> Within<'_, T> {
        Within { client: self, deadline: Deadline::after(limit.min(self.limit), &self.transport) }
    }

    fn current(&self) -> Option<Rc<Open<T::Connection>>> {
        self.open.borrow().as_ref().map(Rc::clone)
    }

    async fn connection(&self, deadline: &Deadline<'_>) -> Result<Rc<Open<T::Connection>>, RedisError> {
        if let Some(open) = self.current() {
            return Ok(open);
        }
        // Requests of one instance are tasks of their own, which no waker of Rust's crosses: each looks again by itself.
        while self.opening.get() {
            deadline.bound(self.transport.sleep(OPENING_POLL)).await?;
            if let Some(open) = self.current() {
                return Ok(open);
            }
        }
        let _turn = Turn::take(&self.opening);
        let started = Instant::now();
        let connection = deadline.bound(self.transport.open()).await.and_then(|opened| opened);
        let connection =
            connection.inspect_err(|error| self.transport.event(&ConnectionEvent::Error(&error.message)))?;
        self.transport.event(&ConnectionEvent::Connected(started.elapsed()));
        let open = Rc::new(Open { connection, opened: Instant::now(), answered: Cell::new(None) });
        *self.open.borrow_mut() = Some(Rc::clone(&open));
        Ok(open)
    }

    /// Gives up a connection, unless another request has replaced it already.
    fn give_up(&self, broken: &Rc<Open<T::Connection>>) {
        let mut open = self.open.borrow_mut();
        if open.as_ref().is_some_and(|current| Rc::ptr_eq(current, broken)) {
            *open = None;
            self.transport.event(&ConnectionEvent::Closed);
        }
    }

    async fn send(
        &self,
        open: &Rc<Open<T::Connection>>,
        command: &Command,
        deadline: &Deadline<'_>,
    ) -> Result<(Vec<Reply>, Duration), RedisError> {
        let started = Instant::now();
        let sent = deadline.bound(self.transport.send(&open.connection, command)).await.and_then(|reply| reply);
        let ended = Instant::now();
        match &sent {
            // A primary that was demoted keeps its connections; a new one may lead to its successor, where it is not new already.
            Err(error)
                if error.is_connection()
                    || (error.kind == ErrorKind::ReadOnly && open.opened.elapsed() > REPLICA_KEPT) =>
            {
                self.transport.event(&ConnectionEvent::Error(&error.message));
                self.give_up(open);
            }
            // A server's refusal is an answer too.
            _ => {
                if open.answered.replace(Some(ended)).is_none() {
                    self.transport.event(&ConnectionEvent::Ready);
                }
            }
        }
        sent.map(|replies| (replies, ended - started))
    }

    /// A connection found in the instance may have died since; a command that must not run twice is not risked on it.
    async fn proven(&self, deadline: &Deadline<'_>) -> Result<Rc<Open<T::Connection>>, RedisError> {
        let open = self.connection(deadline).await?;
        let fresh = open.answered.get().is_none_or(|at| at.elapsed() < PROVEN_FOR);
        if fresh || self.send(&open, &Command::read("PING"), deadline).await.is_ok() {
            return Ok(open);
        }
        self.connection(deadline).await
    }

    /// One try. The second part of a failure says whether the command may have reached the server.
    async fn attempt(
        &self,
        command: &Command,
        deadline: &Deadline<'_>,
    ) -> Result<(Vec<Reply>, Duration), (RedisError, bool)> {
        let open = if command.repeatable { self.connection(deadline).await } else { self.proven(deadline).await };
        let open = open.map_err(|error| (error, false))?;
        self.send(&open, command, deadline).await.map_err(|error| (error, true))
    }

    /// The replies, and how long the try took that brought them: opening the connection and earlier tries are not the server's
    /// speed.
    async fn execute_until(
        &self,
        mut command: Command,
        deadline: &Deadline<'_>,
    ) -> Result<(Vec<Reply>, Duration), RedisError> {
        let mut tried = 1;
        loop {
            let (error, sent) = match self.attempt(&command, deadline).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            if error.kind == ErrorKind::NoScript && command.tell_script() {
                continue;
            }
            let may_repeat = tried < TRIES && (command.repeatable || !sent);
            let pause = (Duration::from_millis(50) * tried).min(Duration::from_secs(2));
            let in_time = Instant::now() + pause < deadline.at;
            if !may_repeat || !in_time || error.kind != ErrorKind::Unreachable {
                return Err(error);
            }
            self.transport.event(&ConnectionEvent::Reconnecting(tried));
            self.transport.sleep(pause).await;
            tried += 1;
        }
    }
}

impl<T: Transport> Runtime for Client<T> {
    async fn sleep(&self, duration: Duration) {
        self.transport.sleep(duration).await;
    }

    fn random(&self) -> u64 {
        self.transport.random()
    }

    fn looked_up(&self, key: &str, outcome: Outcome) {
        self.transport.looked_up(key, outcome);
    }
}

impl<T: Transport> Redis for Client<T> {
    async fn execute(&self, command: Command) -> Result<Vec<Reply>, RedisError> {
        self.measured(command).await.map(|(replies, _)| replies)
    }

    async fn measured(&self, command: Command) -> Result<(Vec<Reply>, Duration), RedisError> {
        self.execute_until(command, &Deadline::after(self.limit, &self.transport)).await
    }
}

/// A [`Client`] whose commands share one deadline: the request's own limit.
pub struct Within<'a, T: Transport> {
    client: &'a Client<T>,
    deadline: Deadline<'a>,
}

impl<T: Transport> Redis for Within<'_, T> {
    async fn execute(&self, command: Command) -> Result<Vec<Reply>, RedisError> {
        self.measured(command).await.map(|(replies, _)| replies)
    }

    async fn measured(&self, command: Command) -> Result<(Vec<Reply>, Duration), RedisError> {
        self.client.execute_until(command, &self.deadline).await
    }
}
