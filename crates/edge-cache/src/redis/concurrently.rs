//! Round trips that overlap.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

/// Most round trips at a time: each is a call to the host, and some services bill each.
const MAX_AT_ONCE: usize = 64;

/// Runs all of these, 64 at a time; the results in their order.
///
/// # Errors
/// The first failure. Those that run then are abandoned.
pub async fn concurrently<T, E, F: Future<Output = Result<T, E>>>(
    all: Vec<F>,
) -> Result<Vec<T>, E> {
    stream::iter(all).buffered(MAX_AT_ONCE).try_collect().await
}
