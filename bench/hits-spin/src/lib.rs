//! A component with two routes that answer with the same value: one reads it with GET on a connection
//! that is kept open, one through the cache. `bench/driver/hits.py` compares their rates.

use std::cell::RefCell;
use std::rc::Rc;

use spin_sdk::http::{Request, Response};
use spin_sdk::http_service;
use spin_sdk::redis::Connection;

/// The key that both routes read. The plain one has the value as JSON.
const KEY: &str = "quotes:bench";
const PLAIN_KEY: &str = "plain:bench";

thread_local! {
    static CONNECTION: RefCell<Option<Rc<Connection>>> = const { RefCell::new(None) };
}

#[http_service]
async fn handle(request: Request) -> Result<Response<String>, String> {
    let found = match request.uri().path() {
        #[cfg(feature = "cache")]
        "/cached" => read_cached().await?,
        _ => read_plainly().await?,
    };
    let json = serde_json::to_string(&found).map_err(text)?;

    // Spin sends a response without a length in two parts, and the second waits for 40 ms.
    let response = Response::builder().header("content-length", json.len());
    response.body(json).map_err(text)
}

/// Reads the value with one GET, and decodes it.
async fn read_plainly() -> Result<Vec<String>, String> {
    let connection = connection().await?;
    let Some(json) = connection.get(PLAIN_KEY).await.map_err(debug)? else {
        let json = serde_json::to_string(&quotes()).map_err(text)?;
        connection.set(PLAIN_KEY, json).await.map_err(debug)?;
        return Ok(quotes());
    };
    serde_json::from_slice(&json).map_err(text)
}

async fn connection() -> Result<Rc<Connection>, String> {
    if let Some(connection) = CONNECTION.with_borrow(Clone::clone) {
        return Ok(connection);
    }
    let host = spin_sdk::variables::get("redis_host")
        .await
        .map_err(debug)?;
    let port = spin_sdk::variables::get("redis_port")
        .await
        .map_err(debug)?;
    let opened = Connection::open(format!("redis://{host}:{port}")).await;
    let opened = Rc::new(opened.map_err(debug)?);
    CONNECTION.set(Some(Rc::clone(&opened)));
    Ok(opened)
}

/// Reads the value through the cache.
#[cfg(feature = "cache")]
async fn read_cached() -> Result<Vec<String>, String> {
    use std::convert::Infallible;
    use std::time::Duration;

    use edge_cache::Options;

    let cache = edge_cache_spin::cache().await.map_err(text)?;
    let options = Options {
        ttl: Some(Duration::from_secs(3600)),
        grace: Duration::from_secs(600),
        tags: &["quotes"],
        ..Options::default()
    };
    let loader = async || Ok::<_, Infallible>(quotes());
    let found = cache.get_or_set(KEY, &options, loader).await;
    Ok(found.map_err(text)?.value)
}

/// About 1 KB.
fn quotes() -> Vec<String> {
    let quote = "Stay hungry, stay foolish, and put a cache in front of the slow query.";
    vec![quote.to_owned(); 14]
}

fn text(error: impl ToString) -> String {
    error.to_string()
}

fn debug(error: impl std::fmt::Debug) -> String {
    format!("{error:?}")
}
