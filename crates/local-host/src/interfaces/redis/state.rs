//! The connections of one instance, and the hosts it may connect to.

use std::sync::Arc;

use wasmtime::component::{Resource, ResourceTable};

use super::bindings::redis::Error;
use super::connection::Connection;
use crate::allowed_hosts::AllowedHosts;
use crate::interfaces::handle_table;

/// Connections an instance may have open, as in Spin.
const MAX_CONNECTIONS: usize = 1024;

/// The connections of one instance, and the hosts it may connect to.
pub struct RedisState {
    allowed_hosts: Arc<AllowedHosts>,
    connections: ResourceTable,
}

impl RedisState {
    pub fn new(allowed_hosts: Arc<AllowedHosts>) -> Self {
        Self {
            allowed_hosts,
            connections: handle_table(MAX_CONNECTIONS),
        }
    }

    pub fn allowed_hosts(&self) -> Arc<AllowedHosts> {
        self.allowed_hosts.clone()
    }

    /// Keeps an open connection.
    pub fn keep(&mut self, connection: Connection) -> Result<Resource<Connection>, Error> {
        self.connections
            .push(connection)
            .map_err(|_| Error::TooManyConnections)
    }

    /// Returns the connection behind a handle. A clone shares its socket, so the commands of one
    /// instance are pipelined.
    pub fn connection(&self, handle: &Resource<Connection>) -> Result<Connection, Error> {
        self.connections
            .get(handle)
            .cloned()
            .map_err(|_| Error::Other("could not find connection for resource".to_owned()))
    }

    pub fn close(&mut self, connection: Resource<Connection>) -> wasmtime::Result<()> {
        self.connections.delete(connection)?;
        Ok(())
    }
}
