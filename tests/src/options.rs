//! Options of the application under test.

use edge_cache_testing::{Cluster, ClusterOptions, RedisServer};

use crate::caller::Caller;
use crate::redis_user;
use crate::topology::Topology;

/// The variables of the login to Redis.
const LOGIN: [&str; 2] = ["redis_username", "redis_password"];

/// The configuration file of the application.
#[derive(Debug, Clone)]
pub(crate) enum Configuration {
    /// A file of the repository.
    File(&'static str),
    /// A text.
    Text(String),
    /// The file beside `spin.toml`.
    Product,
}

impl Default for Configuration {
    fn default() -> Self {
        Self::File("examples/catalog/edge-cache.toml")
    }
}

/// Options of [`crate::App::with`].
#[derive(Debug, Clone, Default)]
pub struct Options {
    variables: Vec<(String, String)>,
    redis: Vec<&'static str>,
    without_tokens: bool,
    default_user: bool,
    pub(crate) exclusive: bool,
    pub(crate) proxied: bool,
    pub(crate) tls: bool,
    pub(crate) cluster: bool,
    pub(crate) sentinels: bool,
    pub(crate) configuration: Configuration,
}

impl Options {
    /// The defaults: a token for each role and the configuration of the sample shop, as `scripts/up`
    /// starts it with its own Redis.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a variable of `spin.toml`; overrides the value of the harness.
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds options of `redis-server`.
    pub fn redis(mut self, options: &[&'static str]) -> Self {
        self.redis.extend_from_slice(options);
        self
    }

    /// Configures no tokens.
    pub fn without_tokens(mut self) -> Self {
        self.without_tokens = true;
        self
    }

    /// Uses this file of the repository as the configuration.
    pub fn configuration_file(mut self, path: &'static str) -> Self {
        self.configuration = Configuration::File(path);
        self
    }

    /// Uses this text as the configuration.
    pub fn configuration(mut self, text: &str) -> Self {
        self.configuration = Configuration::Text(text.to_owned());
        self
    }

    /// Runs `spin.toml` unchanged, with the configuration beside it, whose plan has no modules.
    pub fn as_deployed(mut self) -> Self {
        self.configuration = Configuration::Product;
        self
    }

    /// Adds a proxy in front of Redis that fails on demand: [`crate::App::proxy`].
    pub fn proxied(mut self) -> Self {
        self.proxied = true;
        self
    }

    /// Starts a Redis with TLS on a second port, which the application uses. Its certificate is
    /// self-signed.
    pub fn tls(mut self) -> Self {
        self.tls = true;
        self
    }

    /// Starts a Redis Cluster of three primaries with a replica each. The application is given one node and
    /// may connect to all of them.
    pub fn cluster(mut self) -> Self {
        self.cluster = true;
        self.default_user()
            .variable("redis_nodes", "redis://127.0.0.1:*")
    }

    /// Starts a primary with two replicas and three Sentinels. The application is given the Sentinels only.
    pub fn sentinels(mut self) -> Self {
        self.sentinels = true;
        self.default_user()
            .variable("redis_nodes", "redis://127.0.0.1:*")
    }

    /// Logs in as the default user of Redis instead of the user in SECURITY.md, because the test
    /// changes its permissions or password.
    pub fn default_user(mut self) -> Self {
        self.default_user = true;
        self
    }

    /// Runs no other test of this file at the same time, for assertions about time.
    pub fn exclusive(mut self) -> Self {
        self.exclusive = true;
        self
    }

    /// Returns true if the application uses a Cluster: the selected one, which has no replicas, or
    /// that of [`Options::cluster`].
    ///
    /// # Panics
    /// If a Cluster is selected for a test that needs one server.
    pub(crate) fn uses_cluster(&self) -> bool {
        let is_selected = Topology::selected() == Topology::Cluster && !self.sentinels;
        assert!(
            !is_selected || !(self.proxied || self.tls),
            "a test with a proxy or TLS needs one server: say so with `runs_on`"
        );
        self.cluster || is_selected
    }

    /// Starts the Cluster of the application.
    pub(crate) fn start_cluster(&self) -> Cluster {
        if self.cluster {
            return Cluster::start();
        }
        let options = ClusterOptions::new().without_replicas();
        let options = options.redis(&self.redis);
        Cluster::with(match self.uses_default_user() {
            true => options,
            false => {
                let user = redis_user::options_on_cluster();
                let user: Vec<&str> = user.iter().map(String::as_str).collect();
                options.redis(&user)
            }
        })
    }

    /// Starts the server of the application.
    pub(crate) fn start_redis(&self) -> RedisServer {
        if self.tls {
            return RedisServer::with_tls();
        }
        let user = if self.uses_default_user() {
            Vec::new()
        } else {
            redis_user::options()
        };
        let databases: &[&str] = match Topology::selected() {
            Topology::OneDatabase => &["--databases", "1"],
            Topology::Single | Topology::Cluster => &[],
        };
        let user = user.iter().map(String::as_str);
        let options = user.chain(databases.iter().copied());
        let options: Vec<_> = options.chain(self.redis.iter().copied()).collect();
        RedisServer::with(&options)
    }

    /// Returns the variables of an application whose Redis is at `port`.
    pub(crate) fn into_variables(self, port: u16) -> Vec<(String, String)> {
        let tokens = if self.without_tokens {
            String::new()
        } else {
            Caller::variable()
        };
        let mut variables = vec![
            ("redis_host".to_owned(), "127.0.0.1".to_owned()),
            ("redis_port".to_owned(), port.to_string()),
            ("tokens".to_owned(), tokens),
        ];

        if !self.uses_default_user() {
            let [name, password] = LOGIN.map(str::to_owned);
            variables.push((name, redis_user::USER.to_owned()));
            variables.push((password, redis_user::PASSWORD.to_owned()));
        }

        if self.uses_cluster() && !self.cluster {
            variables.push(("redis_nodes".to_owned(), "redis://127.0.0.1:*".to_owned()));
        }

        variables.extend(self.variables);
        variables
    }

    /// Returns true if the application does not log in as the user in SECURITY.md: the test sets a
    /// login, or uses TLS.
    fn uses_default_user(&self) -> bool {
        let is_login = |(name, _): &(String, String)| LOGIN.contains(&name.as_str());
        self.default_user || self.tls || self.variables.iter().any(is_login)
    }
}
