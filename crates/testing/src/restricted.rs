//! Servers as restricted as those of managed services: a real one behind a proxy that refuses what they are known to
//! refuse.

use edge_cache::RedisClient;
use edge_cache::redis::ExpectedTopology;
use edge_cache::tokio::TokioTransport;

use crate::{Proxy, RedisServer, Restrictions, ServerKind, client};

/// A server behind a proxy with restrictions.
pub struct Restricted {
    /// The kind of service.
    pub name: &'static str,
    /// A client through the proxy.
    pub redis: RedisClient<TokioTransport>,
    /// The proxy.
    pub proxy: Proxy,
    /// The server, which refuses nothing itself.
    pub server: RedisServer,
}

impl Restricted {
    /// Starts a server and its proxy; the client takes it for one of the expected kind.
    pub fn start(
        name: &'static str,
        restrictions: Restrictions,
        expected: ExpectedTopology,
    ) -> Self {
        let server = RedisServer::of_kind(ServerKind::Redis7, &[]);
        let proxy = Proxy::restricted(server.port(), restrictions);
        Self {
            name,
            redis: client(&proxy.url(0)).expecting(expected),
            proxy,
            server,
        }
    }

    /// A server like ElastiCache Serverless.
    pub fn serverless() -> Self {
        let restrictions = Restrictions::serverless();
        Self::start("serverless", restrictions, ExpectedTopology::Auto)
    }

    /// One server of each kind of service.
    pub fn all() -> Vec<Self> {
        use ExpectedTopology::{Auto, Cluster};
        vec![
            Self::serverless(),
            Self::start("strict scripts", Restrictions::strict_scripts(), Cluster),
            Self::start("enterprise", Restrictions::enterprise(), Cluster),
            Self::start("upstash", Restrictions::upstash(), Auto),
        ]
    }
}
