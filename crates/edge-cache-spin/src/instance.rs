//! State that an instance keeps between requests: its validated configuration and its connections.
//! It never holds anything of a single request.

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

use edge_cache::RedisClient;
use edge_cache_admin::admin::audit::AuditTrail;
use edge_cache_admin::configuration::Configuration;
use edge_cache_admin::input::FileError;

use crate::auth::AttemptLimiter;
use crate::caches::{ConnectedCache, SpinCache, client, connected};
use crate::config::{BadVariable, Config};
use crate::configuration;
use crate::connection::SpinTransport;
use crate::log;
use crate::misconfiguration::Misconfiguration;

/// Configuration and connections of this instance.
pub(crate) struct Instance {
    pub(crate) config: Config,
    /// The Redis database of the cache.
    pub(crate) redis: Rc<RedisClient<SpinTransport>>,
    /// The cache with the TTL table of the configuration file, which is read when this is first used.
    configured_cache: OnceCell<Rc<SpinCache>>,
    /// Finds out where the audit trail is when it is first used.
    pub(crate) audit: Rc<AuditTrail<SpinTransport>>,
    pub(crate) attempt_limiter: RefCell<AttemptLimiter>,
}

impl Instance {
    fn new(config: Config) -> Self {
        let ConnectedCache { redis, .. } = connected(&config.cache, &config.cache.url);
        let audit = AuditTrail::new(
            client(&config.cache, &config.audit_url, "audit"),
            Rc::clone(&redis),
            config.cache.url == config.audit_url,
        );

        Self {
            configured_cache: OnceCell::new(),
            config,
            redis,
            audit: Rc::new(audit),
            attempt_limiter: RefCell::default(),
        }
    }

    /// The cache with the TTL table of the configuration file.
    ///
    /// # Errors
    /// The first mistake in that table.
    pub(crate) fn configured_cache(&self) -> Result<&Rc<SpinCache>, FileError> {
        if let Some(cache) = self.configured_cache.get() {
            return Ok(cache);
        }

        let ttls = configuration::read(Configuration::ttls)?;
        let settings = &self.config.cache;
        let cache = SpinCache::clone(&connected(settings, &settings.url).cache);
        let configured = Rc::new(cache.with_ttls(ttls));
        Ok(self.configured_cache.get_or_init(|| configured))
    }
}

/// Returns the cache of this component like [`crate::cache`], with the TTL table of `edge-cache.toml`: the
/// file that the build compiled in, else the one that the manifest mounts (`files = ["edge-cache.toml"]`).
/// This adds 100 KB to a component.
///
/// # Errors
/// The first variable with a bad value, or the first mistake in that table.
pub async fn configured_cache() -> Result<Rc<SpinCache>, Misconfiguration> {
    Ok(Rc::clone(instance().await?.configured_cache()?))
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
