//! A Spin component that reads through the cache.

use std::time::Duration;

use edge_cache::Options;
use spin_sdk::http::Request;
use spin_sdk::http_service;

#[http_service]
async fn handle(_: Request) -> Result<String, String> {
    let cache = edge_cache_spin::cache().await?;
    let options = Options {
        ttl: Some(Duration::from_secs(60)),
        tags: &["quotes"],
        ..Options::default()
    };
    let quote = cache.get_or_set("quotes:top", &options, query).await?;
    Ok(quote.value)
}

/// A slow source.
async fn query() -> Result<String, String> {
    println!("the source is asked");
    spin_sdk::time::sleep(Duration::from_millis(300)).await;
    Ok("Stay hungry.".to_owned())
}
