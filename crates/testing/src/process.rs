//! The process of a server, which ends when it is dropped.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The time limit for a server to start.
const START_LIMIT: Duration = Duration::from_secs(20);

/// A process that runs.
#[derive(Debug)]
pub(crate) struct ServerProcess {
    child: Child,
}

impl ServerProcess {
    /// Starts the program and waits until its log has `ready` once more; `None` when it ended instead.
    ///
    /// # Errors
    /// The program cannot be run.
    ///
    /// # Panics
    /// Panics when the server does not start in time.
    pub(crate) fn start(
        command: &mut Command,
        log: &Path,
        ready: &str,
    ) -> std::io::Result<Option<Self>> {
        let count_starts = || read_log(log).matches(ready).count();
        let starts_before = count_starts();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
        let mut process = Self { child };

        let deadline = Instant::now() + START_LIMIT;
        // The log decides, not the port: another test's server might use it.
        while count_starts() == starts_before {
            if process.child.try_wait()?.is_some() {
                return Ok(None);
            }
            assert!(
                Instant::now() < deadline,
                "a server did not start:\n{}",
                read_log(log)
            );
            sleep(Duration::from_millis(5));
        }

        Ok(Some(process))
    }

    /// Stops the process: connections stay open, and commands get no reply.
    pub(crate) fn freeze(&self) {
        self.signal("STOP");
    }

    /// Continues a stopped process.
    pub(crate) fn thaw(&self) {
        self.signal("CONT");
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &self.child.id().to_string()])
            .status();
        assert!(
            sent.is_ok_and(|status| status.success()),
            "cannot signal the server"
        );
    }
}

impl Drop for ServerProcess {
    /// Ends the process at once, as a crash would.
    fn drop(&mut self) {
        // Fails when it has ended already, which is enough.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The text of a log so far.
pub(crate) fn read_log(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}
