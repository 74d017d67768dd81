//! An ordinary Spin component that reads through the cache. Nothing but the cache is of edge-cache.

use std::time::Duration;

use edge_cache::{Fetched, Options};
use spin_sdk::http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use spin_sdk::http_service;

#[http_service]
async fn handle(_: Request) -> (StatusCode, HeaderMap, String) {
    match top_quotes().await {
        Ok(quotes) => (StatusCode::OK, x_cache(&quotes), quotes.value),
        Err(problem) => (StatusCode::BAD_GATEWAY, HeaderMap::new(), problem),
    }
}

async fn top_quotes() -> Result<Fetched<String>, String> {
    let options = Options {
        ttl: Some(Duration::from_secs(60)),
        grace: Duration::from_secs(300),
        tags: &["quotes"],
        ..Options::default()
    };
    let cache = edge_cache_spin::cache().await?;
    Ok(cache.get_or_set("quotes:top", &options, query).await?)
}

/// A slow source.
async fn query() -> Result<String, String> {
    spin_sdk::time::sleep(Duration::from_millis(300)).await;
    Ok("Stay hungry.".to_owned())
}

fn x_cache(quotes: &Fetched<String>) -> HeaderMap {
    let name = HeaderName::from_static("x-cache");
    let outcome = HeaderValue::from_static(quotes.outcome.name());
    HeaderMap::from_iter([(name, outcome)])
}
