//! A server that is one of several: a node of a cluster, or a replica.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redis::{Connection, RedisResult, Value};

use crate::RedisServer;

/// The time limit of a connection and of a command.
const TIME_LIMIT: Duration = Duration::from_secs(2);

/// A server with the password of the group that it belongs to.
#[derive(Debug)]
pub struct Node {
    server: RedisServer,
    password: Option<String>,
    is_frozen: AtomicBool,
}

impl Node {
    pub(crate) fn new(server: RedisServer, password: Option<String>) -> Self {
        Self {
            server,
            password,
            is_frozen: AtomicBool::new(false),
        }
    }

    /// The server's port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// The address of a logical database, password included.
    pub fn url(&self, db: u16) -> String {
        let login = self.password.iter().map(|password| format!(":{password}@"));
        let login: String = login.collect();
        format!("redis://{login}127.0.0.1:{}/{db}", self.port())
    }

    /// The server's log so far.
    pub fn log(&self) -> String {
        self.server.log()
    }

    /// A connection that does not use the code under test.
    ///
    /// # Panics
    /// Panics when the server does not accept it.
    pub fn connection(&self) -> Connection {
        self.try_connection()
            .unwrap_or_else(|error| panic!("the server on port {}: {error}", self.port()))
    }

    /// Runs a command on a connection of its own, e.g. `["GET", "a"]`.
    ///
    /// # Panics
    /// Panics when the server refuses it; the message has the server's error.
    pub fn command(&self, words: &[&str]) -> Value {
        self.try_command(words)
            .unwrap_or_else(|error| panic!("{words:?} on port {}: {error}", self.port()))
    }

    /// Runs a command on a connection of its own.
    ///
    /// # Errors
    /// The server's error, or that of the connection.
    pub fn try_command(&self, words: &[&str]) -> RedisResult<Value> {
        run(&mut self.try_connection()?, words)
    }

    pub(crate) fn try_connection(&self) -> RedisResult<Connection> {
        connect(&self.url(0))
    }

    /// Ends the server at once, as a crash would.
    pub fn kill(&mut self) {
        self.server.kill();
        self.is_frozen = AtomicBool::new(false);
    }

    /// Starts the server again after [`Node::kill`], on the same port and without its keys.
    ///
    /// # Panics
    /// Panics when it does not start.
    pub fn launch(&mut self) {
        self.server.launch();
    }

    /// Stops the server's process: connections stay open, and commands get no reply.
    ///
    /// # Panics
    /// Panics when the server does not run.
    pub fn freeze(&self) {
        self.server.freeze();
        self.is_frozen.store(true, Ordering::SeqCst);
    }

    /// Continues a frozen server.
    ///
    /// # Panics
    /// Panics when the server does not run.
    pub fn thaw(&self) {
        self.server.thaw();
        self.is_frozen.store(false, Ordering::SeqCst);
    }

    /// True unless the server was killed or is frozen.
    pub fn replies(&self) -> bool {
        self.server.is_running() && !self.is_frozen.load(Ordering::SeqCst)
    }
}

/// Opens a connection with time limits, so that a frozen server is an error.
pub(crate) fn connect(url: &str) -> RedisResult<Connection> {
    let client = redis::Client::open(url)?;
    let connection = client.get_connection_with_timeout(TIME_LIMIT)?;
    connection.set_read_timeout(Some(TIME_LIMIT))?;
    connection.set_write_timeout(Some(TIME_LIMIT))?;
    Ok(connection)
}

/// Runs a command on a connection.
pub(crate) fn run(connection: &mut Connection, words: &[&str]) -> RedisResult<Value> {
    let (name, arguments) = words.split_first().expect("a command has a name");
    redis::cmd(name).arg(arguments).query(connection)
}
