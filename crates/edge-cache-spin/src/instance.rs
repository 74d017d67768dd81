//! State that an instance keeps between requests: its validated configuration and its connections.
//! It never holds anything of a single request.

use std::cell::RefCell;
use std::rc::Rc;

use edge_cache::Client;
use edge_cache_admin::admin::audit::AuditTrail;

use crate::auth::AttemptLimiter;
use crate::caches::{ConnectedCache, SpinCache, client, connected};
use crate::config::{BadVariable, Config};
use crate::connection::SpinTransport;
use crate::log;

/// Configuration and connections of this instance.
pub(crate) struct Instance {
    pub(crate) config: Config,
    /// The Redis database of the cache.
    pub(crate) redis: Rc<Client<SpinTransport>>,
    /// The cache as services use it. Kept because of its circuit breaker and its counters.
    pub(crate) cache: Rc<SpinCache>,
    /// Finds out where the audit trail is when it is first used.
    pub(crate) audit: AuditTrail<SpinTransport>,
    pub(crate) attempt_limiter: RefCell<AttemptLimiter>,
}

impl Instance {
    fn new(config: Config) -> Self {
        let ConnectedCache { redis, cache } = connected(&config.cache, &config.cache.url);
        let audit = AuditTrail::new(
            client(&config.cache, &config.audit_url, "audit"),
            Rc::clone(&redis),
            config.cache.url == config.audit_url,
        );

        Self {
            cache,
            config,
            redis,
            audit,
            attempt_limiter: RefCell::default(),
        }
    }
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

    let config = Config::load().await?;
    log::set_detail(config.cache.log_detail);
    let created = Rc::new(Instance::new(config));
    // Another request may have created the state during the await. Then all requests share that.
    Ok(INSTANCE.with_borrow_mut(|instance| Rc::clone(instance.get_or_insert(created))))
}
