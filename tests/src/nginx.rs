//! A real nginx in front of the application in the usual configuration, `proxy_pass http://up/;`,
//! which decodes, resolves and merges paths.

use std::env;
use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use edge_cache_testing::free_port;
use tempfile::TempDir;

use crate::app::App;
use crate::caller::Caller;
use crate::client::Client;

/// A running nginx, which ends when this is dropped.
pub struct Nginx<'a> {
    app: &'a App,
    child: Child,
    port: u16,
    _directory: TempDir,
}

impl<'a> Nginx<'a> {
    /// Starts it in front of an application.
    ///
    /// # Panics
    /// If it does not start; `scripts/setup --test` installs it.
    pub fn in_front_of(app: &'a App) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let port = free_port();
        let configuration = configuration(directory.path(), port, app.address());
        let file = directory.path().join("nginx.conf");
        fs::write(&file, configuration).expect("a configuration");
        let mut command = Command::new(program());
        command
            .arg("-p")
            .arg(directory.path())
            .arg("-c")
            .arg(&file)
            .stdin(Stdio::null());

        let child = command
            .spawn()
            .expect("nginx: scripts/setup --test installs it");
        let mut nginx = Self {
            app,
            child,
            port,
            _directory: directory,
        };

        nginx.wait_until_listening();
        nginx
    }

    fn wait_until_listening(&mut self) {
        for _ in 0..200 {
            if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return;
            }
            let ended = self.child.try_wait().expect("the state of a child");
            assert!(ended.is_none(), "nginx ended: {ended:?}");
            thread::sleep(Duration::from_millis(50));
        }
        panic!("nginx does not listen");
    }

    /// `127.0.0.1:<port>`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// A client that sends this caller's token through nginx.
    pub fn client(&self, caller: Caller) -> Client {
        self.app.client_through(&self.address(), caller)
    }
}

impl Drop for Nginx<'_> {
    fn drop(&mut self) {
        // It is a single process without workers.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the program, which Debian installs outside the PATH of ordinary users.
fn program() -> &'static str {
    let in_path = env::var_os("PATH")
        .is_some_and(|path| env::split_paths(&path).any(|at| at.join("nginx").is_file()));
    if in_path { "nginx" } else { "/usr/sbin/nginx" }
}

fn configuration(directory: &Path, port: u16, upstream: &str) -> String {
    let at = directory.display();
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {at};"));
    format!(
        "daemon off; master_process off; worker_processes 1; pid {at}/pid; error_log stderr error;\n\
         events {{ worker_connections 64; }}\n\
         http {{ access_log off; {}\n\
         upstream up {{ server {upstream}; }}\n\
         server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://up/; }} }} }}\n",
        temporary.join(" ")
    )
}
