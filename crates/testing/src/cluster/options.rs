//! Options of a cluster.

use std::time::Duration;

use crate::ServerKind;

/// Options of [`crate::Cluster::with`].
#[derive(Debug, Clone)]
pub struct ClusterOptions {
    pub(super) kind: ServerKind,
    pub(super) has_replicas: bool,
    pub(super) node_timeout: Duration,
    pub(super) password: Option<String>,
    pub(super) redis: Vec<String>,
}

impl ClusterOptions {
    /// The defaults: servers of the kind that `EDGE_CACHE_TEST_SERVER` selects, a replica for each
    /// primary, a failure that is noticed after 2 s, and no password.
    pub fn new() -> Self {
        Self {
            kind: ServerKind::selected(),
            has_replicas: true,
            node_timeout: Duration::from_secs(2),
            password: None,
            redis: Vec::new(),
        }
    }

    /// Starts servers of this kind.
    pub fn kind(mut self, kind: ServerKind) -> Self {
        self.kind = kind;
        self
    }

    /// Starts the three primaries alone.
    pub fn without_replicas(mut self) -> Self {
        self.has_replicas = false;
        self
    }

    /// Sets `cluster-node-timeout`, after which a silent node counts as failed.
    pub fn node_timeout(mut self, timeout: Duration) -> Self {
        self.node_timeout = timeout;
        self
    }

    /// Sets the password of the default user of all nodes.
    pub fn password(mut self, password: &str) -> Self {
        self.password = Some(password.to_owned());
        self
    }

    /// Adds options of the servers.
    pub fn redis(mut self, options: &[&str]) -> Self {
        let options = options.iter().map(|option| (*option).to_owned());
        self.redis.extend(options);
        self
    }

    /// The options of each server.
    pub(super) fn of_server(&self) -> Vec<String> {
        let timeout = self.node_timeout.as_millis().to_string();
        let fixed = [
            "--cluster-enabled",
            "yes",
            "--cluster-node-timeout",
            &timeout,
            // On a busy machine an election may take longer than ten timeouts, after which a replica would
            // count as too old to be promoted.
            "--cluster-replica-validity-factor",
            "0",
            "--repl-diskless-sync-delay",
            "0",
            // A replica is listed once it received something.
            "--repl-ping-replica-period",
            "1",
        ];
        let login = self.password.iter().flat_map(|password| {
            ["--requirepass", password, "--masterauth", password].map(str::to_owned)
        });

        let options = fixed.map(str::to_owned).into_iter().chain(login);
        options.chain(self.redis.iter().cloned()).collect()
    }
}

impl Default for ClusterOptions {
    fn default() -> Self {
        Self::new()
    }
}
