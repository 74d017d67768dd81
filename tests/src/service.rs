//! A service with a manifest of its own, beside the Redis of a test.

use std::path::Path;
use std::time::Duration;

use edge_cache_testing::RedisServer;
use tempfile::TempDir;

use crate::host::Host;
use crate::raw::raw_within;

/// Time limit for a response. The first request of a large component waits until it is compiled.
const RESPONSE_LIMIT: Duration = Duration::from_secs(180);

/// A running service.
#[derive(Debug)]
pub struct Service {
    host: Host,
    // Removed after the host has ended.
    _state: TempDir,
}

impl Service {
    /// Starts a service of the repository, e.g. `examples/rust/spin.toml`, and waits until it
    /// listens.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start(manifest: &str, redis: &RedisServer) -> Self {
        let port = redis.port().to_string();
        Self::start_with(Path::new(manifest), &[("redis_port".to_owned(), port)])
    }

    /// Starts a service with these variables, and waits until it listens.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start_with(manifest: &Path, variables: &[(String, String)]) -> Self {
        let state = TempDir::new().expect("a temporary directory");
        Self {
            host: Host::start(manifest, variables, state.path()),
            _state: state,
        }
    }

    /// Sends a GET; the whole response as text.
    ///
    /// # Panics
    /// If the service does not respond.
    pub fn get(&self, path: &str) -> String {
        self.send("GET", path)
    }

    /// Sends a request without a body; the whole response as text.
    ///
    /// # Panics
    /// If the service does not respond.
    pub fn send(&self, method: &str, path: &str) -> String {
        let address = self.host.address();
        let request =
            format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        raw_within(address, request.as_bytes(), RESPONSE_LIMIT)
    }

    /// The output of the host and the service, once nothing more arrives.
    pub fn log(&self) -> String {
        self.host.log()
    }
}
