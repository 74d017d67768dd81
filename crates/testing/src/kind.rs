//! The kinds of servers that tests start, and the variable `EDGE_CACHE_TEST_SERVER` that selects one for
//! a whole run of tests.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The variable that selects the server.
const VARIABLE: &str = "EDGE_CACHE_TEST_SERVER";
/// Its value for a Redis in memory.
const IN_MEMORY: &str = "memory";

/// A kind of server. `scripts/setup --test` installs them all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ServerKind {
    /// The `redis-server` on the PATH; Debian's is Redis 7.
    #[default]
    Redis7,
    /// Redis 6.2, the oldest that is supported.
    Redis62,
    /// Valkey 8.
    Valkey8,
    /// Valkey 9.
    Valkey9,
}

impl ServerKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Redis7, Self::Redis62, Self::Valkey8, Self::Valkey9];

    /// The kind that `EDGE_CACHE_TEST_SERVER` selects: `redis-6.2`, `valkey-8` or `valkey-9`. Without
    /// the variable it is Redis 7, also for tests that need a server while the variable selects a
    /// Redis in memory.
    ///
    /// # Panics
    /// Panics when the variable has another value.
    pub fn selected() -> Self {
        let selected = selection();
        if selected.is_empty() || selected == IN_MEMORY {
            return Self::default();
        }

        let kind = Self::ALL
            .into_iter()
            .find(|kind| kind.folder() == Some(&selected));
        kind.unwrap_or_else(|| {
            let folders: Vec<&str> = Self::ALL.into_iter().filter_map(Self::folder).collect();
            let values = folders.join(", ");
            panic!("{VARIABLE} is `{selected}`, but must be one of: {IN_MEMORY}, {values}")
        })
    }

    /// The output of the program's `--version`.
    ///
    /// # Panics
    /// Panics when the program is not installed.
    pub fn version(self) -> String {
        let output = Command::new(self.program()).arg("--version").output();
        let output = output.unwrap_or_else(|error| panic!("{}: {error}", self.missing()));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// The server's program.
    pub(crate) fn program(self) -> PathBuf {
        let Some(folder) = self.folder() else {
            return PathBuf::from("redis-server");
        };
        let servers = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/servers");
        Path::new(servers).join(folder).join("server")
    }

    /// The error for a program that cannot be run.
    pub(crate) fn missing(self) -> String {
        let program = self.program();
        format!(
            "{} must be installed: scripts/setup --test does that",
            program.display()
        )
    }

    /// The folder below `target/servers`, which is also the value that selects it.
    fn folder(self) -> Option<&'static str> {
        match self {
            Self::Redis7 => None,
            Self::Redis62 => Some("redis-6.2"),
            Self::Valkey8 => Some("valkey-8"),
            Self::Valkey9 => Some("valkey-9"),
        }
    }
}

/// True when the variable selects a Redis in memory.
pub(crate) fn is_in_memory() -> bool {
    selection() == IN_MEMORY
}

fn selection() -> String {
    env::var(VARIABLE).unwrap_or_default()
}
