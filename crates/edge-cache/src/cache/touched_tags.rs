//! Hits as uses of the sets of their entries' tags, which live as long as they are used.

use super::handle::Cache;
use super::observer::Observer;
use crate::keyspace::tag::{Tag, set};
use crate::redis::{HostRuntime, Redis};

/// One hit in so many counts as a use of the sets of the entry's tags.
const HITS_PER_TOUCH: u64 = 32;

impl<C: Redis + HostRuntime, O: Observer> Cache<C, O> {
    /// On one hit in 32, but at most once a second in an instance for each key, counts as a use of the
    /// sets of the entry's tags. A failure is ignored: the entry was found.
    pub(super) async fn touch_tags_at_times(&self, key: &str, tags: &str) {
        let is_chosen = !tags.is_empty() && self.sample().is_multiple_of(HITS_PER_TOUCH);
        if !is_chosen || self.inner.touched.contains(key) {
            return;
        }

        self.inner.touched.insert(key);
        let tags = Tag::of_trailer(tags);
        let _ = Box::pin(set::touch(&self.inner.redis, key.as_bytes(), &tags)).await;
    }
}
