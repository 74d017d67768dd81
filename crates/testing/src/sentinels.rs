//! A private primary with two replicas and the three Sentinels that watch them, removed when dropped.

mod options;
mod sentinel;

use std::collections::HashMap;
use std::thread::sleep;
use std::time::{Duration, Instant};

use redis::{Value, from_redis_value};
use tempfile::TempDir;

pub use options::SentinelOptions;

use crate::RedisServer;
use crate::node::Node;
use sentinel::{MASTER_NAME, Sentinel, Watched};

/// The number of Sentinels.
const SENTINELS: usize = 3;
/// The number of replicas.
const REPLICAS: usize = 2;
/// The time limit for the start and for a failover.
const READY_LIMIT: Duration = Duration::from_secs(30);
/// The time between two checks.
const CHECK_INTERVAL: Duration = Duration::from_millis(20);

/// Running servers and Sentinels. Servers have numbers: 0 is the primary at first, 1 and 2 are its
/// replicas.
#[derive(Debug)]
pub struct Sentinels {
    servers: Vec<Node>,
    sentinels: Vec<Sentinel>,
    /// Has the Sentinels' configurations and logs.
    _directory: TempDir,
}

impl Sentinels {
    /// Starts servers and Sentinels with the default options.
    ///
    /// # Panics
    /// Panics when the servers are not installed or do not start.
    pub fn start() -> Self {
        Self::with(SentinelOptions::new())
    }

    /// Starts servers and Sentinels, and waits until the Sentinels know each other and the replicas.
    ///
    /// # Panics
    /// Panics when the servers are not installed or do not start; prints their logs.
    pub fn with(options: SentinelOptions) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let servers = start_servers(&options);
        wait_until("the replicas are linked", || are_linked(&servers));

        let watched = Watched {
            ports: servers.iter().map(Node::port).collect(),
            password: options.password,
        };
        let mut sentinels: Vec<Sentinel> = (0..SENTINELS)
            .map(|_| Sentinel::new(options.kind, directory.path(), &options.sentinel_password))
            .collect();
        let identities: Vec<_> = sentinels.iter().map(Sentinel::identity).collect();
        for sentinel in &mut sentinels {
            sentinel.configure(&watched, options.down_after, &identities);
            sentinel.launch();
        }

