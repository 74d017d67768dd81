//! Options of servers that Sentinels watch.

use std::time::Duration;

use crate::ServerKind;

/// Options of [`crate::Sentinels::with`].
#[derive(Debug, Clone)]
pub struct SentinelOptions {
    pub(super) kind: ServerKind,
    pub(super) down_after: Duration,
    pub(super) password: Option<String>,
    pub(super) sentinel_password: Option<String>,
}

impl SentinelOptions {
    /// The defaults: servers of the kind that `EDGE_CACHE_TEST_SERVER` selects, a failure that is
    /// noticed after 1 s, and no passwords.
    pub fn new() -> Self {
        Self {
            kind: ServerKind::selected(),
            down_after: Duration::from_secs(1),
            password: None,
            sentinel_password: None,
        }
    }

    /// Starts servers and Sentinels of this kind.
    pub fn kind(mut self, kind: ServerKind) -> Self {
        self.kind = kind;
        self
    }

    /// Sets `down-after-milliseconds`, after which a silent server counts as failed.
    pub fn down_after(mut self, time: Duration) -> Self {
        self.down_after = time;
        self
    }

    /// Sets the password of the servers.
    pub fn password(mut self, password: &str) -> Self {
        self.password = Some(password.to_owned());
        self
    }

    /// Sets the password of the Sentinels.
    pub fn sentinel_password(mut self, password: &str) -> Self {
        self.sentinel_password = Some(password.to_owned());
        self
    }

    /// The options of each server.
    pub(super) fn of_server(&self) -> Vec<String> {
        let delay = ["--repl-diskless-sync-delay", "0"].map(str::to_owned);
        let login = self.password.iter().flat_map(|password| {
            ["--requirepass", password, "--masterauth", password].map(str::to_owned)
        });
        delay.into_iter().chain(login).collect()
    }
}

impl Default for SentinelOptions {
    fn default() -> Self {
        Self::new()
    }
}
