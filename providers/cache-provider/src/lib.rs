//! Provides `edge-cache:cache` (`wit/cache`): the cache for components in any language.
//!
//! Its functions are synchronous, and so are its calls of Redis: on the interfaces of Spin 2, because
//! a synchronous function may not wait for an asynchronous one of the host.

mod transport;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use edge_cache::RedisClient;
use edge_cache_wit::{
    Found, Gauge, Lookup, LookupOptions, Provider, Settings, VARIABLES, blocking,
};
use spin_sdk_5::variables;

use bindings::exports::edge_cache::cache::cache::{
    Guest, GuestTurn, GuestWaiter, Options, Outcome, Selection, Turn, Waiter,
};
use transport::SpinTransport;

mod bindings {
    spin_sdk_5::wit_bindgen::generate!({
        runtime_path: "spin_sdk_5::wit_bindgen::rt",
        path: "../../wit/cache",
        world: "provider",
    });
    use super::Component;
    export!(Component);
}

type SpinProvider = Provider<RedisClient<SpinTransport>>;

thread_local! {
    static PROVIDER: RefCell<Option<Rc<SpinProvider>>> = const { RefCell::new(None) };
}

/// Returns the provider of this instance. Its first call creates it.
///
/// # Errors
/// The first variable that is missing or bad, which later calls read again.
fn provider() -> Result<Rc<SpinProvider>, String> {
    if let Some(provider) = PROVIDER.with_borrow(Option::clone) {
        return Ok(provider);
    }

    let read = |name| variables::get(name).ok().map(|value| (name, value));
    let settings = Settings::new(VARIABLES.into_iter().filter_map(read).collect())?;
    let gauge = Rc::new(Gauge::default());
    let transport = SpinTransport::new(settings.redis_url.clone(), Rc::clone(&gauge));
    let client = RedisClient::new(transport, settings.command_timeout)
        .in_namespace(settings.namespace.clone());
    let provider = Rc::new(Provider::new(client, gauge, &settings));

    PROVIDER.set(Some(Rc::clone(&provider)));
    Ok(provider)
}

struct Component;

impl Guest for Component {
    type Turn = OpenTurn;
    type Waiter = OpenWaiter;

    fn lookup(key: String, options: Options) -> Outcome {
        match provider() {
            Ok(provider) => outcome(provider.begin(key, lookup_options(options))),
            Err(problem) => Outcome::Failed(problem),
        }
    }

    fn get(key: String) -> Result<Option<String>, String> {
        let provider = provider()?;
        blocking::run(provider.gauge(), provider.get(&key))
    }

    fn set(key: String, value: String, options: Options) -> Result<(), String> {
        let provider = provider()?;
        let options = lookup_options(options);
        blocking::run(provider.gauge(), provider.set(&key, value, &options))
    }

    fn invalidate(entries: Selection) -> Result<u64, String> {
        let provider = provider()?;
        let selection = edge_cache_wit::Selection {
            keys: entries.keys,
            tags: entries.tags,
            patterns: entries.patterns,
        };
        blocking::run(provider.gauge(), provider.invalidate(&selection))
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

/// Advances a lookup as far as it comes without a pause.
fn outcome(lookup: Lookup) -> Outcome {
    let (found, delay) = blocking::advance(lookup);
    match found {
        Found::Hit(value) => Outcome::Hit(value),
        Found::Stale(value) => Outcome::Stale(value),
        Found::Load(lookup) => Outcome::Load(Turn::new(OpenTurn(RefCell::new(Some(lookup))))),
        Found::Wait(lookup) => Outcome::Wait(Waiter::new(OpenWaiter {
            lookup: Cell::new(Some(lookup)),
            delay_ms: delay.as_millis() as u32,
        })),
        Found::LoadFailed(error) => Outcome::LoadFailed(error),
        Found::Failed(problem) => Outcome::Failed(problem),
    }
}

/// A turn; empty once it has ended.
struct OpenTurn(RefCell<Option<Lookup>>);

impl GuestTurn for OpenTurn {
    fn store(&self, value: String) -> Option<String> {
        match self.0.take() {
            Some(lookup) => blocking::store(lookup, value),
            None => Some("the turn has ended".to_owned()),
        }
    }

    fn fail(&self, reason: String) -> Option<String> {
        blocking::fail(self.0.take()?, reason)
    }

    fn extend(&self) -> bool {
        let mut turn = self.0.borrow_mut();
        turn.as_mut().is_some_and(blocking::extend)
    }
}

impl Drop for OpenTurn {
    fn drop(&mut self) {
        let (Some(lookup), Ok(provider)) = (self.0.take(), provider()) else {
            return;
        };
        provider.give_up(lookup);
        provider
            .take_given_up()
            .into_iter()
            .for_each(blocking::settle);
    }
}

/// A lookup that waits; empty once it was continued.
struct OpenWaiter {
    lookup: Cell<Option<Lookup>>,
    delay_ms: u32,
}

impl GuestWaiter for OpenWaiter {
    fn delay_ms(&self) -> u32 {
        self.delay_ms
    }

    fn retry(&self) -> Outcome {
        match self.lookup.take() {
            Some(lookup) => outcome(lookup),
            None => {
                Outcome::Failed("this waiter was already used: a `wait` has a new one".to_owned())
            }
        }
    }
}
