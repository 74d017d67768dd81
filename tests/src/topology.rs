//! The kinds of Redis on which the same tests run. `EDGE_CACHE_TEST_TOPOLOGY` selects one: `single`
//! (the default), `cluster` or `one-database`.

use std::env;
use std::io::Write as _;
use std::thread;

/// A kind of Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topology {
    /// One server with several databases: the audit trail has its own.
    Single,
    /// A Redis Cluster of three primaries. Tests with replicas use [`crate::Options::cluster`].
    Cluster,
    /// One server with one database, which the cache shares with the audit trail.
    OneDatabase,
}

impl Topology {
    /// The selected topology.
    ///
    /// # Panics
    /// If the variable has another value.
    pub fn selected() -> Self {
        match env::var("EDGE_CACHE_TEST_TOPOLOGY").as_deref() {
            Err(_) | Ok("single") => Self::Single,
            Ok("cluster") => Self::Cluster,
            Ok("one-database") => Self::OneDatabase,
            Ok(other) => panic!(
                "EDGE_CACHE_TEST_TOPOLOGY is `{other}` instead of single, cluster or one-database"
            ),
        }
    }

    /// Returns true if the audit trail is in the cache's database.
    pub(crate) fn shares_database(self) -> bool {
        self != Self::Single
    }
}

/// The topologies with one server.
pub const ONE_SERVER: &[Topology] = &[Topology::Single, Topology::OneDatabase];

/// Returns true if the selected topology is one of these. Otherwise prints that the test did not
/// run, with the reason: a test returns then.
pub fn runs_on(topologies: &[Topology], reason: &str) -> bool {
    let selected = Topology::selected();
    if topologies.contains(&selected) {
        return true;
    }

    let test = thread::current();
    let name = test.name().unwrap_or("a test");
    // The runner of tests hides what macros print.
    let printed = writeln!(
        std::io::stderr(),
        "not run on {selected:?}: {name}: {reason}"
    );
    printed.expect("an open standard error");
    false
}
