//! Applications without HTTP: the schedule of warmups, and the subscriber of domain events.

use edge_cache_testing::RedisServer;
use tempfile::TempDir;

use crate::app::App;
use crate::host::Host;

/// The application that calls the warmup endpoint on a schedule.
pub struct Scheduler {
    host: Host,
    _state: TempDir,
}

impl Scheduler {
    /// Starts it for an application, with the given token.
    pub fn start(app: &App, token: &str) -> Self {
        let state = TempDir::new().expect("a temporary directory");
        let endpoint = (
            "warmup_endpoint".to_owned(),
            format!("http://{}", app.address()),
        );
        let variables = [endpoint, ("warmup_token".to_owned(), token.to_owned())];
        Self {
            host: Host::start_without_address("schedule.toml", &variables, state.path()),
            _state: state,
        }
    }

    /// The output of the host and the component, once nothing more arrives.
    pub fn log(&self) -> String {
        self.host.log()
    }
}

/// The application that handles messages of the events channel.
pub struct Subscriber {
    host: Host,
    _state: TempDir,
}

impl Subscriber {
    /// Starts it with this Redis.
    pub fn start(redis: &RedisServer) -> Self {
        let state = TempDir::new().expect("a temporary directory");
        let variables = [("redis_port".to_owned(), redis.port().to_string())];
        Self {
            host: Host::start_without_address("events.toml", &variables, state.path()),
            _state: state,
        }
    }

    /// The output of the host and the component, once nothing more arrives.
    pub fn log(&self) -> String {
        self.host.log()
    }
}
