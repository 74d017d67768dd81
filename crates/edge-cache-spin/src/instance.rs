//! What an instance keeps between its requests: the checked configuration and the connections. Nothing of a request.

use std::cell::RefCell;
use std::rc::Rc;

use edge_cache::{Cache, Client};

use crate::config::{BadVariable, Config};
use crate::connection::SpinTransport;

/// Configuration and connections of this instance.
pub(crate) struct Instance {
    pub(crate) config: Config,
    pub(crate) cache: Rc<Client<SpinTransport>>,
    /// Kept with the connection, for its circuit breaker and counters.
    pub(crate) read_through: Cache<Rc<Client<SpinTransport>>>,
    pub(crate) audit: Client<SpinTransport>,
}

thread_local! {
    static INSTANCE: RefCell<Option<Rc<Instance>>> = const { RefCell::new(None) };
}

/// This instance's state, made by its first request.
///
/// # Errors
/// The variable with a bad value.
pub(crate) async fn instance() -> Result<Rc<Instance>, BadVariable> {
    if let Some(instance) = INSTANCE.with_borrow(Option::clone) {
        return Ok(instance);
    }
    let config = Config::load().await?;
    let client = |url: &str, purpose| Client::new(SpinTransport::new(url.to_owned(), purpose), config.command_timeout);
    let (cache, audit) = (client(&config.cache_url, "cache"), client(&config.audit_url, "audit"));
    let cache = Rc::new(cache);
    let made = Rc::new(Instance { config, read_through: Cache::new(Rc::clone(&cache)), cache, audit });
    // A request that overlapped may have been first; all then share what it made.
    Ok(INSTANCE.with_borrow_mut(|instance| Rc::clone(instance.get_or_insert(made))))
}
