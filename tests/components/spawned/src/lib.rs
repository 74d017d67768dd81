//! A component that uses its cache in a spawned task, while the handler waits for something else.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use edge_cache_spin::SpinCache;
use spin_sdk::http::Request;
use spin_sdk::http_service;
use spin_sdk::time::sleep;
use spin_sdk::wasip3::wit_bindgen;

/// Responds after 4 s with the milliseconds that the slowest read took that has ended by then.
#[http_service]
async fn handle(_: Request) -> Result<String, String> {
    let cache = edge_cache_spin::cache().await?;
    let slowest = Rc::new(Cell::new(Duration::ZERO));

    wit_bindgen::spawn(read(cache, Rc::clone(&slowest)));
    sleep(Duration::from_secs(4)).await;

    Ok(slowest.get().as_millis().to_string())
}

/// Reads a key for about 2 s.
async fn read(cache: Rc<SpinCache>, slowest: Rc<Cell<Duration>>) {
    for _ in 0..200 {
        let began = Instant::now();
        // While Redis is frozen, it fails.
        let _ = cache.get::<String>("spawned").await;
        slowest.set(slowest.get().max(began.elapsed()));
        sleep(Duration::from_millis(10)).await;
    }
}
