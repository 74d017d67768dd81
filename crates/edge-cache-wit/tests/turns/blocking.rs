//! Lookups in a component that cannot await.

use std::thread;
use std::time::Duration;

use edge_cache_testing::RedisServer;
use edge_cache_wit::{Found, LookupOptions, Selection, blocking};

use crate::synchronous::{Instance, describe, instance, load, lock_ms, look_up};

/// Waits as a caller does: sleeps, then retries.
fn wait(instance: &Instance, key: &str) -> Found {
    let mut next = blocking::advance(instance.begin(key.to_owned(), LookupOptions::default()));
    while let (Found::Wait(lookup), delay) = next {
        thread::sleep(delay);
        next = blocking::advance(lookup);
    }
    next.0
}

#[test]
fn a_stored_value_is_a_hit_for_the_next_caller() {
    let server = RedisServer::start();
    let (one, other) = (instance(&server.url(0)), instance(&server.url(0)));

    let turn = load(look_up(&one, "k"));
    assert_eq!(blocking::store(turn, "{\"a\":1.50}".to_owned()), None);

    assert_eq!(describe(&look_up(&one, "k")), "hit {\"a\":1.50}");
    assert_eq!(describe(&look_up(&other, "k")), "hit {\"a\":1.50}");
}

#[test]
fn callers_of_the_same_and_of_another_instance_wait_and_get_the_value() {
    let server = RedisServer::start();
    let (one, other) = (instance(&server.url(0)), instance(&server.url(0)));
    let turn = load(look_up(&one, "k"));

    for instance in [&one, &other] {
        assert_eq!(describe(&look_up(instance, "k")), "wait");
    }

    blocking::store(turn, "1".to_owned());
    assert_eq!(describe(&wait(&one, "k")), "hit 1");
    assert_eq!(describe(&wait(&other, "k")), "hit 1");
}

#[test]
fn a_failed_load_is_the_answer_of_others_and_ends_soon() {
    let server = RedisServer::start();
    let (one, other) = (instance(&server.url(0)), instance(&server.url(0)));
    let turn = load(look_up(&one, "k"));

    assert_eq!(blocking::fail(turn, "down".to_owned()), None);

    assert_eq!(describe(&look_up(&other, "k")), "load failed: down");
    assert!(lock_ms(&server, "k") <= 1000);
}

#[test]
fn a_stale_value_stands_in_for_a_failed_load() {
    let server = RedisServer::start();
    let instance = instance(&server.url(0));
    let options = LookupOptions {
        ttl_ms: Some(50),
        grace_ms: Some(60_000),
        ..LookupOptions::default()
    };
    let begin = || blocking::advance(instance.begin("k".to_owned(), options.clone())).0;
    blocking::store(load(begin()), "1".to_owned());
    thread::sleep(Duration::from_millis(100));

    let turn = load(begin());
    let during = describe(&begin());
    let stand_in = blocking::fail(turn, "down".to_owned());

    assert_eq!(during, "stale 1");
    assert_eq!(stand_in.as_deref(), Some("1"));
    assert_eq!(describe(&begin()), "stale 1");
}

#[test]
fn a_dropped_turn_releases_its_lock_when_it_is_settled() {
    let server = RedisServer::start();
    let instance = instance(&server.url(0));

    instance.give_up(load(look_up(&instance, "k")));
    assert!(lock_ms(&server, "k") > 1000);
    instance
        .take_given_up()
        .into_iter()
        .for_each(blocking::settle);

    assert!(lock_ms(&server, "k") <= 1000);
    let outcome = describe(&look_up(&instance, "k"));
    assert!(outcome.contains("given up"), "{outcome}");
}

#[test]
fn an_extended_turn_keeps_its_lock() {
    let server = RedisServer::start();
    let instance = instance(&server.url(0));
    let mut turn = load(look_up(&instance, "k"));

    thread::sleep(Duration::from_millis(3500));
    assert!(lock_ms(&server, "k") < 7000);
    assert!(blocking::extend(&mut turn));

    assert!(lock_ms(&server, "k") > 7000);
    assert_eq!(blocking::store(turn, "1".to_owned()), None);
}

#[test]
fn an_invalidation_during_the_load_wins() {
    let server = RedisServer::start();
    let (one, other) = (instance(&server.url(0)), instance(&server.url(0)));
    let options = LookupOptions {
        tags: vec!["t".to_owned()],
        ..LookupOptions::default()
    };
    let selection = Selection {
        tags: vec!["t".to_owned()],
        ..Selection::default()
    };
    let turn = load(blocking::advance(one.begin("k".to_owned(), options)).0);

    let invalidating = other.invalidate(&selection);
    blocking::run(other.gauge(), invalidating).unwrap();
    blocking::store(turn, "1".to_owned());

    assert_eq!(describe(&look_up(&other, "k")), "load");
}

#[test]
fn while_redis_is_away_the_callers_of_an_instance_share_a_load() {
    let mut server = RedisServer::start();
    let instance = instance(&server.url(0));
    server.kill();

    // A lookup pauses before each retry of its commands, and then for the load of the first one.
    let turn = load(wait(&instance, "k"));
    let mut waiting = instance.begin("k".to_owned(), LookupOptions::default());
    for _ in 0..100 {
        let (found, _) = blocking::advance(waiting);
        let Found::Wait(lookup) = found else {
            panic!("{}", describe(&found));
        };
        waiting = lookup;
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(blocking::store(turn, "1".to_owned()), None);

    assert_eq!(describe(&blocking::advance(waiting).0), "hit 1");
}

#[test]
fn a_redis_that_may_not_be_used_is_reported() {
    let server = RedisServer::with(&["--requirepass", "secret"]);
    let instance = instance(&server.url(0).replace("secret", "wrong"));

    let outcome = describe(&wait(&instance, "k"));

    assert!(outcome.starts_with("failed: "), "{outcome}");
    assert!(!outcome.contains("wrong@"), "{outcome}");
}

#[test]
fn a_value_that_is_not_json_is_not_stored_and_fails_the_load() {
    let server = RedisServer::start();
    let instance = instance(&server.url(0));
    let turn = load(look_up(&instance, "k"));

    let problem = blocking::store(turn, "{".to_owned()).unwrap();

    assert!(problem.contains("not JSON"), "{problem}");
    let outcome = describe(&look_up(&instance, "k"));
    assert!(outcome.starts_with("load failed: "), "{outcome}");
}

#[test]
fn values_are_read_written_and_invalidated_by_key_tag_and_pattern() {
    let server = RedisServer::start();
    let instance = instance(&server.url(0));
    let get = |key| blocking::run(instance.gauge(), instance.get(key)).unwrap();
    let tagged = LookupOptions {
        tags: vec!["t".to_owned()],
        ..LookupOptions::default()
    };
    for (key, options) in [
        ("a", &tagged),
        ("b", &tagged),
        ("c:1", &LookupOptions::default()),
    ] {
        let setting = instance.set(key, "1".to_owned(), options);
        blocking::run(instance.gauge(), setting).unwrap();
    }
    assert_eq!(get("a").as_deref(), Some("1"));

    let selection = Selection {
        keys: vec!["a".to_owned()],
        tags: vec!["t".to_owned()],
        patterns: vec!["c:*".to_owned()],
    };
    let removed = blocking::run(instance.gauge(), instance.invalidate(&selection));

    assert_eq!(removed, Ok(3));
    assert_eq!((get("a"), get("b"), get("c:1")), (None, None, None));
}
