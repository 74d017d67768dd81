//! A private PostgreSQL: with its own directory and port, removed when dropped.

use std::fs::{self, File};
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tempfile::TempDir;

use crate::ports::free_port;

/// The time limit for a server to start.
const START_LIMIT: Duration = Duration::from_secs(60);
/// The user, whose password has characters that a URL must escape.
const USER: &str = "shop";
const PASSWORD: &str = "se@cret/ 1%";

/// A running PostgreSQL, with one empty database `postgres`.
#[derive(Debug)]
pub struct PostgresServer {
    child: Option<Child>,
    directory: TempDir,
    port: u16,
    options: Vec<String>,
}

impl PostgresServer {
    /// Creates a database and starts a server.
    ///
    /// # Panics
    /// Panics when PostgreSQL is not installed or does not start.
    pub fn start() -> Self {
        Self::create().into_running()
    }

    /// Starts a server that also accepts TLS. Its certificate is for 127.0.0.1 and signed by
    /// [`PostgresServer::authority`].
    ///
    /// # Panics
    /// Panics when PostgreSQL or OpenSSL is not installed, or the server does not start.
    pub fn with_tls() -> Self {
        let mut server = Self::create();
        server.certify();
        server.options = [
            "-c",
            "ssl=on",
            "-c",
            "ssl_cert_file=server.crt",
            "-c",
            "ssl_key_file=server.key",
        ]
        .map(str::to_owned)
        .to_vec();

        server.into_running()
    }

    fn create() -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let server = Self {
            child: None,
            directory,
            port: free_port(),
            options: Vec::new(),
        };
        let password = server.path("password");
        fs::write(&password, PASSWORD).expect("a file in a temporary directory");
        for path in [server.directory.path(), &password] {
            if let Some((user, group)) = unprivileged_user() {
                chown(path, Some(user), Some(group)).expect("to give the server its directory");
            }
        }

        let mut initdb = server.program("initdb");
        initdb.args([
            "--no-sync",
            "--encoding",
            "UTF8",
            "--locale",
            "C.UTF-8",
            "--auth",
            "scram-sha-256",
        ]);
        initdb
            .args(["--username", USER, "--pwfile"])
            .arg(password)
            .arg("--pgdata")
            .arg(server.path("data"));
        assert_success(
            "initdb",
            &initdb
                .output()
                .expect("initdb must be installed: scripts/setup does that"),
        );
        server
    }

    fn into_running(mut self) -> Self {
        // Another test may take the port between the search for it and its use.
        while !self.try_launch() {
            assert!(
                self.log().contains("Address already in use"),
                "PostgreSQL did not start:\n{}",
                self.log()
            );
            self.port = free_port();
        }
        self
    }

    /// Starts the server again after [`PostgresServer::kill`], with its data and on the same port.
    ///
    /// # Panics
    /// Panics when it does not start.
    pub fn launch(&mut self) {
        assert!(
            self.try_launch(),
            "PostgreSQL did not start:\n{}",
            self.log()
        );
    }

    /// Starts the process and waits until it accepts connections; false when the process ended.
    fn try_launch(&mut self) -> bool {
        let log = File::create(self.path("postgres.log")).expect("a file in a temporary directory");
        let mut command = self.program("postgres");
        command.arg("-D").arg(self.path("data")).args([
            "-F",
            "-h",
            "127.0.0.1",
            "-p",
            &self.port.to_string(),
        ]);
        command
            .args(["-c", "unix_socket_directories="])
            .args(&self.options);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let mut child = command
            .spawn()
            .expect("PostgreSQL must be installed: scripts/setup does that");

        let deadline = Instant::now() + START_LIMIT;
        while !self
            .log()
            .contains("database system is ready to accept connections")
        {
            if child.try_wait().expect("the state of a child").is_some() {
                return false;
            }
            assert!(
                Instant::now() < deadline,
                "PostgreSQL did not start:\n{}",
                self.log()
            );
            sleep(Duration::from_millis(10));
        }

        self.child = Some(child);
        true
    }

    /// The server's port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address of the database, login included.
    pub fn url(&self) -> String {
        let password = utf8_percent_encode(PASSWORD, NON_ALPHANUMERIC);
        format!(
            "postgres://{USER}:{password}@127.0.0.1:{}/postgres",
            self.port
        )
    }

    /// The address as an entry of `allowed_outbound_hosts`.
    pub fn origin(&self) -> String {
        format!("postgres://127.0.0.1:{}", self.port)
    }

    /// The password in [`PostgresServer::url`], not encoded.
    pub fn password(&self) -> &'static str {
        PASSWORD
    }

    /// The certificate of the authority behind [`PostgresServer::with_tls`], in PEM.
    ///
    /// # Panics
    /// On a server without TLS.
    pub fn authority(&self) -> String {
        fs::read_to_string(self.path("authority.crt"))
            .expect("the certificate of a server with TLS")
    }

    /// The server's log since its last start.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("postgres.log")).unwrap_or_default()
    }

    /// Runs statements and returns their rows, one a line, with `|` between columns.
    ///
    /// # Panics
    /// Panics when one fails.
    pub fn run(&self, sql: &str) -> String {
        let script = self.path("script.sql");
        fs::write(&script, sql).expect("a file in a temporary directory");

        let mut psql = Command::new(find_program("psql"));
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f"])
            .arg(script)
            .arg(self.url());
        let output = psql
            .output()
            .expect("psql must be installed: scripts/setup does that");
        assert_success("psql", &output);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Ends the server at once, as a crash would. Committed data is kept.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // SIGKILL would leave its child processes and its shared memory behind.
            let _ = Command::new("kill")
                .args(["-QUIT", &child.id().to_string()])
                .status();
            let _ = child.wait();
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A program, run by an unprivileged user: PostgreSQL refuses root.
    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(find_program(name));
        command.current_dir(self.directory.path());
        if let Some((user, group)) = unprivileged_user() {
            command.uid(user).gid(group);
        }
        command
    }

    /// Creates an authority and a certificate for 127.0.0.1.
    fn certify(&self) {
        let openssl = |arguments: &str| {
            let mut command = self.program("openssl");
            let output = command
                .args(arguments.split(' '))
                .output()
                .expect("openssl must be installed");
            assert_success("openssl", &output);
        };

        let key = "req -x509 -newkey rsa:2048 -nodes -days 2";
        openssl(&format!(
            "{key} -subj /CN=authority -keyout authority.key -out authority.crt"
        ));
        openssl(&format!(
            "{key} -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE \
             -CA authority.crt -CAkey authority.key -keyout data/server.key -out data/server.crt"
        ));
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "--- log of PostgreSQL on port {} ---\n{}",
                self.port,
                self.log()
            );
        }
        self.kill();
    }
}

/// The path of a program: from PATH, or from the newest PostgreSQL of Debian.
fn find_program(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file());

    let versions = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let debian = versions
        .map(|version| version.path().join("bin").join(name))
        .filter(|file| file.is_file())
        .max();

    on_path
        .or(debian)
        .unwrap_or_else(|| Path::new(name).to_owned())
}

/// The user and group to run as, if this process is root.
fn unprivileged_user() -> Option<(u32, u32)> {
    if id(&["-u"])? != 0 {
        return None;
    }

    let user = ["postgres", "nobody"]
        .into_iter()
        .find(|user| id(&["-u", user]).is_some())?;
    Some((id(&["-u", user])?, id(&["-g", user])?))
}

fn id(arguments: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(arguments).output().ok()?;
    String::from_utf8_lossy(&output.stdout).trim().parse().ok()
}

fn assert_success(program: &str, output: &Output) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} failed:\n{text}");
}
