//! The caches of an instance. Nothing of the administration is here, so that a component that only
//! needs a cache stays small.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use edge_cache::{Cache, RedisClient};

use crate::config::{BadVariable, CacheSettings, RedisTopology};
use crate::connection::SpinTransport;
use crate::log::{self, LookupLog};

/// The cache of a Spin component. It is shared by all requests of an instance.
pub type SpinCache = Cache<Rc<RedisClient<SpinTransport>>, LookupLog>;

/// A cache, and the client that it uses.
#[derive(Clone)]
pub(crate) struct ConnectedCache {
    pub(crate) redis: Rc<RedisClient<SpinTransport>>,
    pub(crate) cache: Rc<SpinCache>,
}

/// The caches of an instance by their URLs. Kept because of their circuit breakers and counters.
#[derive(Default)]
struct Caches {
    settings: Option<Rc<CacheSettings>>,
    by_url: HashMap<String, ConnectedCache>,
}

thread_local! {
    static CACHES: RefCell<Caches> = RefCell::default();
}

/// Returns the cache of this component, for any component: the variables `redis_host`,
/// `redis_port`, `redis_username`, `redis_password`, `redis_db`, `redis_tls`, `command_timeout_ms`,
/// `fence_interval_ms`, `cache_namespace`, `hot_keys` and `log_detail` configure it; those that the
/// manifest does not pass have their defaults. Keys without a TTL of their own live by overrides in Redis,
/// else 300 s ([`crate::configured_cache`] has the TTL table of `edge-cache.toml`).
///
/// # Errors
/// The first variable with a bad value.
pub async fn cache() -> Result<Rc<SpinCache>, BadVariable> {
    let settings = settings().await?;
    Ok(connected(&settings, &settings.url).cache)
}

/// Returns the cache in another database: `redis[s]://[user:password@]host:port[/db]`. The manifest
/// must allow the connection. Everything else is as for [`cache`].
///
/// # Errors
/// The first variable with a bad value.
pub async fn cache_at(url: &str) -> Result<Rc<SpinCache>, BadVariable> {
    let settings = settings().await?;
    Ok(connected(&settings, url).cache)
}

/// Returns the settings of this component's cache, read once.
async fn settings() -> Result<Rc<CacheSettings>, BadVariable> {
    if let Some(settings) = CACHES.with_borrow(|caches| caches.settings.clone()) {
        return Ok(settings);
    }

    let read = Rc::new(CacheSettings::load().await?);
    log::set_detail(read.log_detail);
    CACHES.with_borrow_mut(|caches| caches.settings = Some(Rc::clone(&read)));
    Ok(read)
}

/// Returns the cache in this database; the first call creates it.
pub(crate) fn connected(settings: &CacheSettings, url: &str) -> ConnectedCache {
    CACHES.with_borrow_mut(|caches| {
        if let Some(connected) = caches.by_url.get(url) {
            return connected.clone();
        }

        let redis = Rc::new(if settings.url == url {
            client(settings, url, "cache")
        } else {
            client_at(settings, url, "cache")
        });
        let cache = Cache::with_observer(Rc::clone(&redis), LookupLog);
        let cache = cache
            .with_fence_interval(settings.fence_interval)
            .with_hot_keys(settings.hot_keys);
        let cache = Rc::new(cache);
        let connected = ConnectedCache { redis, cache };
        caches.by_url.insert(url.to_owned(), connected.clone());
        connected
    })
}

/// Returns a client of a database of the configured Redis.
pub(crate) fn client(
    settings: &CacheSettings,
    url: &str,
    purpose: &'static str,
) -> RedisClient<SpinTransport> {
    let sentinels = match &settings.topology {
        RedisTopology::Expected(topology) => {
            return client_at(settings, url, purpose).expecting(*topology);
        }
        RedisTopology::Sentinels(sentinels) => sentinels,
    };
    let transport = |url: &String| SpinTransport::new(url.clone(), purpose);
    RedisClient::through_sentinels(
        transport(&url.to_owned()),
        sentinels.urls.iter().map(transport).collect(),
        &*sentinels.primary,
        settings.command_timeout,
    )
    .in_namespace(settings.namespace.clone())
}

/// Returns a client of any database.
fn client_at(
    settings: &CacheSettings,
    url: &str,
    purpose: &'static str,
) -> RedisClient<SpinTransport> {
    let transport = SpinTransport::new(url.to_owned(), purpose);
    let client = RedisClient::new(transport, settings.command_timeout);
    client.in_namespace(settings.namespace.clone())
}
