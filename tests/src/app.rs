//! The application under test with its own Redis.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread;
use std::time::Duration;

use edge_cache_testing::{Proxy, RedisServer};
use tempfile::TempDir;

use crate::caller::Caller;
use crate::client::Client;
use crate::contract::repository;
use crate::host::Host;
use crate::routes::Route;

/// Held for reading by every application, for writing by one that measures time.
static MACHINE: RwLock<()> = RwLock::new(());

/// What [`App::with`] starts.
#[derive(Debug, Clone, Default)]
pub struct Options {
    variables: Vec<(String, String)>,
    redis: Vec<&'static str>,
    without_tokens: bool,
    alone: bool,
    proxied: bool,
    plan: Option<&'static str>,
}

impl Options {
    /// The defaults: no options of Redis, a token for each role.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a variable of `spin.toml`; wins over what the harness sets.
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds options of `redis-server`.
    pub fn redis(mut self, options: &[&'static str]) -> Self {
        self.redis.extend_from_slice(options);
        self
    }

    /// Configures no token.
    pub fn without_tokens(mut self) -> Self {
        self.without_tokens = true;
        self
    }

    /// Warms up by a plan of `tests/plans/`, which scripts/test has built into a component.
    pub fn plan(mut self, name: &'static str) -> Self {
        self.plan = Some(name);
        self
    }

    /// Puts a proxy before Redis, which fails on demand: [`App::proxy`].
    pub fn proxied(mut self) -> Self {
        self.proxied = true;
        self
    }

    /// Lets no other test of this file run meanwhile: for promises about time.
    pub fn alone(mut self) -> Self {
        self.alone = true;
        self
    }
}

#[expect(dead_code, reason = "held until the application is gone")]
enum Turn {
    Shared(RwLockReadGuard<'static, ()>),
    Alone(RwLockWriteGuard<'static, ()>),
}

/// A running application and its Redis, both gone when dropped.
pub struct App {
    host: Host,
    redis: RedisServer,
    proxy: Option<Proxy>,
    state: TempDir,
    manifest: PathBuf,
    variables: Vec<(String, String)>,
    every: OnceLock<Vec<(Route, Client)>>,
    _turn: Turn,
}

/// A copy of `spin.toml` whose warmup component was built from another plan.
fn manifest_with(plan: &str, directory: &Path) -> PathBuf {
    let root = repository();
    let component = root.join("target/plans").join(format!("{plan}.wasm"));
    assert!(component.is_file(), "{} is absent: run scripts/test, which builds it", component.display());
    let text = fs::read_to_string(root.join("spin.toml")).expect("the manifest");
    let text = text
        .replace("\"target/wasm32-wasip2/release/warmup.wasm\"", &format!("\"{}\"", component.display()))
        .replace("source = \"target/", &format!("source = \"{}/target/", root.display()));
    let manifest = directory.join("spin.toml");
    fs::write(&manifest, text).expect("a copy of the manifest");
    manifest
}

impl App {
    /// Starts the application with an empty Redis and a token for each role.
    ///
    /// # Panics
    /// When Redis, the host or the application cannot be started.
    pub fn start() -> Self {
        Self::with(Options::new())
    }

    /// Starts the application.
    ///
    /// # Panics
    /// When Redis, the host or the application cannot be started.
    pub fn with(options: Options) -> Self {
        let turn = match options.alone {
            true => Turn::Alone(MACHINE.write().unwrap_or_else(PoisonError::into_inner)),
            false => Turn::Shared(MACHINE.read().unwrap_or_else(PoisonError::into_inner)),
        };
        let redis = RedisServer::with(&options.redis);
        let proxy = options.proxied.then(|| Proxy::before(redis.port()));
        let port = proxy.as_ref().map_or(redis.port(), Proxy::port);
        let tokens = if options.without_tokens { String::new() } else { Caller::variable() };
        let own = [("redis_host", "127.0.0.1".to_owned()), ("redis_port", port.to_string()), ("tokens", tokens)];
        let mut variables: Vec<_> = own.map(|(name, value)| (name.to_owned(), value)).into();
        variables.extend(options.variables);
        let state = TempDir::new().expect("a temporary directory");
        let manifest = options.plan.map_or_else(|| "spin.toml".into(), |plan| manifest_with(plan, state.path()));
        let host = Host::start(&manifest, &variables, state.path());
        Self { host, redis, proxy, state, manifest, variables, every: OnceLock::new(), _turn: turn }
    }

    /// Starts the application a second time, beside this one and with the same Redis and settings: another process.
    ///
    /// # Panics
    /// When it does not start.
    pub fn another(&self) -> Beside {
        let state = TempDir::new().expect("a temporary directory");
        Beside { host: Host::start(&self.manifest, &self.variables, state.path()), _state: state }
    }

    /// Starts the application again, with what it keeps between starts. Clients made before know only the old one.
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart(&mut self) {
        self.host.stop();
        self.host = Host::start(&self.manifest, &self.variables, self.state.path());
        self.every = OnceLock::new();
    }

    /// The application's Redis.
    pub fn redis(&self) -> &RedisServer {
        &self.redis
    }

    /// The application's Redis, to kill and launch.
    pub fn redis_mut(&mut self) -> &mut RedisServer {
        &mut self.redis
    }

    /// What stands between the application and its Redis.
    ///
    /// # Panics
    /// Without [`Options::proxied`].
    pub fn proxy(&self) -> &Proxy {
        self.proxy.as_ref().expect("an application with a proxy")
    }

    /// What host and components printed so far.
    pub fn log(&self) -> String {
        self.host.log()
    }

    /// Whether a line with all of these is printed, now or within a few seconds: what was printed takes a moment to arrive.
    pub fn logs(&self, parts: &[&str]) -> bool {
        let printed = || self.log().lines().any(|line| parts.iter().all(|part| line.contains(part)));
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

    /// A client that sends this caller's token.
    pub fn client(&self, caller: Caller) -> Client {
        Client::new(self.host.address(), caller)
    }

    /// Every route with a client of its own: its connection is kept, and so the thread of the host that serves it.
    pub fn every(&self) -> &[(Route, Client)] {
        let with_client = |route: Route| {
            let client = self.client(route.role);
            (route, client)
        };
        self.every.get_or_init(|| Route::every().into_iter().map(with_client).collect())
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

/// A second process of an application.
pub struct Beside {
    host: Host,
    _state: TempDir,
}

impl Beside {
    /// A client of it in a caller's name.
    pub fn client(&self, caller: Caller) -> Client {
        Client::new(self.host.address(), caller)
    }
}

/// The application that wakes the warmup endpoint on its schedule.
pub struct Scheduler {
    host: Host,
    _state: TempDir,
}

impl Scheduler {
    /// Starts it for an application, with an admin's token or another.
    pub fn start(app: &App, token: &str) -> Self {
        let state = TempDir::new().expect("a temporary directory");
        let endpoint = ("warmup_endpoint".to_owned(), format!("http://{}", app.address()));
        let variables = [endpoint, ("warmup_token".to_owned(), token.to_owned())];
        Self { host: Host::beside("schedule.toml", &variables, state.path()), _state: state }
    }

    /// What host and component printed so far.
    pub fn log(&self) -> String {
        self.host.log()
    }
}

/// The application that handles messages of the events channel, beside a Redis.
pub struct Subscriber {
    host: Host,
    _state: TempDir,
}

impl Subscriber {
    /// Starts it.
    pub fn start(redis: &RedisServer) -> Self {
        let state = TempDir::new().expect("a temporary directory");
        let variables = [("redis_port".to_owned(), redis.port().to_string())];
        Self { host: Host::beside("events.toml", &variables, state.path()), _state: state }
    }

    /// What host and component printed so far.
    pub fn log(&self) -> String {
        self.host.log()
    }
}
