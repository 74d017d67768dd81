//! A private `redis-server` or another server of the same kind: with its own directory and port,
//! removed when dropped. With the variable `EDGE_CACHE_TEST_SERVER=memory` it is a Redis in memory
//! instead (`edge_cache::testing`), unless the test needs options that only a server has.

use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::kind::{ServerKind, is_in_memory};
use crate::memory_server::MemoryServer;
use crate::ports::{free_node_port, free_port};
use crate::process::{ServerProcess, read_log};

/// Options that a server in memory has anyway.
const OPTIONS_IN_MEMORY: [&str; 2] = ["--maxmemory-policy", "noeviction"];

/// A server that runs.
#[derive(Debug)]
enum Running {
    Process(ServerProcess),
    Memory(MemoryServer),
}

/// A free port. A node of a cluster needs a second one for its bus.
fn find_port(options: &[String]) -> u16 {
    if options.iter().any(|option| option == "--cluster-enabled") {
        free_node_port()
    } else {
        free_port()
    }
}

/// Creates a self-signed certificate for `localhost`.
fn create_certificate(key: &str, certificate: &str) {
    let arguments = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost \
                     -addext subjectAltName=DNS:localhost";
    let output = Command::new("openssl")
        .args(arguments.split(' '))
        .args(["-keyout", key, "-out", certificate])
        .output();
    assert!(
        output.is_ok_and(|output| output.status.success()),
        "openssl did not make a certificate"
    );
}

/// A running server.
#[derive(Debug)]
pub struct RedisServer {
    running: Option<Running>,
    kind: ServerKind,
    is_in_memory: bool,
    directory: TempDir,
    port: u16,
    options: Vec<String>,
    tls_port: u16,
}

