//! The connection behind a handle.

/// An open connection.
pub type Connection = redis::aio::MultiplexedConnection;
