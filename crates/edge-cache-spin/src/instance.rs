//! State that an instance keeps between requests: its validated configuration and its connections.
//! It never holds anything of a single request.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use edge_cache::{Cache, Client};
use edge_cache_admin::admin::audit::AuditTrail;

use crate::auth::AttemptLimiter;
use crate::config::{BadVariable, Config};
use crate::connection::SpinTransport;
use crate::log::LookupLog;

/// Configuration and connections of this instance.
pub(crate) struct Instance {
    pub(crate) config: Config,
    /// The Redis database of the cache.
    pub(crate) redis: Rc<Client<SpinTransport>>,
    /// The cache as services use it. Kept because of its circuit breaker and its counters.
    pub(crate) cache: Rc<SpinCache>,
    /// Caches in other databases, by their URLs.
    others: RefCell<HashMap<String, Rc<SpinCache>>>,
    /// Finds out where the audit trail is when it is first used.
    pub(crate) audit: AuditTrail<SpinTransport>,
    pub(crate) attempt_limiter: RefCell<AttemptLimiter>,
}

impl Instance {
    fn new(config: Config) -> Self {
        let redis = Rc::new(client(&config, &config.cache_url, "cache"));
        let audit = AuditTrail::new(
            client(&config, &config.audit_url, "audit"),
            Rc::clone(&redis),
            config.cache_url == config.audit_url,
        );

        Self {
            cache: Rc::new(cache_over(&config, Rc::clone(&redis))),
            others: RefCell::default(),
            config,
            redis,
            audit,
            attempt_limiter: RefCell::default(),
        }
    }
}

/// The cache of a Spin component. It is shared by all requests of an instance.
pub type SpinCache = Cache<Rc<Client<SpinTransport>>, LookupLog>;

/// Returns the cache of this component, for any component: the variables `redis_host`, `redis_port`,
/// `redis_username`, `redis_password`, `redis_db`, `redis_tls`, `command_timeout_ms` and
/// `fence_interval_ms` say where it is. Those that the manifest does not pass have their defaults.
///
/// # Errors
/// The first variable with a bad value.
pub async fn cache() -> Result<Rc<SpinCache>, BadVariable> {
    Ok(Rc::clone(&instance().await?.cache))
}

/// Returns the cache in another database: `redis[s]://[user:password@]host:port[/db]`. The manifest
/// must allow the connection. Everything else is as for [`cache`].
///
/// # Errors
/// The first variable with a bad value.
pub async fn cache_at(url: &str) -> Result<Rc<SpinCache>, BadVariable> {
    let instance = instance().await?;
    let mut others = instance.others.borrow_mut();
    if let Some(cache) = others.get(url) {
        return Ok(Rc::clone(cache));
    }

    let redis = Rc::new(client(&instance.config, url, "cache"));
    let cache = Rc::new(cache_over(&instance.config, redis));
    others.insert(url.to_owned(), Rc::clone(&cache));
    Ok(cache)
}

fn cache_over(config: &Config, redis: Rc<Client<SpinTransport>>) -> SpinCache {
    Cache::with_observer(redis, LookupLog).with_fence_interval(config.fence_interval)
}

fn client(config: &Config, url: &str, purpose: &'static str) -> Client<SpinTransport> {
    let transport = SpinTransport::new(url.to_owned(), purpose);
    Client::new(transport, config.command_timeout)
}

thread_local! {
    static INSTANCE: RefCell<Option<Rc<Instance>>> = const { RefCell::new(None) };
}

/// Returns this instance's state. Its first request creates it.
///
/// # Errors
/// The first variable with a bad value.
pub(crate) async fn instance() -> Result<Rc<Instance>, BadVariable> {
    if let Some(instance) = INSTANCE.with_borrow(Option::clone) {
        return Ok(instance);
    }

    let created = Rc::new(Instance::new(Config::load().await?));
    // Another request may have created the state during the await. Then all requests share that.
    Ok(INSTANCE.with_borrow_mut(|instance| Rc::clone(instance.get_or_insert(created))))
}