        let started = Self {
            servers,
            sentinels,
            _directory: directory,
        };
        wait_until("the Sentinels are ready", || started.check_sentinels());
        started
    }

    /// The name under which the Sentinels know the servers.
    pub fn master_name(&self) -> &'static str {
        MASTER_NAME
    }

    /// The Sentinels' addresses, as `host:port`, whether or not they run.
    pub fn addresses(&self) -> Vec<String> {
        let addresses = self.sentinels.iter().map(Sentinel::address);
        addresses.collect()
    }

    /// A server, whether or not it runs.
    ///
    /// # Panics
    /// Panics when there are fewer servers.
    pub fn node(&self, number: usize) -> &Node {
        &self.servers[number]
    }

    /// The port of the primary, as the first Sentinel that replies reports it.
    ///
    /// # Panics
    /// Panics when no Sentinel replies.
    pub fn primary_port(&self) -> u16 {
        self.sentinels
            .iter()
            .find_map(Sentinel::primary_port)
            .expect("a Sentinel that replies")
    }

    /// The number of the primary, see [`Sentinels::primary_port`].
    ///
    /// # Panics
    /// Panics when no Sentinel replies.
    pub fn primary(&self) -> usize {
        let port = self.primary_port();
        let number = self.servers.iter().position(|server| server.port() == port);
        number.expect("a port of a server")
    }

    /// Runs a command on a Sentinel, e.g. `["SENTINEL", "REPLICAS", "cache"]`.
    ///
    /// # Panics
    /// Panics when the Sentinel refuses it; the message has its error.
    pub fn sentinel_command(&self, number: usize, words: &[&str]) -> Value {
        self.sentinels[number]
            .try_command(words)
            .unwrap_or_else(|error| panic!("{words:?} on Sentinel {number}: {error}"))
    }

    /// Ends the primary at once, as a crash would; returns its number.
    ///
    /// # Panics
    /// Panics when no Sentinel replies.
    pub fn kill_primary(&mut self) -> usize {
        let number = self.primary();
        self.kill(number);
        number
    }

    /// Ends a server at once, as a crash would.
    pub fn kill(&mut self, number: usize) {
        self.servers[number].kill();
    }

    /// Starts a killed server again, on the same port and without keys. The Sentinels make it a replica
    /// once they notice it.
    ///
    /// # Panics
    /// Panics when it does not start.
    pub fn restart(&mut self, number: usize) {
        self.servers[number].launch();
    }

    /// Stops a server's process: connections stay open, and commands get no reply.
    pub fn freeze(&self, number: usize) {
        self.node(number).freeze();
    }

    /// Continues a frozen server.
    pub fn thaw(&self, number: usize) {
        self.node(number).thaw();
    }

    /// Ends a Sentinel at once. Two of three can still promote a replica.
    pub fn kill_sentinel(&mut self, number: usize) {
        self.sentinels[number].kill();
    }

    /// Waits until all Sentinels that run report the same primary, and it replies as a primary. After
    /// the primary was killed or frozen, this is when a replica was promoted.
    ///
    /// # Panics
    /// Panics after 30 s.
    pub fn wait_for_failover(&self) {
        wait_until("a replica is promoted", || self.check_primary());
    }

    fn check_primary(&self) -> Result<(), String> {
        let running = self.sentinels.iter().filter(|sentinel| sentinel.runs());
        let reported: Vec<_> = running.map(Sentinel::primary_port).collect();
        let first = reported.first().copied().flatten();
        let port = first.ok_or("no Sentinel reports a primary")?;
        if reported.iter().any(|other| *other != first) {
            return Err(format!("the Sentinels report {reported:?}"));
        }

        let server = self.servers.iter().find(|server| server.port() == port);
        let server = server.filter(|server| server.replies());
        let role = server.and_then(|server| server.try_command(&["ROLE"]).ok());
        match role.and_then(|role| from_redis_value::<Vec<Value>>(&role).ok()) {
            Some(role) if role.first() == Some(&Value::BulkString(b"master".to_vec())) => Ok(()),
            _ => Err(format!("the server on port {port} is not a primary")),
        }
    }

    /// Checks that all Sentinels know each other and could promote each replica.
    fn check_sentinels(&self) -> Result<(), String> {
        for (number, sentinel) in self.sentinels.iter().enumerate() {
            let quorum = sentinel.try_command(&["SENTINEL", "CKQUORUM", MASTER_NAME]);
            let enough = quorum.is_ok_and(|reply| {
                let text = from_redis_value::<String>(&reply).unwrap_or_default();
                text.starts_with(&format!("OK {SENTINELS} usable"))
            });

            let replicas = sentinel.try_command(&["SENTINEL", "REPLICAS", MASTER_NAME]);
            let replicas =
                replicas.and_then(|reply| from_redis_value::<Vec<HashMap<String, String>>>(&reply));
            let known = replicas.unwrap_or_default();
            let is_linked = |replica: &&HashMap<String, String>| {
                replica["flags"] == "slave" && replica["master-link-status"] == "ok"
            };

            if !enough || known.iter().filter(is_linked).count() != REPLICAS {
                return Err(format!("Sentinel {number} knows {known:?}"));
            }
        }
        Ok(())
    }
}

fn start_servers(options: &SentinelOptions) -> Vec<Node> {
    let start = |replicated: &[String]| {
        let all = [&options.of_server(), replicated].concat();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let server = RedisServer::of_kind(options.kind, &all);
        Node::new(server, options.password.clone())
    };

    let primary = start(&[]);
    let port = primary.port().to_string();
    let replicated = ["--replicaof".to_owned(), "127.0.0.1".to_owned(), port];
    let replicas = (0..REPLICAS).map(|_| start(&replicated));
    [primary].into_iter().chain(replicas).collect()
}

fn are_linked(servers: &[Node]) -> Result<(), String> {
    for replica in &servers[1..] {
        let role = replica.command(&["ROLE"]);
        let role: Vec<Value> = from_redis_value(&role).map_err(|error| error.to_string())?;
        if role.get(3) != Some(&Value::BulkString(b"connected".to_vec())) {
            return Err(format!("the replica on port {}: {role:?}", replica.port()));
        }
    }
    Ok(())
}

fn wait_until(state: &str, check: impl Fn() -> Result<(), String>) {
    let deadline = Instant::now() + READY_LIMIT;
    while let Err(reason) = check() {
        assert!(
            Instant::now() < deadline,
            "waited in vain until {state}: {reason}"
        );
        sleep(CHECK_INTERVAL);
    }
}
