//! The sample shop, `examples/catalog`: an application of its own with the same Redis, which starts
//! with its first request.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tempfile::TempDir;

use crate::host::Host;
use crate::old_addresses::OLD_ADDRESSES;

/// The prefixes of its paths. The addresses of older systems below them belong to the
/// administration.
const PATHS: [&str; 5] = [
    "/api/products/",
    "/api/vehicles/",
    "/api/users/",
    "/api/config/",
    "/api/seo/",
];

/// The shop of an application.
#[derive(Debug)]
pub(crate) struct Shop {
    variables: Vec<(String, String)>,
    state: TempDir,
    host: Mutex<Option<Host>>,
}

impl Shop {
    /// Returns a shop with an application's settings. It starts with its first request.
    pub(crate) fn of(variables: &[(String, String)]) -> Arc<Self> {
        let state = TempDir::new().expect("a temporary directory");
        Arc::new(Self {
            variables: variables.to_vec(),
            state,
            host: Mutex::default(),
        })
    }

    /// Returns true if the shop serves this path.
    pub(crate) fn serves(path: &str) -> bool {
        let plain = path.split('?').next().unwrap_or(path).trim_end_matches('/');
        PATHS.iter().any(|own| plain.starts_with(own)) && !OLD_ADDRESSES.contains(&plain)
    }

    /// `127.0.0.1:<port>`.
    pub(crate) fn address(&self) -> String {
        let mut host = self.host();
        let start = || {
            Host::start(
                Path::new("examples/catalog/spin.toml"),
                &self.variables,
                self.state.path(),
            )
        };
        host.get_or_insert_with(start).address().to_owned()
    }

    /// The output of the host and the component, once nothing more arrives.
    pub(crate) fn log(&self) -> String {
        self.host().as_ref().map(Host::log).unwrap_or_default()
    }

    /// The output that has arrived.
    pub(crate) fn log_so_far(&self) -> String {
        self.host()
            .as_ref()
            .map(Host::log_so_far)
            .unwrap_or_default()
    }

    /// Kills it; it starts again with the next request.
    pub(crate) fn stop(&self) {
        *self.host() = None;
    }

    fn host(&self) -> MutexGuard<'_, Option<Host>> {
        self.host.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
