//! An ordinary Spin component with a cache: the example `rust`. `scripts/build-examples` builds it.

use std::thread;
use std::time::{Duration, Instant};

use end_to_end::{RedisServer, Service};
use redis::Commands;

const MANIFEST: &str = "examples/rust/spin.toml";
const QUOTE: &str = "Stay hungry.";
/// The line that the example logs when it loads.
const LOAD: &str = "the source is asked";

fn is_quote(response: &str) -> bool {
    response.contains(" 200 ") && response.contains(QUOTE)
}

/// How often the loader ran.
fn loads(service: &Service) -> usize {
    service.log().matches(LOAD).count()
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

    assert!(responses.iter().all(|response| is_quote(response)));
    assert!(is_quote(&service.get("/")));
    assert_eq!(loads(&service), 1);
    let stored: String = redis.connection().get("quotes:top").unwrap();
    assert_eq!(stored.trim_end(), format!("\"{QUOTE}\""));
}

#[test]
fn an_ordinary_component_serves_without_redis() {
    let mut redis = RedisServer::start();
    let service = Service::start(MANIFEST, &redis);
    redis.kill();

    assert!(is_quote(&service.get("/")));
    assert!(is_quote(&service.get("/")));
    assert_eq!(loads(&service), 2);
}

#[test]
fn requests_of_an_instance_end_in_time_while_redis_is_frozen() {
    let redis = RedisServer::start();
    let service = Service::start(MANIFEST, &redis);
    let send_at_once = || {
        thread::scope(|scope| {
            let callers: Vec<_> = (0..20).map(|_| scope.spawn(|| service.get("/"))).collect();
            callers
                .into_iter()
                .all(|caller| is_quote(&caller.join().unwrap()))
        })
    };
    // An instance shares the timers of its commands once it has run some.
    for _ in 0..50 {
        assert!(is_quote(&service.get("/")));
    }

    for _ in 0..3 {
        redis.freeze();
        let began = Instant::now();
        assert!(send_at_once());
        // The limit of a command is 1.5 s, and the source takes 0.3 s.
        assert!(began.elapsed() < Duration::from_secs(10));
        redis.thaw();
        assert!(send_at_once());
    }
}

#[test]
fn a_spawned_task_ends_in_time_while_redis_is_frozen() {
    let redis = RedisServer::start();
    let service = Service::start("tests/components/spawned/spin.toml", &redis);
    // The component is compiled.
    service.get("/");

    let response = thread::scope(|scope| {
        let response = scope.spawn(|| service.get("/"));
        thread::sleep(Duration::from_millis(500));
        redis.freeze();
        response.join().unwrap()
    });

    // The limit of a command is 1.5 s.
    let body = response.split_once("\r\n\r\n").unwrap().1;
    let numbers = body.lines().filter_map(|line| line.parse::<u32>().ok());
    let slowest = numbers.max().unwrap();
    assert!((1000..4000).contains(&slowest), "{response}");
}
