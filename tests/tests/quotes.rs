//! An ordinary Spin component with a cache: the example `quotes`.

use std::thread;

use end_to_end::{RedisServer, Service};
use redis::Commands;

const MANIFEST: &str = "examples/quotes/spin.toml";
const QUOTE: &str = "Stay hungry.";

/// The outcome that the response names.
fn outcome(response: &str) -> &str {
    assert!(response.contains(" 200 "), "{response}");
    assert!(response.contains(QUOTE), "{response}");
    let header = response.split("x-cache: ").nth(1);
    header.and_then(|rest| rest.lines().next()).unwrap()
}

#[test]
fn an_ordinary_component_loads_once_for_all_callers() {
    let redis = RedisServer::start();
    let service = Service::start(MANIFEST, &redis);

    let responses: Vec<String> = thread::scope(|scope| {
        let callers: Vec<_> = (0..50).map(|_| scope.spawn(|| service.get("/"))).collect();
        callers
            .into_iter()
            .map(|caller| caller.join().unwrap())
            .collect()
    });

    let loads = responses
        .iter()
        .filter(|response| outcome(response) == "miss");
    assert_eq!(loads.count(), 1);
    assert_eq!(outcome(&service.get("/")), "hit");
    let stored: String = redis.connection().get("quotes:top").unwrap();
    assert_eq!(stored.trim_end(), format!("\"{QUOTE}\""));
}

#[test]
fn an_ordinary_component_serves_without_redis() {
    let mut redis = RedisServer::start();
    let service = Service::start(MANIFEST, &redis);
    redis.kill();

    assert_eq!(outcome(&service.get("/")), "bypass");
}
