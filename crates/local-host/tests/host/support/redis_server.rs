//! A Redis server of one test.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::application::Application;
use super::wait::wait_for;

/// A running server. It is killed when this is dropped.
pub struct RedisServer {
    child: Child,
    port: u16,
    pub url: String,
    dir: TempDir,
}

impl RedisServer {
    pub fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        Self {
            child: launch(port, dir.path()),
            port,
            url: format!("redis://127.0.0.1:{port}"),
            dir,
        }
    }

    /// Kills the server and starts an empty one at the same address.
    pub fn restart(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.child = launch(self.port, self.dir.path());
    }

    /// Stops the server as a lost machine does: its connections stay open and nothing answers.
    pub fn freeze(&self) {
        let sent = Command::new("kill")
            .args(["-STOP", &self.child.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
    }

    pub fn client(&self) -> redis::Connection {
        let client = redis::Client::open(self.url.as_str()).unwrap();
        client.get_connection().unwrap()
    }

    /// Returns the guest with permission to reach this server.
    pub fn application(&self) -> Application {
        self.application_with("allowed_outbound_hosts = ['{{ redis }}']")
    }

    /// Returns the guest with `grants` in its manifest and this server's address.
    pub fn application_with(&self, grants: &str) -> Application {
        Application::with(grants).environment("SPIN_VARIABLE_REDIS", self.url.clone())
    }
}

fn launch(port: u16, dir: &Path) -> Child {
    let port_argument = port.to_string();
    let child = Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--port", &port_argument])
        .args(["--save", "", "--appendonly", "no", "--dir"])
        .arg(dir)
        .stdout(Stdio::null())
        .spawn()
        .expect("redis-server must be installed");
    wait_for(|| TcpStream::connect(("127.0.0.1", port)).ok()).expect("redis-server did not start");
    child
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
