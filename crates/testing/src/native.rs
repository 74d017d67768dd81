//! The native transport.

use std::time::Duration;

use edge_cache::RedisClient;
use edge_cache::tokio::TokioTransport;

/// A transport to this address.
pub fn transport(url: &str) -> TokioTransport {
    TokioTransport::new(url).expect("an address that can be read")
}

/// A client of a server's logical database 0, with the default time limit.
pub fn client(url: &str) -> RedisClient<TokioTransport> {
    RedisClient::new(transport(url), Duration::from_millis(1500))
}
