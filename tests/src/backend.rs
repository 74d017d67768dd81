//! The Redis of an application under test: a server, a Cluster, or servers with Sentinels.

use edge_cache_testing::{Cluster, RedisServer, Sentinels};

use crate::connection::Connection;
use crate::options::Options;

/// The Redis of an application.
pub(crate) enum Backend {
    Server(RedisServer),
    Cluster(Cluster),
    Sentinels(Sentinels),
}

impl Backend {
    pub(crate) fn start(options: &Options) -> Self {
        if options.uses_cluster() {
            Self::Cluster(options.start_cluster())
        } else if options.sentinels {
            Self::Sentinels(Sentinels::start())
        } else {
            Self::Server(options.start_redis())
        }
    }

    pub(crate) fn server(&self) -> &RedisServer {
        match self {
            Self::Server(server) => server,
            Self::Cluster(_) => panic!("a Cluster has several servers: use `App::cluster`"),
            Self::Sentinels(_) => panic!("there are several servers: use `App::sentinels`"),
        }
    }

    /// A connection to the server, or to all nodes of the Cluster.
    pub(crate) fn connection(&self) -> Connection {
        match self {
            Self::Server(server) => Connection::to(server),
            Self::Cluster(cluster) => Connection::to_cluster(cluster),
            Self::Sentinels(_) => panic!("there are several servers: use `App::sentinels`"),
        }
    }

    /// The variables by which the application finds the Sentinels.
    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        let Self::Sentinels(sentinels) = self else {
            return Vec::new();
        };
        vec![
            (
                "redis_sentinels".to_owned(),
                sentinels.addresses().join(","),
            ),
            (
                "redis_master_name".to_owned(),
                sentinels.master_name().to_owned(),
            ),
        ]
    }

    /// The port that the application is given.
    pub(crate) fn port(&self, is_tls: bool) -> u16 {
        match self {
            Self::Server(server) if is_tls => server.tls_port(),
            Self::Server(server) => server.port(),
            Self::Cluster(cluster) => cluster.node(0).port(),
            // Nothing listens there: the application asks the Sentinels.
            Self::Sentinels(_) => 1,
        }
    }
}
