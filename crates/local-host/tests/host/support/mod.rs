//! The processes that tests start: the guest's build, the host, a Redis server.

mod application;
mod guest;
mod host;
mod redis_server;
mod wait;

pub use application::Application;
pub use guest::guest;
pub use host::{Host, Response};
pub use redis_server::RedisServer;
pub use wait::{wait_for, wait_until};
