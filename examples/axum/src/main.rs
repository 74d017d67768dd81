//! A service on axum that reads through the cache.
//!
//!   REDIS_URL=redis://127.0.0.1:6379/0 PORT=3000 cargo run

use std::env;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use edge_cache::Options;
use edge_cache::tokio::TokioCache;

type XCache = [(&'static str, &'static str); 1];

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let redis = env::var("REDIS_URL").unwrap_or_else(|_| "redis://127.0.0.1:6379/0".into());
    let port = env::var("PORT").unwrap_or_else(|_| "3000".into());
    let cache = TokioCache::at(&redis)?;

    let routes = Router::new()
        .route("/quotes/{author}", get(quotes))
        .route("/invalidate", post(invalidate))
        .with_state(cache);

    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    println!("listening on {}", listener.local_addr()?);
    axum::serve(listener, routes).await?;
    Ok(())
}

async fn quotes(
    State(cache): State<TokioCache>,
    Path(author): Path<String>,
) -> Result<(XCache, Json<Vec<String>>), (StatusCode, String)> {
    let options = Options {
        ttl: Some(Duration::from_secs(60)),
        grace: Duration::from_secs(600),
        tags: &["quotes"],
        ..Options::default()
    };
    let key = format!("quotes:{author}");

    // A stale value is served at once, and refreshed after the answer.
    let loader = {
        let author = author.clone();
        async move || query(&author).await
    };
    let (found, refresh) = cache
        .get_or_set_later(&key, &options, loader)
        .await
        .map_err(|error| (StatusCode::BAD_GATEWAY, error.to_string()))?;
    if let Some(refresh) = refresh {
        tokio::spawn(refresh);
    }

    Ok(([("x-cache", found.outcome.name())], Json(found.value)))
}

async fn invalidate(State(cache): State<TokioCache>) -> Result<String, (StatusCode, String)> {
    let removed = cache.invalidate_tag("quotes").await;
    let removed = removed.map_err(|error| (StatusCode::SERVICE_UNAVAILABLE, error.to_string()))?;
    Ok(format!("{removed} removed\n"))
}

/// A slow source, which has nothing of an author called `nobody`.
async fn query(author: &str) -> Result<Vec<String>, String> {
    tokio::time::sleep(Duration::from_millis(300)).await;
    if author == "nobody" {
        return Err("nobody said nothing".into());
    }
    Ok(vec![format!("{author}: stay hungry.")])
}
