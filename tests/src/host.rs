//! The program that runs the application: `local-host`, or Spin with `EDGE_CACHE_HOST=spin`.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;
use std::{env, fs};

use edge_cache_testing::free_port;

use crate::contract::repository;

/// Time limit for an application to listen. The first start after a build compiles every component.
const START_TIMEOUT: Duration = Duration::from_secs(180);
/// A log is taken as complete when nothing arrived for this time.
const QUIET: Duration = Duration::from_millis(100);
/// Most waits of [`QUIET`] for a host that keeps logging.
const QUIET_TRIES: u32 = 20;
/// The text that both hosts print before their address.
const SERVING: &str = "Serving http://";
/// The sample catalogue, relative to the repository.
const CATALOGUE: &str = "data/catalogue.sql";

/// A running host.
#[derive(Debug)]
pub(crate) struct Host {
    child: Option<Child>,
    is_spin: bool,
    address: String,
    log: Arc<Mutex<String>>,
}

impl Host {
    /// Starts the application and waits until it listens.
    pub(crate) fn start(manifest: &Path, variables: &[(String, String)], state: &Path) -> Self {
        let mut command = program(manifest, state);
        if is_spin() {
            // Spin does not support port 0. Without an HTTP trigger it would refuse any address.
            command.args(["--listen", &format!("127.0.0.1:{}", free_port())]);
        }

        assert!(
            repository().join(CATALOGUE).is_file(),
            "{CATALOGUE} is absent: run `cargo run -p sample-catalogue -- --output {CATALOGUE}`"
        );

        command.args(["--sqlite", &format!("@{CATALOGUE}")]);
        let mut host = Self::spawn(command, variables);
        host.address = host.wait_for_address();
        host
    }

    /// Starts an application without an HTTP trigger, and does not wait for it.
    pub(crate) fn start_without_address(
        manifest: &str,
        variables: &[(String, String)],
        state: &Path,
    ) -> Self {
        let mut host = Self::spawn(program(Path::new(manifest), state), variables);
        let child = host.child.as_mut().expect("a child that was just started");
        collect(
            child.stdout.take().expect("a piped stdout"),
            Arc::clone(&host.log),
            None,
        );
        collect(
            child.stderr.take().expect("a piped stderr"),
            Arc::clone(&host.log),
            None,
        );

        host
    }

    fn spawn(mut command: Command, variables: &[(String, String)]) -> Self {
        for (name, _) in env::vars().filter(|(name, _)| name.starts_with("SPIN_VARIABLE_")) {
            command.env_remove(name);
        }

        command.envs(variables.iter().map(|(name, value)| {
            (
                format!("SPIN_VARIABLE_{}", name.to_ascii_uppercase()),
                value,
            )
        }));

        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let child = child.unwrap_or_else(|error| {
            panic!(
                "{} does not start: {error}",
                command.get_program().display()
            )
        });

        Self {
            child: Some(child),
            is_spin: is_spin(),
            address: String::new(),
            log: Arc::default(),
        }
    }

    fn wait_for_address(&mut self) -> String {
        let child = self.child.as_mut().expect("a child that was just started");
        let (sender, receiver) = mpsc::channel();
        collect(
            child.stdout.take().expect("a piped stdout"),
            Arc::clone(&self.log),
            Some(sender),
        );
        collect(
            child.stderr.take().expect("a piped stderr"),
            Arc::clone(&self.log),
            None,
        );

        receiver
            .recv_timeout(START_TIMEOUT)
            .unwrap_or_else(|_| panic!("the application did not start; its log:\n{}", self.log()))
    }

    /// `127.0.0.1:<port>`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The output of the host and the components, once nothing more arrives: the host may
    /// log a response after sending it.
    pub(crate) fn log(&self) -> String {
        let mut log = self.log_so_far();
        for _ in 0..QUIET_TRIES {
            thread::sleep(QUIET);
            let later = self.log_so_far();
            if later.len() == log.len() {
                break;
            }
            log = later;
        }
        log
    }

    /// The output that has arrived.
    pub(crate) fn log_so_far(&self) -> String {
        self.log
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Kills the host.
    pub(crate) fn stop(&mut self) {
        let Some(mut child) = self.child.take() else {
            return;
        };
        if self.is_spin {
            let group = format!("-{}", child.id());
            let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        }

        // It may already have ended by itself.
        let _ = child.kill();
        let _ = child.wait();
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.stop();
        if thread::panicking() {
            eprintln!(
                "--- log of the application at {} ---\n{}",
                self.address,
                self.log()
            );
        }
    }
}

/// Copies an output to the log, and sends the address once.
fn collect(
    output: impl Read + Send + 'static,
    log: Arc<Mutex<String>>,
    mut sender: Option<mpsc::Sender<String>>,
) {
    thread::spawn(move || {
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            if let Some((_, rest)) = line.split_once(SERVING)
                && let Some(sender) = sender.take()
            {
                let address = rest
                    .split(|c: char| c != '.' && c != ':' && !c.is_ascii_digit())
                    .next()
                    .unwrap_or_default();
                let _ = sender.send(address.to_owned());
            }
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            log.push_str(&line);
            log.push('\n');
        }
    });
}

fn program(manifest: &Path, state: &Path) -> Command {
    let mut command = if is_spin() { spin() } else { local_host(state) };
    // A killed host leaves temporary files; they are deleted with the state.
    command
        .current_dir(repository())
        .env("TMPDIR", state)
        .arg("--from")
        .arg(manifest)
        .arg("--state-dir")
        .arg(state);
    command
}

/// Returns true if the tests run on Spin.
pub fn is_spin() -> bool {
    match env::var("EDGE_CACHE_HOST").as_deref() {
        Err(_) | Ok("" | "local") => false,
        Ok("spin") => true,
        Ok(other) => panic!("EDGE_CACHE_HOST is {other:?}; it must be local or spin"),
    }
}

fn spin() -> Command {
    let mut command = Command::new(env::var_os("SPIN_BIN").unwrap_or_else(|| "spin".into()));
    // A group of its own ends together with all processes that Spin starts.
    command.process_group(0);
    command.arg("up");
    command
}

fn local_host(state: &Path) -> Command {
    let program = local_host_program();
    // Compiled code is in the state directory; all tests share it.
    let compiled = own_target().join("end-to-end-compiled");
    let made = fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&compiled);
    made.expect("a directory for compiled components");

    let link = state.join("cache");
    if !link.exists() {
        std::os::unix::fs::symlink(compiled, link).expect("a link to the compiled components");
    }

    let mut command = Command::new(program);
    command.args(["--listen", "127.0.0.1:0"]);
    command
}

/// `<target>` of `<target>/debug/deps/<test>`.
fn own_target() -> PathBuf {
    let test = env::current_exe().expect("the path of this test");
    test.ancestors()
        .nth(3)
        .expect("a test is built into a target directory")
        .to_owned()
}

fn local_host_program() -> PathBuf {
    if let Some(given) = env::var_os("LOCAL_HOST_BIN") {
        return given.into();
    }

    let targets = [own_target(), repository().join("target")];
    let candidates = targets
        .iter()
        .flat_map(|target| ["quick", "host", "debug"].map(|profile| target.join(profile)));

    candidates
        .map(|directory| directory.join("local-host"))
        // The most recent build.
        .max_by_key(|program| fs::metadata(program).and_then(|file| file.modified()).ok())
        .filter(|program| program.is_file())
        .expect("local-host is not built: run `cargo build --profile quick -p local-host`, or set LOCAL_HOST_BIN")
}
