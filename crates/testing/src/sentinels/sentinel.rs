//! One Sentinel.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use redis::{RedisResult, Value, from_redis_value};

use crate::ServerKind;
use crate::node::{connect, run};
use crate::ports::free_node_port;
use crate::process::{ServerProcess, read_log};

/// The name under which Sentinels know the servers.
pub(super) const MASTER_NAME: &str = "cache";
/// The number of Sentinels that must agree that the primary failed.
const QUORUM: usize = 2;
/// The time after which a failover that does not succeed is given up.
const FAILOVER_LIMIT: Duration = Duration::from_secs(5);

/// The servers that Sentinels watch, the primary first.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) ports: Vec<u16>,
    pub(super) password: Option<String>,
}

/// The port and the identity of a Sentinel.
pub(super) type Identity = (u16, String);

/// A Sentinel, which may run.
#[derive(Debug)]
pub(super) struct Sentinel {
    process: Option<ServerProcess>,
    kind: ServerKind,
    port: u16,
    configuration: PathBuf,
    log: PathBuf,
    password: Option<String>,
}

impl Sentinel {
    pub(super) fn new(kind: ServerKind, directory: &Path, password: &Option<String>) -> Self {
        let port = free_node_port();
        Self {
            process: None,
            kind,
            port,
            configuration: directory.join(format!("{port}.conf")),
            log: directory.join(format!("{port}.log")),
            password: password.clone(),
        }
    }

    pub(super) fn identity(&self) -> Identity {
        (self.port, format!("{:040x}", self.port))
    }

    pub(super) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Writes the configuration. It names the replicas and the other Sentinels, because a Sentinel
    /// would hear of them only after 2 s and more.
    pub(super) fn configure(
        &self,
        watched: &Watched,
        down_after: Duration,
        sentinels: &[Identity],
    ) {
        let (port, identity) = self.identity();
        let primary = watched.ports[0];
        let directory = self.configuration.parent().unwrap_or(Path::new("."));
        let mut lines = vec![
            format!("port {port}"),
            "bind 127.0.0.1".to_owned(),
            format!("dir {}", directory.display()),
            format!("logfile {}", self.log.display()),
            format!("sentinel myid {identity}"),
            format!("sentinel monitor {MASTER_NAME} 127.0.0.1 {primary} {QUORUM}"),
            format!(
                "sentinel down-after-milliseconds {MASTER_NAME} {}",
                down_after.as_millis()
            ),
            format!(
                "sentinel failover-timeout {MASTER_NAME} {}",
                FAILOVER_LIMIT.as_millis()
            ),
        ];

        for replica in &watched.ports[1..] {
            lines.push(format!(
                "sentinel known-replica {MASTER_NAME} 127.0.0.1 {replica}"
            ));
        }
        for (port, identity) in sentinels.iter().filter(|(other, _)| *other != port) {
            lines.push(format!(
                "sentinel known-sentinel {MASTER_NAME} 127.0.0.1 {port} {identity}"
            ));
        }
        if let Some(password) = &watched.password {
            lines.push(format!("sentinel auth-pass {MASTER_NAME} {password}"));
        }
        if let Some(password) = &self.password {
            lines.push(format!("requirepass {password}"));
            lines.push(format!("sentinel sentinel-pass {password}"));
        }

        let text = lines.join("\n") + "\n";
        fs::write(&self.configuration, text).expect("a file in a temporary directory");
    }

    /// Starts the process.
    pub(super) fn launch(&mut self) {
        let mut command = Command::new(self.kind.program());
        command.arg(&self.configuration).arg("--sentinel");
        let started = ServerProcess::start(&mut command, &self.log, "Sentinel ID is");

        let process = started.unwrap_or_else(|error| panic!("{}: {error}", self.kind.missing()));
        assert!(
            process.is_some(),
            "a Sentinel did not start:\n{}",
            read_log(&self.log)
        );
        self.process = process;
    }

    pub(super) fn kill(&mut self) {
        self.process = None;
    }

    pub(super) fn runs(&self) -> bool {
        self.process.is_some()
    }

    /// Runs a command on a connection of its own.
    pub(super) fn try_command(&self, words: &[&str]) -> RedisResult<Value> {
        let login = self.password.iter().map(|password| format!(":{password}@"));
        let login: String = login.collect();
        let mut connection = connect(&format!("redis://{login}{}", self.address()))?;
        run(&mut connection, words)
    }

    /// The port of the primary; `None` when the Sentinel does not reply.
    pub(super) fn primary_port(&self) -> Option<u16> {
        let words = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER_NAME];
        let reply = self.try_command(&words).ok()?;
        let (_, port): (String, u16) = from_redis_value(&reply).ok()?;
        Some(port)
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = read_log(&self.log);
            eprintln!("--- log of the Sentinel on port {} ---\n{log}", self.port);
        }
    }
}
