//! An application for the host to run.

use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use edge_cache_testing::PostgresServer;
use tempfile::TempDir;

use super::guest::guest;
use super::host::Host;

/// An application in a directory of its own.
pub struct Application {
    pub dir: TempDir,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

impl Application {
    /// The guest at every route, with `grants` added to its section of the manifest.
    pub fn with(grants: &str) -> Self {
        Self::of_guest(grants).with_code_cache(compiled_guest())
    }

    /// Uses the compiled code in `directory`.
    fn with_code_cache(self, directory: &Path) -> Self {
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
        Self {
            dir,
            arguments: Vec::new(),
            environment: Vec::new(),
        }
    }

    /// Writes a file into the application's directory.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub fn argument(mut self, argument: impl Into<String>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    pub fn environment(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }

    /// Sets the address of `server`, with its credentials.
    pub fn postgres(self, server: &PostgresServer) -> Self {
        self.environment("SPIN_VARIABLE_POSTGRES", server.url())
            .environment("SPIN_VARIABLE_POSTGRES_ORIGIN", server.origin())
    }

    fn host_command(&self) -> Command {
        let host = env!("CARGO_BIN_EXE_local-host");
        self.command(host, &["--listen", "127.0.0.1:0"])
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.dir.path())
            .args(arguments)
            .args(&self.arguments)
            // A killed host leaves temporary files, which are deleted with this directory.
            .env("TMPDIR", self.dir.path())
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            // With a backtrace, Spin adds its own call stack to the errors that components see.
            .env("RUST_BACKTRACE", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Starts the host and waits until it serves.
    pub fn start(self) -> Host {
        let command = self.host_command();
        Host::start(command, self.dir)
    }

    /// Starts the host and does not wait.
    pub fn start_without_waiting(self) -> Host {
        let command = self.host_command();
        Host::launch(command, self.dir)
    }

    /// Starts Spin and waits until it serves. `None` if it is not installed.
    pub fn start_on_spin(self) -> Option<Host> {
        let program = std::env::var("SPIN").unwrap_or_else(|_| "spin".to_owned());
        Command::new(&program).arg("--version").output().ok()?;

        let mut command = self.command(&program, &["up", "--quiet", "--listen", "127.0.0.1:0"]);
        // Spin runs the trigger in a process of its own, so the whole group has to be killed. The
        // local host stays in the group of the test, where Ctrl-C reaches it.
        command.process_group(0);
        Some(Host::start_group(command, self.dir))
    }

    /// Starts the host, which must refuse the application before it prints anything. Returns the
    /// error.
    pub fn refusal(self) -> String {
        let (stdout, error) = self.failure();
        assert!(stdout.is_empty(), "printed before the checks: {stdout}");
        error
    }

    /// Starts the host, which must end with an error of one line. Returns its stdout and the error.
    pub fn failure(&self) -> (String, String) {
        let output = self.host_command().output().unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        let error = String::from_utf8(output.stderr).unwrap();

        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.starts_with("local-host: error: "), "{error}");
        assert_eq!(error.trim_end().lines().count(), 1, "{error}");
        (stdout, error)
    }
}

/// Returns a directory with the guest's compiled code, so that tests measure the time of requests
/// and not of compiling.
fn compiled_guest() -> &'static Path {
    static COMPILED: OnceLock<PathBuf> = OnceLock::new();
    COMPILED.get_or_init(|| {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&directory)
            .unwrap();

        let application = Application::of_guest("").with_code_cache(&directory);
        application.start().get("/");
        directory
    })
}
