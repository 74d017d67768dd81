//! A running host.

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

use super::wait::{TIMEOUT, wait_for};

type Lines = Arc<Mutex<Vec<String>>>;

/// Beginnings of the lines with which the host reports that it serves, receives messages or has a
/// schedule.
const READY: [&str; 3] = ["Serving http://", "Subscribed to ", "Scheduled "];

/// A host process. It is killed when this is dropped.
pub struct Host {
    child: Child,
    /// Set if the process leads a group.
    leads_group: bool,
    /// Keeps its connections, so that consecutive requests reach the same instances.
    client: ureq::Agent,
    /// The address it serves on; empty if it has none.
    pub address: String,
    stdout: Lines,
    stderr: Lines,
    /// The application, which lasts as long as the host.
    _dir: TempDir,
}

/// A response of the host.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub body: String,
}

impl Host {
    /// Starts a host and waits until it serves.
    pub fn start(command: Command, dir: TempDir) -> Self {
        let mut host = Self::launch(command, dir);
        host.wait_until_ready();
        host
    }

    /// Does the same with a host that leads a group of processes.
    pub fn start_group(command: Command, dir: TempDir) -> Self {
        let mut host = Self::launch(command, dir);
        host.leads_group = true;
        host.wait_until_ready();
        host
    }

    /// Starts a host and does not wait.
    pub fn launch(mut command: Command, dir: TempDir) -> Self {
        let mut child = command.spawn().unwrap();
        let stderr = collect_lines(child.stderr.take().unwrap());
        let stdout = collect_lines(child.stdout.take().unwrap());
        Self {
            child,
            leads_group: false,
            client: client(),
            address: String::new(),
            stdout,
            stderr,
            _dir: dir,
        }
    }

    fn wait_until_ready(&mut self) {
        let address = wait_for(|| {
            let stdout = self.stdout();
            let rest = stdout.iter().find_map(|line| after_ready(line));
            rest.map(str::to_owned)
        });
        self.address = address.expect("the host did not start");
    }

    /// Returns the body of a 200.
    #[track_caller]
    pub fn get(&self, path: &str) -> String {
        let response = self.send(path);
        assert_eq!(response.status, 200, "{path}: {response:?}");
        response.body
    }

    /// Returns the bodies of concurrent requests.
    pub fn get_all(&self, paths: &[String]) -> Vec<String> {
        std::thread::scope(|scope| {
            let requests: Vec<_> = paths
                .iter()
                .map(|path| scope.spawn(|| self.get(path)))
                .collect();
            let bodies = requests.into_iter().map(|request| request.join().unwrap());
            bodies.collect()
        })
    }

    /// Sends a GET request.
    pub fn send(&self, path: &str) -> Response {
        self.send_with(path, &[])
    }

    pub fn send_with(&self, path: &str, headers: &[(&str, &str)]) -> Response {
        let mut request = self.client.get(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Response::read(request.call())
    }

    pub fn post(&self, path: &str, body: &[u8]) -> Response {
        let url = format!("http://{}{path}", self.address);
        Response::read(self.client.post(url).send(body))
    }

    pub fn stdout(&self) -> Vec<String> {
        self.stdout.lock().unwrap().clone()
    }

    pub fn stderr(&self) -> Vec<String> {
        self.stderr.lock().unwrap().clone()
    }

    /// Waits for a line of stderr that contains `text`.
    pub fn wait_for_log(&self, text: &str) -> String {
        wait_for(|| self.stderr().into_iter().find(|line| line.contains(text)))
            .unwrap_or_else(|| panic!("no `{text}` in {:#?}", self.stderr()))
    }

    /// Sends a signal (`TERM`, `INT`) and does not wait.
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([format!("-{name}"), self.child.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
    }

    /// Waits until the process has ended.
    pub fn exit_code(&mut self) -> Option<i32> {
        wait_for(|| self.child.try_wait().unwrap()).and_then(|status| status.code())
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("stderr of the host:\n{}", self.stderr().join("\n"));
        }
        if self.leads_group {
            let _ = Command::new("kill")
                .args(["-KILL", "--", &format!("-{}", self.child.id())])
                .status();
        }

        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Response {
    fn read(response: Result<http::Response<ureq::Body>, ureq::Error>) -> Self {
        let (parts, mut body) = response.unwrap().into_parts();
        let body = body.with_config().limit(1 << 30).read_to_string().unwrap();
        Self {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body,
        }
    }
}

fn client() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(TIMEOUT))
        .build()
        .into()
}

/// Collects the lines of `stream`.
fn collect_lines(stream: impl Read + Send + 'static) -> Lines {
    let lines = Lines::default();
    let collected = lines.clone();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            collected.lock().unwrap().push(line);
        }
    });
    lines
}

/// Returns what follows one of [`READY`] at the beginning of a line: for HTTP, the address.
fn after_ready(line: &str) -> Option<&str> {
    READY.iter().find_map(|prefix| line.strip_prefix(prefix))
}
