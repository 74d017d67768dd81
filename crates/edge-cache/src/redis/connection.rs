//! The trait through which every command goes out.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::command::Command;
use super::reply::Reply;
use super::slot_map::NodeAddress;
use super::topology::Topology;
use crate::error::RedisError;
use crate::forward_redis;
use crate::keyspace::namespace::{self, Namespace};

/// A connection to one logical database of a server, or of a Cluster, whose nodes have the keys.
#[expect(
    async_fn_in_trait,
    reason = "whether the futures are Send depends on the implementation: those of components are not"
)]
pub trait Redis {
    /// Sends one command and waits for its flattened reply. One round trip.
    ///
    /// # Errors
    /// Every failure is a [`RedisError`], whose kind says whether the server was reached.
    async fn execute(&self, command: Command) -> Result<Vec<Reply>, RedisError>;

    /// Sends one command like [`Redis::execute`], and measures how long it took; without the time to
    /// open a connection, where an implementation knows that.
    ///
    /// # Errors
    /// Those of [`Redis::execute`].
    async fn execute_timed(&self, command: Command) -> Result<(Vec<Reply>, Duration), RedisError> {
        let sent = Instant::now();
        let replies = self.execute(command).await?;
        Ok((replies, sent.elapsed()))
    }

    /// Returns a number that changes when the connection is replaced by another one, which perhaps
    /// leads to another server. On a Cluster it is that of the node that has edge-cache's own keys.
    fn connection_number(&self) -> u64 {
        0
    }

    /// Returns the number of the connection to a node of a Cluster, as [`Redis::connection_number`] does.
    fn connection_number_of(&self, node: &NodeAddress) -> u64 {
        let _ = node;
        self.connection_number()
    }

    /// Returns which nodes hold the keys. A connection that wraps another one passes its answer on. No
    /// round trip; the first call may open the connection, and on a Cluster asks for its slots, again
    /// after nodes have changed.
    ///
    /// # Errors
    /// Those of the connection.
    async fn topology(&self) -> Result<Topology, RedisError>;

    /// Returns which nodes hold the keys by now, for a walk: no command of a walk is redirected. None on
    /// a single server, on a Cluster one round trip.
    ///
    /// # Errors
    /// Those of the connection.
    async fn newest_topology(&self) -> Result<Topology, RedisError>;

    /// Returns the namespace of the internal keys. A wrapper returns that of its connection. No
    /// round trip.
    fn namespace(&self) -> &Namespace {
        &namespace::DEFAULT
    }

    /// Returns the number of the logical database, where the connection knows it. A wrapper returns that
    /// of its connection. No round trip.
    fn database(&self) -> Option<u16> {
        None
    }
}

impl<R: Redis> Redis for &R {
    forward_redis!(self => (**self); execute, execute_timed);
    forward_redis!(self => (**self));
}

impl<R: Redis> Redis for Arc<R> {
    forward_redis!(self => (**self); execute, execute_timed);
    forward_redis!(self => (**self));
}

impl<R: Redis> Redis for Rc<R> {
    forward_redis!(self => (**self); execute, execute_timed);
    forward_redis!(self => (**self));
}

/// Implements methods of [`Redis`] for a wrapper by those of its connection: the listed ones, else
/// all but the commands.
///
/// ```
/// use edge_cache::{Command, Redis, RedisError, Reply, forward_redis};
///
/// struct Logged<R>(R);
///
/// impl<R: Redis> Redis for Logged<R> {
///     async fn execute(&self, command: Command) -> Result<Vec<Reply>, RedisError> {
///         println!("{}", command.name);
///         self.0.execute(command).await
///     }
///
///     forward_redis!(self => self.0);
/// }
/// ```
#[macro_export]
macro_rules! forward_redis {
    ($this:ident => $inner:expr) => {
        $crate::forward_redis!(
            $this => $inner;
            connection_number, connection_number_of, topology, newest_topology, namespace, database
        );
    };
    ($this:ident => $inner:expr; $($method:ident),*) => {
        $($crate::forward_redis!(@ $method, $this => $inner);)*
    };
    (@ execute, $this:ident => $inner:expr) => {
        async fn execute(
            &$this,
            command: $crate::Command,
        ) -> Result<Vec<$crate::Reply>, $crate::RedisError> {
            $inner.execute(command).await
        }
    };
    (@ execute_timed, $this:ident => $inner:expr) => {
        async fn execute_timed(
            &$this,
            command: $crate::Command,
        ) -> Result<(Vec<$crate::Reply>, std::time::Duration), $crate::RedisError> {
            $inner.execute_timed(command).await
        }
    };
    (@ connection_number, $this:ident => $inner:expr) => {
        fn connection_number(&$this) -> u64 {
            $inner.connection_number()
        }
    };
    (@ connection_number_of, $this:ident => $inner:expr) => {
        fn connection_number_of(&$this, node: &$crate::NodeAddress) -> u64 {
            $inner.connection_number_of(node)
        }
    };
    (@ topology, $this:ident => $inner:expr) => {
        async fn topology(&$this) -> Result<$crate::Topology, $crate::RedisError> {
            $inner.topology().await
        }
    };
    (@ newest_topology, $this:ident => $inner:expr) => {
        async fn newest_topology(&$this) -> Result<$crate::Topology, $crate::RedisError> {
            $inner.newest_topology().await
        }
    };
    (@ database, $this:ident => $inner:expr) => {
        fn database(&$this) -> Option<u16> {
            $inner.database()
        }
    };
    (@ namespace, $this:ident => $inner:expr) => {
        fn namespace(&$this) -> &$crate::Namespace {
            $inner.namespace()
        }
    };
}
