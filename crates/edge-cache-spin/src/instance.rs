//! State that an instance keeps between requests: its validated configuration and its connections.
//! It never holds anything of a single request.

use std::cell::RefCell;
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
    pub(crate) cache: Cache<Rc<Client<SpinTransport>>, LookupLog>,
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
            cache: Cache::with_observer(Rc::clone(&redis), LookupLog)
                .with_fence_interval(config.fence_interval),
            config,
            redis,
            audit,
            attempt_limiter: RefCell::default(),
        }
    }
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
