//! A private `redis-server`: with its own directory and port, removed when dropped. With the variable
//! `EDGE_CACHE_TEST_SERVER=memory` it is a Redis in memory instead (`edge_cache::testing`), unless the
//! test needs options that only a server has.

use std::env;
use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::memory_server::MemoryServer;

/// The time limit for a server to start.
const START_LIMIT: Duration = Duration::from_secs(20);

/// The variable that selects the server, and its value for one in memory.
const SELECTION: (&str, &str) = ("EDGE_CACHE_TEST_SERVER", "memory");

/// Options that a server in memory has anyway.
const OPTIONS_IN_MEMORY: [&str; 2] = ["--maxmemory-policy", "noeviction"];

fn is_in_memory() -> bool {
    env::var(SELECTION.0).is_ok_and(|value| value == SELECTION.1)
}

/// A server that runs.
#[derive(Debug)]
enum Running {
    Process(Child),
    Memory(MemoryServer),
}

/// A port that was free a moment ago.
///
/// # Panics
/// Panics when the loopback interface has no free port.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on the loopback interface");
    listener
        .local_addr()
        .expect("the address of a bound socket")
        .port()
}

/// A free port. A node of a cluster gets a low one, because its bus uses the port 10,000 higher.
fn find_port(options: &[String]) -> u16 {
    loop {
        let port = free_port();
        if port < 55_000 || !options.iter().any(|option| option == "--cluster-enabled") {
            return port;
        }
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

/// A running `redis-server`.
#[derive(Debug)]
pub struct RedisServer {
    running: Option<Running>,
    directory: TempDir,
    port: u16,
    options: Vec<String>,
    tls_port: u16,
}

impl RedisServer {
    /// Starts a server without persistence.
    ///
    /// # Panics
    /// Panics when `redis-server` is not installed or does not start.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// Starts a server with further options, e.g. `["--maxmemory", "4mb"]`.
    ///
    /// # Panics
    /// Panics when `redis-server` is not installed or does not start.
    pub fn with(options: &[&str]) -> Self {
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        Self::start_in(TempDir::new().expect("a temporary directory"), options, 0)
    }

    /// Starts a server that accepts TLS on a second port, with a self-signed certificate for
    /// `localhost`.
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
        Self::start_in(directory, options, port)
    }

    fn start_in(directory: TempDir, options: Vec<String>, tls_port: u16) -> Self {
        let mut server = Self {
            running: None,
            directory,
            port: find_port(&options),
            options,
            tls_port,
        };

        // Another test may take the port between the search for it and its use.
        while !server.try_launch() {
            assert!(
                server.log().contains("Address already in use"),
                "redis-server did not start:\n{}",
                server.log()
            );
            server.port = find_port(&server.options);
        }

        server
    }

    /// The options of a server that allows `DEBUG`. Redis 6 always does, and has no option for it.
    ///
    /// # Panics
    /// Panics when `redis-server` is not installed.
    pub fn debuggable() -> &'static [&'static str] {
        if Self::is_6() {
            &[]
        } else {
            &["--enable-debug-command", "yes"]
        }
    }

    /// True for Redis 6.
    ///
    /// # Panics
    /// Panics when `redis-server` is not installed.
    pub fn is_6() -> bool {
        Self::version().contains("v=6.")
    }

    /// True for Valkey.
    ///
    /// # Panics
    /// Panics when `redis-server` is not installed.
    pub fn is_valkey() -> bool {
        Self::version().starts_with("Valkey")
    }

    /// True for Valkey 9.
    ///
    /// # Panics
    /// Panics when `redis-server` is not installed.
    pub fn is_valkey_9() -> bool {
        Self::is_valkey() && Self::version().contains("v=9.")
    }

    fn version() -> String {
        if is_in_memory() {
            return "memory v=7.2".to_owned();
        }
        let version = Command::new("redis-server").arg("--version").output();
        let version = version
            .expect("redis-server must be installed: scripts/setup does that")
            .stdout;
        String::from_utf8_lossy(&version).into_owned()
    }

    /// Starts the server again after [`RedisServer::kill`], on the same port.
    ///
    /// # Panics
    /// Panics when it does not start.
    pub fn launch(&mut self) {
        assert!(
            self.try_launch(),
            "redis-server did not start:\n{}",
            self.log()
        );
    }

    /// Starts the process and waits until it accepts connections; false when the process ended.
    fn try_launch(&mut self) -> bool {
        let has = |option: &String| OPTIONS_IN_MEMORY.contains(&option.as_str());
        if is_in_memory() && self.options.iter().all(has) {
            let server = MemoryServer::start(self.port).map(Running::Memory);
            self.running = server.ok();
            return self.running.is_some();
        }

        let count_starts = |log: String| log.matches("Ready to accept connections").count();
        let starts_before = count_starts(self.log());
        let mut child = self.spawn();

        let deadline = Instant::now() + START_LIMIT;
        // The log decides, not the port: another test's server might use it.
        while count_starts(self.log()) == starts_before {
            if child.try_wait().expect("the state of a child").is_some() {
                return false;
            }
            assert!(
                Instant::now() < deadline,
                "redis-server did not start:\n{}",
                self.log()
            );
            sleep(Duration::from_millis(5));
        }

        self.running = Some(Running::Process(child));
        true
    }

    fn spawn(&self) -> Child {
        let port = self.port.to_string();
        let mut command = Command::new("redis-server");
        command
            .args(["--port", &port, "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no"])
            .arg("--dir")
            .arg(self.directory.path())
            .arg("--logfile")
            .arg(self.directory.path().join("redis.log"))
            .args(&self.options)
            .stdin(Stdio::null())
            .stdout(Stdio::null());

        command
            .spawn()
            .expect("redis-server must be installed: scripts/setup does that")
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
        fs::read_to_string(self.directory.path().join("redis.log")).unwrap_or_default()
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
        // A server in memory ends when it is dropped.
        if let Some(Running::Process(mut child)) = self.running.take() {
            // Fails when it has ended already, which is enough.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Stops the server's process: connections stay open, and commands get no reply.
    pub fn freeze(&self) {
        match &self.running {
            Some(Running::Memory(server)) => server.freeze(),
            _ => self.signal("STOP"),
        }
    }

    /// Continues a frozen server.
    pub fn thaw(&self) {
        match &self.running {
            Some(Running::Memory(server)) => server.thaw(),
            _ => self.signal("CONT"),
        }
    }

    fn signal(&self, name: &str) {
        let pid = match &self.running {
            Some(Running::Process(child)) => child.id(),
            _ => panic!("the server does not run"),
        };
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &pid.to_string()])
            .status();
        assert!(
            sent.is_ok_and(|status| status.success()),
            "cannot signal the server"
        );
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "--- log of redis-server on port {} ---\n{}",
                self.port,
                self.log()
            );
        }
        self.kill();
    }
}
