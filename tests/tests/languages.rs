//! The cache from other languages: the examples in JavaScript and Python, beside the one in Rust, on
//! one Redis. `scripts/build-languages` and `scripts/build-examples` build them.

use std::path::Path;
use std::thread;
use std::time::Duration;

use end_to_end::{RedisServer, Service, repository};
use redis::Commands;
use tempfile::TempDir;

const JAVASCRIPT: &str = "examples/javascript/spin.toml";
const PYTHON: &str = "examples/python/spin.toml";
const RUST: &str = "examples/rust/spin.toml";
/// The examples that use the cache through WIT.
const THROUGH_WIT: [&str; 2] = [JAVASCRIPT, PYTHON];

const QUOTE: &str = "Stay hungry.";
const KEY: &str = "quotes:top";
const LOCK: &str = "lock:{quotes:top}";
/// The line that an example logs when it loads.
const LOAD: &str = "the source is asked";
/// How long to wait for a change in Redis that takes 0.3 s.
const PATIENCE: Duration = Duration::from_secs(30);

/// Starts an example, and compiles its code by a request that loads nothing.
fn start(manifest: &str, redis: &RedisServer) -> Service {
    let service = Service::start(manifest, redis);
    let method = if manifest == RUST { "GET" } else { "DELETE" };
    let response = service.send(method, "/");
    assert!(response.contains(" 200 "), "{manifest}: {response}");
    service
}

fn is_quote(response: &str) -> bool {
    response.contains(" 200 ") && response.contains(QUOTE)
}

/// How often the loader of an example ran.
fn loads(service: &Service) -> usize {
    service.log().matches(LOAD).count()
}

/// Waits until a key of the cache exists, or does not exist.
fn wait_for(redis: &RedisServer, key: &str, exists: bool) {
    let mut connection = redis.connection();
    let began = std::time::Instant::now();
    while connection.exists::<_, bool>(key).unwrap() != exists {
        assert!(began.elapsed() < PATIENCE, "{key} exists: {}", !exists);
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn one_caller_in_any_language_loads_for_all() {
    let redis = RedisServer::start();
    let services = [JAVASCRIPT, PYTHON, RUST].map(|manifest| start(manifest, &redis));
    let _: () = redis.connection().del(KEY).unwrap();
    let all_loads = || services.iter().map(loads).sum::<usize>();
    let earlier = all_loads();

    let responses: Vec<String> = thread::scope(|scope| {
        let callers: Vec<_> = (0..200)
            .map(|number| &services[number % services.len()])
            .map(|service| scope.spawn(|| service.get("/")))
            .collect();
        let responses = callers.into_iter().map(|caller| caller.join().unwrap());
        responses.collect()
    });

    assert!(responses.iter().all(|response| is_quote(response)));
    assert_eq!(all_loads() - earlier, 1);
    let stored: String = redis.connection().get(KEY).unwrap();
    assert_eq!(stored.trim_end(), format!("\"{QUOTE}\""));
}

#[test]
fn a_loader_that_throws_ends_its_turn_at_once() {
    for manifest in THROUGH_WIT {
        let redis = RedisServer::start();
        let service = start(manifest, &redis);

        let failed = service.get("/?down");
        let kept: i64 = redis.connection().pttl(LOCK).unwrap();

        assert!(failed.contains(" 502 "), "{manifest}: {failed}");
        assert!(
            failed.contains("the source is down"),
            "{manifest}: {failed}"
        );
        // The error is kept for `failure-ttl`; an open turn would keep its lock for 10 s.
        assert!(kept <= 1000, "{manifest}: {kept} ms");
        wait_for(&redis, LOCK, false);
        assert!(is_quote(&service.get("/")), "{manifest}");
        assert_eq!(loads(&service), 2, "{manifest}");
    }
}

#[test]
fn the_error_of_a_loader_is_the_answer_of_all_who_wait() {
    for manifest in THROUGH_WIT {
        let redis = RedisServer::start();
        let service = start(manifest, &redis);

        let responses: Vec<String> = thread::scope(|scope| {
            let first = scope.spawn(|| service.get("/?down"));
            wait_for(&redis, LOCK, true);
            let others: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| service.get("/?down")))
                .collect();
            let all = std::iter::once(first).chain(others);
            all.map(|caller| caller.join().unwrap()).collect()
        });

        for response in responses {
            assert!(
                response.contains("the source is down"),
                "{manifest}: {response}"
            );
        }
        // On a slow machine a caller may come after the error is forgotten.
        assert!(loads(&service) < 5, "{manifest}");
    }
}

#[test]
fn without_redis_each_language_loads() {
    for manifest in THROUGH_WIT {
        let mut redis = RedisServer::start();
        let service = start(manifest, &redis);
        redis.kill();

        assert!(is_quote(&service.get("/")), "{manifest}");
        assert!(is_quote(&service.get("/")), "{manifest}");
        assert_eq!(loads(&service), 2, "{manifest}");
    }
}

#[test]
fn an_invalidation_during_a_load_is_not_undone() {
    for manifest in THROUGH_WIT {
        let redis = RedisServer::start();
        let service = start(manifest, &redis);

        let response = thread::scope(|scope| {
            let loading = scope.spawn(|| service.get("/"));
            wait_for(&redis, LOCK, true);
            let invalidated = service.send("DELETE", "/");
            assert!(invalidated.contains(" 200 "), "{manifest}: {invalidated}");
            loading.join().unwrap()
        });

        assert!(is_quote(&response), "{manifest}: {response}");
        assert!(
            !redis.connection().exists::<_, bool>(KEY).unwrap(),
            "{manifest}"
        );
    }
}

#[test]
fn a_missing_variable_is_logged_and_the_service_loads() {
    for manifest in THROUGH_WIT {
        let directory = TempDir::new().unwrap();
        let folder = repository().join(manifest);
        let folder = folder.parent().unwrap().display().to_string();
        let text = std::fs::read_to_string(repository().join(manifest)).unwrap();
        let text: String = text
            .lines()
            .filter(|line| !line.starts_with("variables = "))
            .map(|line| line.replace("\"../..", &format!("\"{folder}/../..")))
            .map(|line| line.replace("\"build/", &format!("\"{folder}/build/")) + "\n")
            .collect();
        let path = directory.path().join("spin.toml");
        std::fs::write(&path, text).unwrap();

        let service = Service::start_with(Path::new(&path), &[]);

        assert!(is_quote(&service.get("/")), "{manifest}");
        let log = service.log();
        assert!(log.contains("`redis_url` is not set"), "{manifest}: {log}");
        assert_eq!(loads(&service), 1, "{manifest}");
    }
}
