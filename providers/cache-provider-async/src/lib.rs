//! Provides `edge-cache:cache-async` (`wit/cache-async`): the cache for components in languages with
//! async functions.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use edge_cache::RedisClient;
use edge_cache_spin::SpinTransport;
use edge_cache_wit::concurrent::{self, Timer};
use edge_cache_wit::{Found, Gauge, Lookup, LookupOptions, Provider, Settings, VARIABLES};
use spin_sdk::variables;

use bindings::exports::edge_cache::cache_async::cache::{
    Guest, GuestTurn, Options, Outcome, Selection, Turn,
};

mod bindings {
    spin_sdk::wit_bindgen::generate!({
        runtime_path: "spin_sdk::wit_bindgen::rt",
        path: "../../wit/cache-async",
        world: "provider",
    });
    use super::Component;
    export!(Component);
}

type SpinProvider = Provider<RedisClient<SpinTransport>>;

thread_local! {
    static PROVIDER: RefCell<Option<Rc<SpinProvider>>> = const { RefCell::new(None) };
}

/// Spin's timers.
struct SpinTimer;

impl Timer for SpinTimer {
    async fn sleep(&self, duration: Duration) {
        spin_sdk::time::sleep(duration).await;
    }
}

/// Returns the provider of this instance. Its first call creates it.
///
/// # Errors
/// The first variable that is missing or bad, which later calls read again.
async fn provider() -> Result<Rc<SpinProvider>, String> {
    if let Some(provider) = PROVIDER.with_borrow(Option::clone) {
        return Ok(provider);
    }

    let mut given = Vec::new();
    for name in VARIABLES {
        if let Ok(value) = variables::get(name).await {
            given.push((name, value));
        }
    }
    let settings = Settings::new(given)?;
    let transport = SpinTransport::new(settings.redis_url.clone(), "cache");
    let client = RedisClient::new(transport, settings.command_timeout)
        .in_namespace(settings.namespace.clone());
    let created = Rc::new(Provider::new(client, Rc::new(Gauge::default()), &settings));

    // Another call may have created it during the await. Then all calls share that.
    Ok(PROVIDER.with_borrow_mut(|provider| Rc::clone(provider.get_or_insert(created))))
}

struct Component;

impl Guest for Component {
    type Turn = OpenTurn;

    async fn lookup(key: String, options: Options) -> Outcome {
        match provider().await {
            Ok(provider) => look_up(&provider, key, options).await,
            Err(problem) => Outcome::Failed(problem),
        }
    }

    async fn get(key: String) -> Result<Option<String>, String> {
        let provider = provider().await?;
        concurrent::run(provider.gauge(), &SpinTimer, provider.get(&key)).await
    }

    async fn set(key: String, value: String, options: Options) -> Result<(), String> {
        let provider = provider().await?;
        let options = lookup_options(options);
        let setting = provider.set(&key, value, &options);
        concurrent::run(provider.gauge(), &SpinTimer, setting).await
    }

    async fn invalidate(entries: Selection) -> Result<u64, String> {
        let provider = provider().await?;
        let selection = edge_cache_wit::Selection {
            keys: entries.keys,
            tags: entries.tags,
            patterns: entries.patterns,
        };
        let invalidating = provider.invalidate(&selection);
        concurrent::run(provider.gauge(), &SpinTimer, invalidating).await
    }
}

async fn look_up(provider: &SpinProvider, key: String, options: Options) -> Outcome {
    for lookup in provider.take_given_up() {
        concurrent::settle(lookup, &SpinTimer).await;
    }

    let lookup = provider.begin(key, lookup_options(options));
    match concurrent::look_up(lookup, &SpinTimer).await {
        Found::Hit(value) => Outcome::Hit(value),
        Found::Stale(value) => Outcome::Stale(value),
        Found::Load(lookup) => Outcome::Load(Turn::new(OpenTurn(RefCell::new(Some(lookup))))),
        Found::LoadFailed(error) => Outcome::LoadFailed(error),
        Found::Failed(problem) => Outcome::Failed(problem),
        // A lookup that can await does not end before.
        Found::Wait(_) => Outcome::Failed("the lookup did not end".to_owned()),
    }
}

fn lookup_options(options: Options) -> LookupOptions {
    LookupOptions {
        ttl_ms: options.ttl_ms,
        grace_ms: options.grace_ms,
        lock_wait_ms: options.lock_wait_ms,
        failure_ttl_ms: options.failure_ttl_ms,
        negative_ttl_ms: options.negative_ttl_ms,
        tags: options.tags,
    }
}

/// A turn; empty once it has ended, and while it is being extended.
struct OpenTurn(RefCell<Option<Lookup>>);

impl GuestTurn for OpenTurn {
    async fn store(&self, value: String) -> Option<String> {
        match self.0.take() {
            Some(lookup) => concurrent::store(lookup, value, &SpinTimer).await,
            None => Some("the turn has ended".to_owned()),
        }
    }

    async fn fail(&self, reason: String) -> Option<String> {
        concurrent::fail(self.0.take()?, reason, &SpinTimer).await
    }

    async fn extend(&self) -> bool {
        let Some(mut lookup) = self.0.take() else {
            return false;
        };
        let is_open = concurrent::extend(&mut lookup, &SpinTimer).await;
        if is_open {
            self.0.replace(Some(lookup));
        }
        is_open
    }
}

impl Drop for OpenTurn {
    fn drop(&mut self) {
        let provider = PROVIDER.with_borrow(Option::clone);
        // A destructor cannot await: the next lookup releases the lock.
        if let (Some(lookup), Some(provider)) = (self.0.take(), provider) {
            provider.give_up(lookup);
        }
    }
}
