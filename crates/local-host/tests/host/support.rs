//! What the tests start and ask: the guest, the host, a Redis server.

use std::io::{BufRead as _, BufReader, Read};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use edge_cache_testing::PostgresServer;
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(90);

/// The component under `tests/guest`, built once.
pub fn guest() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guest");
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guest/Cargo.toml");
        let built = Command::new(env!("CARGO"))
            .args(["build", "--release", "--target", "wasm32-wasip2", "--manifest-path"])
            .arg(manifest)
            .arg("--target-dir")
            .arg(&target)
            .output()
            .unwrap();
        assert!(built.status.success(), "the guest: {}", String::from_utf8_lossy(&built.stderr));
        target.join("wasm32-wasip2/release/guest.wasm")
    })
}

/// Compiled code, the guest's among it: tests take the time of requests, not of compiling.
fn compiled() -> &'static Path {
    static COMPILED: OnceLock<PathBuf> = OnceLock::new();
    COMPILED.get_or_init(|| {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
        std::fs::create_dir_all(&directory).unwrap();
        Application::of_guest("").compiled_in(&directory).start().get("/");
        directory
    })
}

/// An application in a directory of its own.
pub struct Application {
    pub dir: TempDir,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

impl Application {
    /// The guest at every route, with `grants` added to its part of the manifest.
    pub fn with(grants: &str) -> Self {
        Self::of_guest(grants).compiled_in(compiled())
    }

    fn compiled_in(self, directory: &Path) -> Self {
        let state = self.dir.path().join(".spin");
        std::fs::create_dir_all(&state).unwrap();
        std::os::unix::fs::symlink(directory, state.join("cache")).unwrap();
        self
    }

    fn of_guest(grants: &str) -> Self {
        Self::from_manifest(&format!(
            "spin_manifest_version = 2\n\
             [application]\nname = 'test'\nversion = '1.2.3'\n\
             [variables]\nredis = {{ default = 'redis://127.0.0.1:1' }}\npostgres = {{ default = '' }}\n\
             postgres_origin = {{ default = '' }}\n\
             [[trigger.http]]\nroute = '/...'\ncomponent = 'guest'\n\
             [component.guest]\nsource = '{}'\n\
             variables = {{ redis = '{{{{ redis }}}}', postgres = '{{{{ postgres }}}}' }}\n{grants}\n",
            guest().display()
        ))
    }

    pub fn from_manifest(manifest: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("spin.toml"), manifest).unwrap();
        Self { dir, arguments: Vec::new(), environment: Vec::new() }
    }

    pub fn argument(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    pub fn environment(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// Told where `server` is, and how to log in.
    pub fn postgres(self, server: &PostgresServer) -> Self {
        self.environment("SPIN_VARIABLE_POSTGRES", server.url())
            .environment("SPIN_VARIABLE_POSTGRES_ORIGIN", server.origin())
    }

    fn command(&self) -> Command {
        self.command_of(env!("CARGO_BIN_EXE_local-host"), &["--listen", "127.0.0.1:0"])
    }

    fn command_of(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.dir.path())
            .args(arguments)
            .args(&self.arguments)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            // With it Spin puts its own call stack into errors, where components and their callers see it.
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Starts it and waits until it listens.
    pub fn start(self) -> Host {
        let command = self.command();
        self.spawn(command)
    }

    /// The same on Spin, where it is installed.
    pub fn start_on_spin(self) -> Option<Host> {
        let program = std::env::var("SPIN").unwrap_or_else(|_| "spin".to_owned());
        Command::new(&program).arg("--version").output().ok()?;
        let mut command = self.command_of(&program, &["up", "--quiet", "--listen", "127.0.0.1:0"]);
        // It runs the trigger in a process of its own: the group is what has to go. The local host stays in this one's, where
        // Ctrl-C reaches it.
        command.process_group(0);
        let mut host = self.spawn(command);
        host.group = true;
        Some(host)
    }

    /// Starts it and does not wait.
    pub fn start_unready(self) -> Host {
        let command = self.command();
        self.launch(command).0
    }

    fn spawn(self, command: Command) -> Host {
        let (mut host, listening) = self.launch(command);
        host.address = listening.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("the host did not start"));
        host
    }

    fn launch(self, mut command: Command) -> (Host, Receiver<String>) {
        let mut child = command.spawn().unwrap();
        let stderr = collect(child.stderr.take().unwrap(), None);
        let (told, listening) = channel();
        let stdout = collect(child.stdout.take().unwrap(), Some(told));
        let address = String::new();
        let host = Host { child, group: false, client: client(), address, stdout, stderr, _application: self };
        (host, listening)
    }

    /// Starts it, expecting it to refuse; what it says is one line.
    pub fn refusal(self) -> String {
        let (stdout, text) = self.failure();
        assert!(stdout.is_empty(), "nothing is announced before everything is checked");
        text
    }

    /// Starts it, expecting it to end with an error: what it announced before, and the error, which is one line.
    pub fn failure(&self) -> (String, String) {
        let Output { status, stdout, stderr } = self.command().output().unwrap();
        let (stdout, text) = (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap());
        assert_eq!(status.code(), Some(1), "{text}");
        assert!(text.starts_with("local-host: error: "), "{text}");
        assert_eq!(text.trim_end().lines().count(), 1, "{text}");
        (stdout, text)
    }
}

type Lines = Arc<Mutex<Vec<String>>>;

/// How the host says that it serves, takes messages or has a schedule.
const READY: [&str; 3] = ["Serving http://", "Subscribed to ", "Scheduled "];

/// Keeps the lines of `stream`, and sends on what the first says that is one of [`READY`]: the address, if there is one.
fn collect(stream: impl Read + Send + 'static, address: Option<Sender<String>>) -> Lines {
    let lines = Lines::default();
    let kept = lines.clone();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            kept.lock().unwrap().push(line.clone());
            if let Some(told) = &address
                && let Some(said) = READY.iter().find_map(|ready| line.strip_prefix(ready))
            {
                let _ = told.send(said.to_owned());
            }
        }
    });
    lines
}

