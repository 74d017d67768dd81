//! Tags that an entry lacks: those of a call that finds it.
//!
//! A release of a service that tags more finds entries that its predecessor stored without the new
//! tags. They get them with the first hit, so that an invalidation by a new tag removes them, too.
//! Tags that an entry has and a call lacks stay: another caller may invalidate by them.

use super::handle::Cache;
use super::observer::Observer;
use super::options::Options;
use crate::keyspace::trailer::Facts;
use crate::redis::{HostRuntime, Redis};

impl<C: Redis + HostRuntime, O: Observer> Cache<C, O> {
    /// Adds the call's tags that an entry of the library lacks. Those of [`Cache::tag`], none where
    /// it lacks none. A failure is ignored: the entry was found, and a later hit tries again.
    pub(super) async fn add_lacking_tags(
        &self,
        key: &str,
        options: &Options<'_>,
        facts: Option<&Facts>,
    ) {
        let Some(facts) = facts else {
            return;
        };
        let given = options.tags.iter().copied();
        let lacking: Vec<&str> = given.filter(|tag| !facts.has_tag(tag)).collect();
        if lacking.is_empty() || self.inner.tagged.contains(key) {
            return;
        }

        self.inner.tagged.insert(key);
        let _ = Box::pin(self.tag(key, &lacking)).await;
    }
}
