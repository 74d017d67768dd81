//! The application under test, with its own Redis.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread;
use std::time::Duration;

use edge_cache_testing::{Cluster, Proxy, RedisServer, Sentinels};
use serde_json::Value;
use tempfile::TempDir;

use crate::backend::Backend;
use crate::caller::Caller;
use crate::client::Client;
use crate::connection::Connection;
use crate::contract::repository;
use crate::host::Host;
use crate::options::{Configuration, Options};
use crate::redis_user;
use crate::routes::Route;
use crate::shop::Shop;
use crate::topology::Topology;

/// Held for reading by every application, and for writing by one that measures time.
static MACHINE: RwLock<()> = RwLock::new(());

#[expect(dead_code, reason = "held until the application is gone")]
enum MachineLock {
    Shared(RwLockReadGuard<'static, ()>),
    Exclusive(RwLockWriteGuard<'static, ()>),
}

impl MachineLock {
    fn acquire(exclusive: bool) -> Self {
        if exclusive {
            Self::Exclusive(MACHINE.write().unwrap_or_else(PoisonError::into_inner))
        } else {
            Self::Shared(MACHINE.read().unwrap_or_else(PoisonError::into_inner))
        }
    }
}

/// A running application and its Redis, which end when this is dropped. The sample shop
/// (`examples/catalog`) is an application of its own and starts with its first request.
pub struct App {
    host: Host,
    shop: Arc<Shop>,
    redis: Backend,
    proxy: Option<Proxy>,
    state: TempDir,
    manifest: PathBuf,
    variables: Vec<(String, String)>,
    all_routes: OnceLock<Vec<(Route, Client)>>,
    _lock: MachineLock,
}

/// Writes a copy of `spin.toml` beside a configuration file of its own, which its components mount.
fn manifest_with(configuration: &str, directory: &Path) -> PathBuf {
    let root = repository();
    let text = fs::read_to_string(root.join("spin.toml")).expect("the manifest");
    let text = text.replace(
        "source = \"target/",
        &format!("source = \"{}/target/", root.display()),
    );

    let manifest = directory.join("spin.toml");
    fs::write(&manifest, text).expect("a copy of the manifest");
    fs::write(directory.join("edge-cache.toml"), configuration).expect("a configuration file");
    manifest
}

fn read(path: &str) -> String {
    fs::read_to_string(repository().join(path)).expect("a file of the repository")
}

impl Drop for App {
    fn drop(&mut self) {
        // Clients share the shop and may outlive the application.
        self.shop.stop();
    }
}

impl App {
    /// Starts the application with an empty Redis and a token for each role.
    ///
    /// # Panics
    /// If Redis, the host or the application cannot be started.
    pub fn start() -> Self {
        Self::with(Options::new())
    }

    /// Starts the application.
    ///
    /// # Panics
    /// If Redis, the host or the application cannot be started.
    pub fn with(options: Options) -> Self {
        let lock = MachineLock::acquire(options.exclusive);

        let redis = Backend::start(&options);
        let proxy = options.proxied.then(|| Proxy::before(redis.port(false)));
        let port = match &proxy {
            Some(proxy) => proxy.port(),
            None => redis.port(options.tls),
        };

        let state = TempDir::new().expect("a temporary directory");
        let manifest = match &options.configuration {
            Configuration::Product => "spin.toml".into(),
            Configuration::File(path) => manifest_with(&read(path), state.path()),
            Configuration::Text(text) => manifest_with(text, state.path()),
        };
        let mut variables = options.into_variables(port);
        variables.extend(redis.variables());

        let host = Host::start(&manifest, &variables, state.path());
        let shop = Shop::of(&variables);
        Self {
            host,
            shop,
            redis,
            proxy,
            state,
            manifest,
            variables,
            all_routes: OnceLock::new(),
            _lock: lock,
        }
    }

    /// Starts the application in a second process, with the same Redis and settings.
    ///
    /// # Panics
    /// If it does not start.
    pub fn start_second_process(&self) -> SecondProcess {
        let state = TempDir::new().expect("a temporary directory");
        let host = Host::start(&self.manifest, &self.variables, state.path());
        SecondProcess {
            host,
            shop: Shop::of(&self.variables),
            _state: state,
        }
    }

    /// Restarts the application with its state. Existing clients know only the old address.
    ///
    /// # Panics
    /// If it does not start.
    pub fn restart(&mut self) {
        self.host.stop();
        self.shop.stop();
        self.host = Host::start(&self.manifest, &self.variables, self.state.path());
        self.all_routes = OnceLock::new();
    }

    /// Changes a variable for the next [`App::restart`].
    pub fn set_variable(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// The application's Redis.
    pub fn redis(&self) -> &RedisServer {
        self.redis.server()
    }

    /// A connection to the application's Redis, or to all nodes of its Cluster, that does not use
    /// the code under test.
    ///
    /// # Panics
    /// If Redis does not accept it.
    pub fn connection(&self) -> Connection {
        self.redis.connection()
    }

    /// Lists keys with a query of `/keys`, following the cursors. A Cluster's nodes are listed one
    /// after the other, so that a page is seldom full there.
    ///
    /// # Panics
    /// If a page is not documented.
    pub fn list_keys(&self, query: &str) -> Vec<Value> {
        let viewer = self.viewer();
        let mut rows = Vec::new();
        let mut cursor = "0".to_owned();
        loop {
            let mut page = viewer.get(&format!("/keys?cursor={cursor}{query}")).data();
            rows.append(page["keys"].as_array_mut().expect("a list of keys"));
            match page["pagination"]["nextCursor"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => return rows,
            }
        }
    }

    /// A connection to the database of the audit trail.
    ///
    /// # Panics
    /// If Redis does not accept it.
    pub fn trail(&self) -> Connection {
        let mut connection = self.connection();
        if Topology::selected() == Topology::Single {
            let () = redis::cmd("SELECT")
                .arg(1)
                .query(&mut connection)
                .expect("a second database");
        }
        connection
    }

    /// The Cluster of an application with [`Options::cluster`].
    ///
    /// # Panics
    /// If its Redis is a single server.
    pub fn cluster(&mut self) -> &mut Cluster {
        match &mut self.redis {
            Backend::Cluster(cluster) => cluster,
            Backend::Server(_) | Backend::Sentinels(_) => panic!("the application has no Cluster"),
        }
    }

    /// The servers and Sentinels of an application with [`Options::sentinels`].
    ///
    /// # Panics
    /// If it has none.
    pub fn sentinels(&mut self) -> &mut Sentinels {
        match &mut self.redis {
            Backend::Sentinels(sentinels) => sentinels,
            Backend::Server(_) | Backend::Cluster(_) => panic!("the application has no Sentinels"),
        }
    }

    /// Connects to the application's Redis as the user of the application.
    ///
    /// # Panics
    /// If Redis does not accept the login.
    pub fn redis_as_user(&self) -> redis::Connection {
        let login = format!("redis://{}:{}@", redis_user::USER, redis_user::PASSWORD);
        let client = redis::Client::open(self.redis.server().url(0).replace("redis://", &login))
            .expect("a well-formed address");
        client
            .get_connection()
            .expect("a connection as the user of SECURITY.md")
    }

    /// The application's Redis, to kill and relaunch.
    pub fn redis_mut(&mut self) -> &mut RedisServer {
        match &mut self.redis {
            Backend::Server(server) => server,
            Backend::Cluster(_) | Backend::Sentinels(_) => panic!("there are several servers"),
        }
    }

    /// The proxy between the application and its Redis.
    ///
    /// # Panics
    /// Without [`Options::proxied`].
    pub fn proxy(&self) -> &Proxy {
        self.proxy.as_ref().expect("an application with a proxy")
    }

    /// The output of the host and the components, once nothing more arrives.
    pub fn log(&self) -> String {
        self.host.log() + &self.shop.log()
    }

    /// Waits a few seconds for a line that contains all `parts`, because output arrives with a
    /// delay.
    pub fn logs(&self, parts: &[&str]) -> bool {
        let printed = || {
            (self.host.log_so_far() + &self.shop.log_so_far())
                .lines()
                .any(|line| parts.iter().all(|part| line.contains(part)))
        };
        (0..100).any(|look| {
            if look > 0 {
                thread::sleep(Duration::from_millis(50));
            }
            printed()
        })
    }

    /// `127.0.0.1:<port>`.
    pub fn address(&self) -> &str {
        self.host.address()
    }

    /// The address `127.0.0.1:<port>` that serves this path: the application's or the sample
    /// shop's.
    pub fn address_of(&self, path: &str) -> String {
        if Shop::serves(path) {
            self.shop.address()
        } else {
            self.host.address().to_owned()
        }
    }

    /// A client that sends this caller's token.
    pub fn client(&self, caller: Caller) -> Client {
        Client::new(self.host.address(), caller).with_shop(&self.shop)
    }

    /// A client that sends this caller's token through a proxy at `address`.
    pub(crate) fn client_through(&self, address: &str, caller: Caller) -> Client {
        Client::new(address, caller).with_shop(&self.shop)
    }

    /// Every route with a client of its own. Its connection stays open, and so the same thread of
    /// the host serves it.
    pub fn all_routes(&self) -> &[(Route, Client)] {
        let with_client = |route: Route| {
            let client = self.client(route.role);
            (route, client)
        };
        self.all_routes
            .get_or_init(|| Route::all().into_iter().map(with_client).collect())
    }

    /// A client without a token.
    pub fn nobody(&self) -> Client {
        self.client(Caller::Nobody)
    }

    /// A client with a token that is not configured.
    pub fn stranger(&self) -> Client {
        self.client(Caller::Stranger)
    }

    /// A client with the role viewer.
    pub fn viewer(&self) -> Client {
        self.client(Caller::Viewer)
    }

    /// A client with the role operator.
    pub fn operator(&self) -> Client {
        self.client(Caller::Operator)
    }

    /// A client with the role admin.
    pub fn admin(&self) -> Client {
        self.client(Caller::Admin)
    }
}

/// A second process of the application, with a shop of its own.
pub struct SecondProcess {
    host: Host,
    shop: Arc<Shop>,
    _state: TempDir,
}

impl SecondProcess {
    /// A client that sends this caller's token.
    pub fn client(&self, caller: Caller) -> Client {
        Client::new(self.host.address(), caller).with_shop(&self.shop)
    }
}
