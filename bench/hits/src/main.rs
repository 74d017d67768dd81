//! A service with two routes that answer with the same value: one reads it with GET, one through the
//! cache. `bench/driver/hits.py` compares their rates.
//!
//!   REDIS_URL=redis://127.0.0.1:6379/0 PORT=3000 edge-cache-bench-hits

use std::convert::Infallible;
use std::env;
use std::error::Error;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use edge_cache::Options;
use edge_cache::tokio::TokioCache;
use redis::aio::ConnectionManager;

type Quotes = Json<Vec<String>>;
type Failure = (StatusCode, String);

/// The key that both routes read. The plain one has the value as JSON.
const KEY: &str = "quotes:bench";
const PLAIN_KEY: &str = "plain:bench";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = env::var("REDIS_URL")?;
    let port = env::var("PORT")?;

    let mut plain = ConnectionManager::new(redis::Client::open(url.as_str())?).await?;
    let json = serde_json::to_string(&quotes())?;
    let mut set = redis::cmd("SET");
    set.arg(PLAIN_KEY).arg(json).arg("EX").arg(3600);
    set.query_async::<()>(&mut plain).await?;

    let routes = Router::new()
        .route("/plain", get(read_plainly))
        .with_state(plain)
        .merge(
            Router::new()
                .route("/cached", get(read_cached))
                .with_state(TokioCache::at(&url)?),
        );
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    axum::serve(listener, routes).await?;
    Ok(())
}

/// Reads the value with one GET, and decodes it.
async fn read_plainly(State(mut redis): State<ConnectionManager>) -> Result<Quotes, Failure> {
    let mut command = redis::cmd("GET");
    let json: Vec<u8> = command
        .arg(PLAIN_KEY)
        .query_async(&mut redis)
        .await
        .map_err(failure)?;
    Ok(Json(serde_json::from_slice(&json).map_err(failure)?))
}

/// Reads the value through the cache, as the example of the library does.
async fn read_cached(State(cache): State<TokioCache>) -> Result<Quotes, Failure> {
    let options = Options {
        ttl: Some(Duration::from_secs(3600)),
        grace: Duration::from_secs(600),
        tags: &["quotes"],
        ..Options::default()
    };
    let loader = async || Ok::<_, Infallible>(quotes());
    let found = cache.get_or_set_later(KEY, &options, loader).await;

    let (found, refresh) = found.map_err(failure)?;
    if let Some(refresh) = refresh {
        tokio::spawn(refresh);
    }
    Ok(Json(found.value))
}

/// About 1 KB.
fn quotes() -> Vec<String> {
    let quote = "Stay hungry, stay foolish, and put a cache in front of the slow query.";
    vec![quote.to_owned(); 14]
}

fn failure(error: impl ToString) -> Failure {
    (StatusCode::BAD_GATEWAY, error.to_string())
}
