//! A service with a manifest of its own, beside the Redis of a test.

use std::path::Path;

use edge_cache_testing::RedisServer;
use tempfile::TempDir;

use crate::host::Host;
use crate::raw::raw;

/// A running service.
#[derive(Debug)]
pub struct Service {
    host: Host,
    // Removed after the host has ended.
    _state: TempDir,
}

impl Service {
    /// Starts a service of the repository, e.g. `examples/quotes/spin.toml`, and waits until it
    /// listens.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start(manifest: &str, redis: &RedisServer) -> Self {
        let state = TempDir::new().expect("a temporary directory");
        let port = redis.port().to_string();
        let variables = [("redis_port".to_owned(), port)];
        Self {
            host: Host::start(Path::new(manifest), &variables, state.path()),
            _state: state,
        }
    }

    /// Sends a GET; the whole response as text.
    ///
    /// # Panics
    /// If the service does not respond.
    pub fn get(&self, path: &str) -> String {
        let address = self.host.address();
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        raw(address, request.as_bytes())
    }
}
