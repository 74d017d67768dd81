//! A `redis-server` of one's own: in its own directory, on its own port, gone when dropped.

use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long a server may take to start before the test gives up.
const START: Duration = Duration::from_secs(20);

/// A port that was free a moment ago.
///
/// # Panics
/// When the loopback interface has no free port.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on the loopback interface");
    listener.local_addr().expect("the address of a bound socket").port()
}

/// A running `redis-server`.
#[derive(Debug)]
pub struct RedisServer {
    child: Option<Child>,
    directory: TempDir,
    port: u16,
    options: Vec<String>,
}

impl RedisServer {
    /// Starts a server that keeps nothing on disk.
    ///
    /// # Panics
    /// When `redis-server` is not installed or does not start.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// Starts a server with further options, e.g. `["--maxmemory", "4mb"]`.
    ///
    /// # Panics
    /// When `redis-server` is not installed or does not start.
    pub fn with(options: &[&str]) -> Self {
        let mut server = Self {
            child: None,
            directory: TempDir::new().expect("a temporary directory"),
            port: free_port(),
            options: options.iter().map(|option| (*option).to_owned()).collect(),
        };
        // Between finding a port free and binding it another test may have taken it.
        while !server.try_launch() {
            assert!(server.log().contains("Address already in use"), "redis-server did not start:\n{}", server.log());
            server.port = free_port();
        }
        server
    }

    /// The options of a server that may be asked to `DEBUG`; Redis 6 has none for what it always allows.
    ///
    /// # Panics
    /// When `redis-server` is not installed.
    pub fn debuggable() -> &'static [&'static str] {
        let version = Command::new("redis-server").arg("--version").output();
        let version = version.expect("redis-server must be installed: scripts/setup does that").stdout;
        let is_old = String::from_utf8_lossy(&version).contains("v=6.");
        if is_old { &[] } else { &["--enable-debug-command", "yes"] }
    }

    /// Starts the server again after [`RedisServer::kill`], empty, on the same port.
    ///
    /// # Panics
    /// When it does not start.
    pub fn launch(&mut self) {
        assert!(self.try_launch(), "redis-server did not start:\n{}", self.log());
    }

    /// Starts the process and waits until it serves; false when it ended instead.
    fn try_launch(&mut self) -> bool {
        let served = |log: String| log.matches("Ready to accept connections").count();
        let before = served(self.log());
        let log = self.directory.path().join("redis.log");
        let mut command = Command::new("redis-server");
        command.args(["--port", &self.port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        command.arg("--dir").arg(self.directory.path()).arg("--logfile").arg(log).args(&self.options);
        let spawned = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
        let mut child = spawned.expect("redis-server must be installed: scripts/setup does that");
        let deadline = Instant::now() + START;
        // Its own log tells, not the port: that might be served by another test's server.
        while served(self.log()) == before {
            if child.try_wait().expect("the state of a child").is_some() {
                return false;
            }
            assert!(Instant::now() < deadline, "redis-server did not start:\n{}", self.log());
            sleep(Duration::from_millis(5));
        }
        self.child = Some(child);
        true
    }

    /// The server's port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address of a logical database.
    pub fn url(&self, db: u16) -> String {
        format!("redis://127.0.0.1:{}/{db}", self.port)
    }

    /// The server's log so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("redis.log")).unwrap_or_default()
    }

    /// A plain connection, beside the code under test.
    ///
    /// # Panics
    /// When the server does not accept it.
    pub fn connection(&self) -> redis::Connection {
        let client = redis::Client::open(self.url(0)).expect("a well-formed address");
        client.get_connection().expect("a connection to the test's own server")
    }

    /// Ends the server at once, as a crash would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself, which is as good.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Stops the server's process: connections stay open and nothing is answered.
    pub fn freeze(&self) {
        self.signal("STOP");
    }

    /// Lets a frozen server go on.
    pub fn thaw(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let pid = self.child.as_ref().map(Child::id).expect("a running server");
        let sent = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "cannot signal the server");
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- log of redis-server on port {} ---\n{}", self.port, self.log());
        }
        self.kill();
    }
}
