//! The connection of an instance: opened once for commands that overlap, checked, and closed when
//! it breaks.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::{Either, pending, select};

use super::command::Command;
use super::deadline::Deadline;
use super::raised::Raised;
use super::sentinel::Sentinels;
use super::server_mode::{self, FoundMode, ServerMode};
use super::slot_map::NodeAddress;
use super::tls;
use super::transport::{ConnectionEvent, Transport};
use crate::error::{ErrorKind, RedisError};
use crate::guarded::Guarded;
use crate::keyspace::namespace::{NAMESPACES, Namespace};

/// For how long a server of an unsupported kind is not asked again.
const REFUSAL_KEPT: Duration = Duration::from_secs(1);
/// For how long a server may be silent during the TLS handshake before it is tried without TLS.
const TLS_SILENCE: Duration = Duration::from_millis(300);
/// Time limit for trying with TLS a server that closed a connection without it.
const TLS_TRY_LIMIT: Duration = Duration::from_millis(500);
/// For how long a server is not asked again whether it expects TLS.
const MISMATCH_KEPT: Duration = Duration::from_secs(5);
/// How often a command checks whether another one has finished opening the connection.
const OPENING_POLL: Duration = Duration::from_millis(1);

/// An open connection.
pub(super) struct OpenConnection<C> {
    pub(super) connection: C,
    opened: Instant,
    last_reply: Guarded<Option<Instant>>,
}

impl<C> OpenConnection<C> {
    pub(super) fn age(&self) -> Duration {
        self.opened.elapsed()
    }

    /// Returns how long ago the last reply arrived; `None` before the first.
    pub(super) fn idle_for(&self) -> Option<Duration> {
        self.last_reply.get().map(|at| at.elapsed())
    }

    /// Records that a reply arrived; true for the first one.
    pub(super) fn record_reply(&self, at: Instant) -> bool {
        self.last_reply.lock().replace(at).is_none()
    }
}

/// Opens the connection when it is first needed, and again after it broke.
pub(super) struct Connector<T: Transport> {
    transport: T,
    /// Where the server is found, if its address is not fixed.
    sentinels: Option<Sentinels<T>>,
    /// The kind of server, if the client does not ask for it.
    expected: Option<ServerMode>,
    /// The client's namespace; empty for the default.
    namespace: String,
    open: Guarded<Option<Arc<OpenConnection<T::Connection>>>>,
    /// Set while a connection is being opened, so that commands that overlap share it.
    is_opening: AtomicBool,
    /// The number of the connection that was opened last; 0 before the first.
    last_number: AtomicU64,
    /// The number of connections of the client, to all nodes.
    opened_count: Arc<AtomicU64>,
    /// The kind of the server to which the last connection was opened.
    mode: FoundMode,
    /// When and why the server was last refused as unsupported.
    refusal: Guarded<Option<(Instant, RedisError)>>,
    /// When the server was last asked whether it expects TLS, and the error that says so.
    mismatch: Guarded<Option<(Instant, Option<RedisError>)>>,
}

impl<T: Transport> Connector<T> {
    pub(super) fn new(transport: T) -> Self {
        Self::counting(transport, Arc::default())
    }

    /// Returns a connector to the primary that Sentinels name.
    pub(super) fn through_sentinels(transport: T, sentinels: Sentinels<T>) -> Self {
        Self {
            sentinels: Some(sentinels),
            ..Self::new(transport)
        }
    }

    fn counting(transport: T, opened_count: Arc<AtomicU64>) -> Self {
        Self {
            transport,
            sentinels: None,
            expected: None,
            namespace: String::new(),
            open: Guarded::new(None),
            is_opening: AtomicBool::new(false),
            last_number: AtomicU64::new(0),
            opened_count,
            mode: FoundMode::default(),
            refusal: Guarded::new(None),
            mismatch: Guarded::new(None),
        }
    }

    /// Takes the server for one of this kind.
    pub(super) fn expecting(self, mode: ServerMode) -> Self {
        Self {
            expected: Some(mode),
            ..self
        }
    }

    /// Registers this namespace in the database of each connection that is opened.
    pub(super) fn registering(self, namespace: &Namespace) -> Self {
        Self {
            namespace: namespace.name().to_owned(),
            ..self
        }
    }

    /// Returns a connector to another node of the same Cluster. `None` where the transport cannot reach
    /// one by its address.
    pub(super) fn to_node(&self, address: &NodeAddress) -> Option<Self> {
        let transport = self.transport.to_node(address)?;
        Some(Self {
            expected: self.expected,
            ..Self::counting(transport, Arc::clone(&self.opened_count))
        })
    }

    pub(super) fn transport(&self) -> &T {
        &self.transport
    }

    /// The number of the connection that was opened last, unique among those of the client.
    pub(super) fn connection_number(&self) -> u64 {
        self.last_number.load(Ordering::Acquire)
    }

    /// The kind of the server, as the last connection found it; `None` before the first.
    pub(super) fn mode(&self) -> Option<ServerMode> {
        self.mode.get()
    }

    /// Returns the open connection, opening it if necessary.
    pub(super) async fn connection(
        &self,
        deadline: &Deadline<'_, T>,
    ) -> Result<Arc<OpenConnection<T::Connection>>, RedisError> {
        match self.current() {
            Some(open) => Ok(open),
            None => Box::pin(self.open_or_await(deadline)).await,
        }
    }

    /// Opens the connection, or waits for a command that is opening it.
    async fn open_or_await(
        &self,
        deadline: &Deadline<'_, T>,
    ) -> Result<Arc<OpenConnection<T::Connection>>, RedisError> {
        // Requests of one instance are separate tasks of the host, which a Rust waker does not
        // reach, so each polls for itself.
        let _opening = loop {
            let opening = Raised::raise(&self.is_opening);
            if let Some(open) = self.current() {
                return Ok(open);
            }
            match opening {
                Some(opening) => break opening,
                None => deadline.bound(self.transport.timer(OPENING_POLL)).await?,
            }
        };
        if let Some(refusal) = self.recent_refusal() {
            return Err(refusal);
        }
        self.open(deadline).await
    }

