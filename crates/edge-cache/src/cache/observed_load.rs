//! Running a loader under observation: the span in which it runs, and the report that it ended.

use std::future::Future;
use std::time::Instant;

use super::handle::Cache;
use super::loaded::{Loaded, Previous};
use super::observer::Observer;
use super::outcome::{LoadError, LoadOutcome};
use crate::redis::{HostRuntime, Redis};

impl<C: Redis + HostRuntime, O: Observer> Cache<C, O> {
    /// Begins a load, in the span of the observer.
    #[cfg(feature = "tracing")]
    pub(super) fn begin_loading<F: Future>(
        &self,
        key: &str,
        begin: impl FnOnce() -> F,
    ) -> tracing::instrument::Instrumented<F> {
        let span = self.inner.observer.load_span(key);
        let loading = span.in_scope(begin);
        tracing::Instrument::instrument(loading, span)
    }

    /// Begins a load.
    #[cfg(not(feature = "tracing"))]
    pub(super) fn begin_loading<F: Future>(&self, _: &str, begin: impl FnOnce() -> F) -> F {
        begin()
    }

    /// Loads without the cache.
    pub(super) async fn load_uncached<T, E>(
        &self,
        key: &str,
        loader: impl AsyncFnOnce(Option<&Previous<T>>) -> Result<Loaded<T>, E>,
    ) -> Result<T, LoadError<E>> {
        let began = Instant::now();
        let loaded = self.begin_loading(key, || loader(None)).await;

        let outcome = match &loaded {
            Ok(_) => LoadOutcome::Loaded,
            Err(_) => LoadOutcome::Failed,
        };
        let observer = &self.inner.observer;
        observer.load_ended(key, began.elapsed(), outcome);

        let loaded = loaded.map_err(LoadError::Own)?;
        loaded.value.ok_or(LoadError::NothingKept)
    }
}