impl RedisServer {
    /// Starts a server without persistence, of the kind that `EDGE_CACHE_TEST_SERVER` selects.
    ///
    /// # Panics
    /// Panics when the server is not installed or does not start.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// Starts a server with further options, e.g. `["--maxmemory", "4mb"]`.
    ///
    /// # Panics
    /// Panics when the server is not installed or does not start.
    pub fn with(options: &[&str]) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        Self::new(ServerKind::selected(), directory, options).into_running()
    }

    /// Starts a server of this kind, whatever `EDGE_CACHE_TEST_SERVER` selects, with further options.
    ///
    /// # Panics
    /// Panics when the server is not installed or does not start.
    pub fn of_kind(kind: ServerKind, options: &[&str]) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        let mut server = Self::new(kind, directory, options);
        server.is_in_memory = false;
        server.into_running()
    }

    /// Starts a `redis-server` that accepts TLS on a second port, with a self-signed certificate for
    /// `localhost`. The other kinds are built without TLS.
    ///
    /// # Panics
    /// Panics when `openssl` or `redis-server` is not installed, or the latter is built without TLS.
    pub fn with_tls() -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let path = |name: &str| directory.path().join(name).display().to_string();
        let key = path("key.pem");
        let certificate = path("cert.pem");
        create_certificate(&key, &certificate);

        let port = free_port();
        let options = [
            "--tls-port",
            &port.to_string(),
            "--tls-auth-clients",
            "no",
            "--tls-cert-file",
            &certificate,
            "--tls-key-file",
            &key,
            "--tls-ca-cert-file",
            &certificate,
        ];
        let options = options.map(str::to_owned).to_vec();
        let mut server = Self::new(ServerKind::Redis7, directory, options);
        server.tls_port = port;
        server.into_running()
    }

    fn new(kind: ServerKind, directory: TempDir, options: Vec<String>) -> Self {
        let has = |option: &String| OPTIONS_IN_MEMORY.contains(&option.as_str());
        Self {
            running: None,
            kind,
            is_in_memory: is_in_memory() && options.iter().all(has),
            directory,
            port: find_port(&options),
            options,
            tls_port: 0,
        }
    }

    fn into_running(mut self) -> Self {
        // Another test may take the port between the search for it and its use.
        while !self.try_launch() {
            assert!(
                self.log().contains("Address already in use"),
                "{} did not start:\n{}",
                self.kind.program().display(),
                self.log()
            );
            self.port = find_port(&self.options);
        }

        self
    }

    /// The options of a server that allows `DEBUG`. Redis 6 always does, and has no option for it.
    ///
    /// # Panics
    /// Panics when the server is not installed.
    pub fn debuggable() -> &'static [&'static str] {
        if Self::is_6() {
            &[]
        } else {
            &["--enable-debug-command", "yes"]
        }
    }

    /// True when tests run on Redis 6.
    ///
    /// # Panics
    /// Panics when the server is not installed.
    pub fn is_6() -> bool {
        Self::version().contains("v=6.")
    }

    /// True when tests run on Valkey.
    ///
    /// # Panics
    /// Panics when the server is not installed.
    pub fn is_valkey() -> bool {
        Self::version().starts_with("Valkey")
    }

    /// True when tests run on Valkey 9.
    ///
    /// # Panics
    /// Panics when the server is not installed.
    pub fn is_valkey_9() -> bool {
        Self::is_valkey() && Self::version().contains("v=9.")
    }

    fn version() -> String {
        if is_in_memory() {
            return "memory v=7.2".to_owned();
        }
        ServerKind::selected().version()
    }

    /// Starts the server again after [`RedisServer::kill`], on the same port.
    ///
    /// # Panics
    /// Panics when it does not start.
    pub fn launch(&mut self) {
        assert!(
            self.try_launch(),
            "{} did not start:\n{}",
            self.kind.program().display(),
            self.log()
        );
    }

    /// Starts the process and waits until it accepts connections; false when the process ended.
    fn try_launch(&mut self) -> bool {
        if self.is_in_memory {
            let server = MemoryServer::start(self.port).map(Running::Memory);
            self.running = server.ok();
            return self.running.is_some();
        }

        let ready = "Ready to accept connections";
        let process = ServerProcess::start(&mut self.command(), &self.log_path(), ready);
        let process = process.unwrap_or_else(|error| panic!("{}: {error}", self.kind.missing()));
        self.running = process.map(Running::Process);
        self.running.is_some()
    }

    fn command(&self) -> Command {
        let port = self.port.to_string();
        let mut command = Command::new(self.kind.program());
        command
            .args(["--port", &port, "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no"])
            .arg("--dir")
            .arg(self.directory.path())
            .arg("--logfile")
            .arg(self.log_path())
            .args(&self.options);
        command
    }

    fn log_path(&self) -> PathBuf {
        self.directory.path().join("redis.log")
    }

    /// The server's port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The port for TLS; 0 without TLS.
    pub fn tls_port(&self) -> u16 {
        self.tls_port
    }

    /// The address of a logical database.
    pub fn url(&self, db: u16) -> String {
        format!("redis://127.0.0.1:{}/{db}", self.port)
    }

    /// The server's log so far.
    pub fn log(&self) -> String {
        read_log(&self.log_path())
    }

    /// A connection that does not use the code under test.
    ///
    /// # Panics
    /// Panics when the server does not accept it.
    pub fn connection(&self) -> redis::Connection {
        let client = redis::Client::open(self.url(0)).expect("a well-formed address");
        client
            .get_connection()
            .expect("a connection to the test's own server")
    }

    /// Ends the server at once, as a crash would.
    pub fn kill(&mut self) {
        // A process or a server in memory ends when it is dropped.
        self.running = None;
    }

    /// True unless the server was killed.
    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Stops the server's process: connections stay open, and commands get no reply.
    ///
    /// # Panics
    /// Panics when the server does not run.
    pub fn freeze(&self) {
        match &self.running {
            Some(Running::Memory(server)) => server.freeze(),
            Some(Running::Process(process)) => process.freeze(),
            None => panic!("the server does not run"),
        }
    }

    /// Continues a frozen server.
    ///
    /// # Panics
    /// Panics when the server does not run.
    pub fn thaw(&self) {
        match &self.running {
            Some(Running::Memory(server)) => server.thaw(),
            Some(Running::Process(process)) => process.thaw(),
            None => panic!("the server does not run"),
        }
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "--- log of {} on port {} ---\n{}",
                self.kind.program().display(),
                self.port,
                self.log()
            );
        }
        self.kill();
    }
}