    fn current(&self) -> Option<Arc<OpenConnection<T::Connection>>> {
        self.open.lock().clone()
    }

    fn recent_refusal(&self) -> Option<RedisError> {
        let refusal = self.refusal.lock();
        let (at, error) = refusal.as_ref()?;
        (at.elapsed() < REFUSAL_KEPT).then(|| error.clone())
    }

    async fn open(
        &self,
        deadline: &Deadline<'_, T>,
    ) -> Result<Arc<OpenConnection<T::Connection>>, RedisError> {
        let started = Instant::now();
        let opened = deadline.bound(self.open_checked()).await;
        let (connection, mode) = match opened.flatten() {
            Ok(opened) => opened,
            Err(error) => {
                self.report_error(&error);
                return Err(error);
            }
        };
        self.transport
            .on_event(&ConnectionEvent::Connected(started.elapsed()));

        let open = Arc::new(OpenConnection {
            connection,
            opened: Instant::now(),
            last_reply: Guarded::new(None),
        });
        self.mode.set(mode);
        self.open.set(Some(Arc::clone(&open)));
        let number = self.opened_count.fetch_add(1, Ordering::AcqRel) + 1;
        self.last_number.store(number, Ordering::Release);
        Ok(open)
    }

    /// Opens a connection to a server of a supported kind.
    async fn open_checked(&self) -> Result<(T::Connection, ServerMode), RedisError> {
        let opened = async {
            let connection = match &self.sentinels {
                Some(sentinels) => sentinels.open_primary(&self.transport).await?,
                None => self.transport.open().await?,
            };
            let mode = match self.expected {
                Some(mode) => mode,
                None => server_mode::find(&self.transport, &connection).await?,
            };
            self.register_namespace(&connection, mode).await?;
            Ok((connection, mode))
        };
        let opened = match select(pin!(opened), pin!(self.mismatch_after_silence())).await {
            Either::Left((opened, _)) => opened,
            Either::Right((mismatch, _)) => Err(mismatch),
        };

        if let Err(error) = &opened
            && error.is_unsupported()
        {
            self.refusal.set(Some((Instant::now(), error.clone())));
        }
        opened
    }

    /// Registers the client's namespace in the database, so that no global clear of another cache
    /// flushes its internal keys. A Cluster is never flushed. One round trip, none for the default
    /// namespace.
    async fn register_namespace(
        &self,
        connection: &T::Connection,
        mode: ServerMode,
    ) -> Result<(), RedisError> {
        if self.namespace.is_empty() || mode == ServerMode::Cluster {
            return Ok(());
        }
        let register = Command::read("SADD").arg(NAMESPACES);
        let register = register.arg(self.namespace.as_str());
        match self.transport.send(connection, &register).await {
            // A server that is read-only or full gets the registration with a later connection.
            Err(error) if error.is_connection() => Err(error),
            _ => Ok(()),
        }
    }

    /// Detects a server without TLS, which waits in silence for the rest of a TLS handshake. Never
    /// ends for any other server.
    async fn mismatch_after_silence(&self) -> RedisError {
        if self.transport.is_tls() && self.sentinels.is_none() {
            self.transport.timer(TLS_SILENCE).await;
            if let Some(mismatch) = tls::find_mismatch(&self.transport).await {
                return mismatch;
            }
        }
        pending().await
    }

    /// Explains why no connection could ever be opened, once no retry is left: a server that expects TLS
    /// closes a connection without it. At most one more connection, whose handshake costs a host more
    /// than all else that a failed request does.
    pub(super) async fn explain_unopened(
        &self,
        error: RedisError,
        deadline: &Deadline<'_, T>,
    ) -> RedisError {
        let may_be_mismatch = error.kind == ErrorKind::Unreachable
            && !error.message.contains("refused")
            && self.sentinels.is_none()
            && self.connection_number() == 0;
        if !may_be_mismatch {
            return error;
        }

        if let Some(known) = self.known_mismatch() {
            return known.unwrap_or(error);
        }

        let mismatch = tls::find_mismatch(&self.transport);
        let limit = self.transport.timer(TLS_TRY_LIMIT);
        match deadline.bound(select(pin!(mismatch), pin!(limit))).await {
            Ok(Either::Left((Some(mismatch), _))) => {
                self.report_error(&mismatch);
                let found = (Instant::now(), Some(mismatch.clone()));
                self.mismatch.set(Some(found));
                mismatch
            }
            _ => error,
        }
    }

    /// Returns what was found out lately; `None` for the caller that is to find it out.
    fn known_mismatch(&self) -> Option<Option<RedisError>> {
        let mut known = self.mismatch.lock();
        match &*known {
            Some((asked, mismatch)) if asked.elapsed() < MISMATCH_KEPT => Some(mismatch.clone()),
            _ => {
                *known = Some((Instant::now(), None));
                None
            }
        }
    }

    /// Closes a broken connection, unless another command has replaced it already.
    pub(super) fn close(&self, broken: &Arc<OpenConnection<T::Connection>>) {
        let mut open = self.open.lock();
        let is_current = open
            .as_ref()
            .is_some_and(|current| Arc::ptr_eq(current, broken));
        if is_current {
            *open = None;
            self.transport.on_event(&ConnectionEvent::Closed);
        }
    }

    pub(super) fn report_error(&self, error: &RedisError) {
        self.transport
            .on_event(&ConnectionEvent::Error(&error.message));
    }
}