/// A host that listens.
pub struct Host {
    child: Child,
    /// It leads a group of processes.
    group: bool,
    /// Keeps its connections, so that requests after one another meet the same instances.
    client: ureq::Agent,
    /// Where it serves, if it does.
    pub address: String,
    stdout: Lines,
    stderr: Lines,
    _application: Application,
}

/// What it answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub body: String,
}

impl Host {
    /// The body of a 200.
    pub fn get(&self, path: &str) -> String {
        let answer = self.ask(path);
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.body
    }

    pub fn ask(&self, path: &str) -> Answer {
        self.ask_with(path, &[])
    }

    pub fn ask_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = self.client.get(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::of(request.call())
    }

    pub fn post(&self, path: &str, body: &[u8]) -> Answer {
        Answer::of(self.client.post(format!("http://{}{path}", self.address)).send(body))
    }

    /// Asks for every path at the same time.
    pub fn get_all(&self, paths: &[String]) -> Vec<String> {
        std::thread::scope(|scope| {
            let asked: Vec<_> = paths.iter().map(|path| scope.spawn(|| self.get(path))).collect();
            asked.into_iter().map(|one| one.join().unwrap()).collect()
        })
    }

    pub fn stdout(&self) -> Vec<String> {
        self.stdout.lock().unwrap().clone()
    }

    pub fn stderr(&self) -> Vec<String> {
        self.stderr.lock().unwrap().clone()
    }

    /// Waits until a line of the log holds `text`.
    pub fn logs(&self, text: &str) -> String {
        wait_for(|| self.stderr().into_iter().find(|line| line.contains(text)))
            .unwrap_or_else(|| panic!("no `{text}` in {:#?}", self.stderr()))
    }

    /// Sends a signal (`TERM`, `INT`) and does not wait.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// Waits until it is gone.
    pub fn exit_code(&mut self) -> Option<i32> {
        wait_for(|| self.child.try_wait().unwrap()).and_then(|status| status.code())
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the host said:\n{}", self.stderr().join("\n"));
        }
        if self.group {
            let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", self.child.id())]).status();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn client() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE)).build().into()
}

impl Answer {
    fn of(answer: Result<http::Response<ureq::Body>, ureq::Error>) -> Self {
        let (parts, mut body) = answer.unwrap().into_parts();
        let body = body.with_config().limit(1 << 30).read_to_string().unwrap();
        Self { status: parts.status.as_u16(), headers: parts.headers, body }
    }
}

pub fn wait_for<T>(mut found: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + PATIENCE;
    loop {
        let value = found();
        if value.is_some() || Instant::now() > end {
            return value;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A Redis server of this test alone.
pub struct RedisServer {
    child: Child,
    port: u16,
    pub url: String,
    dir: TempDir,
}

impl RedisServer {
    pub fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self { child: launch(port, dir.path()), port, url: format!("redis://127.0.0.1:{port}"), dir }
    }

    /// Ends it, with all it holds, and starts it again at the same address.
    pub fn restart(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.child = launch(self.port, self.dir.path());
    }

    /// Stops it as a lost machine does: its connections stay, and nothing is answered.
    pub fn freeze(&self) {
        let stopped = Command::new("kill").args(["-STOP", &self.child.id().to_string()]).status();
        assert!(stopped.unwrap().success());
    }

    pub fn client(&self) -> redis::Connection {
        redis::Client::open(self.url.as_str()).unwrap().get_connection().unwrap()
    }

    /// The guest, allowed to reach this server.
    pub fn application(&self) -> Application {
        self.application_with("allowed_outbound_hosts = ['{{ redis }}']")
    }

    pub fn application_with(&self, grants: &str) -> Application {
        Application::with(grants).environment("SPIN_VARIABLE_REDIS", self.url.clone())
    }
}

fn launch(port: u16, dir: &Path) -> Child {
    let child = Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port", &port.to_string(), "--dir"])
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
