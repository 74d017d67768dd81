//! Reads through the cache.

use crate::get;
use end_to_end::{App, Caller, READ_THROUGH, keys};
use redis::Commands;
use serde_json::json;

#[test]
fn the_second_request_of_every_route_is_a_hit() {
    let app = App::start();
    for path in READ_THROUGH {
        let (first, loaded) = get(&app.nobody(), path);
        let (second, cached) = get(&app.nobody(), path);
        assert_eq!(first.as_str(), "MISS", "{path}");
        assert_eq!(second.as_str(), "HIT", "{path}");
        assert_eq!(loaded, cached, "{path}");
    }
}

#[test]
fn a_value_has_one_address_and_one_key() {
    let app = App::start();
    for path in [
        "/api/products/007",
        "/api/products/0",
        "/api/vehicles/brand/01/models",
        "/api/config/main:all",
    ] {
        app.nobody().send("GET", path, None).with_status(404);
    }

    app.operator()
        .send("POST", "/api/products/007", Some(br#"{"priceCents":1}"#))
        .with_status(404);
    let mut redis = app.connection();
    assert!(keys(&mut redis, "products:*").is_empty());
    assert!(keys(&mut redis, "config:*").is_empty());
}

#[test]
fn two_processes_load_a_missing_key_once() {
    let app = App::start();
    let beside = app.start_second_process();
    // Both processes are warm, so no instance compiles or connects during the test.
    for client in [app.nobody(), beside.client(Caller::Nobody)] {
        get(&client, "/api/config/shop.currency");
    }
    let path = "/api/products/search?q=brake";
    let outcomes: Vec<String> = std::thread::scope(|scope| {
        let requests: Vec<_> = (0..200)
            .map(|n| {
                let client = if n % 2 == 0 {
                    app.nobody()
                } else {
                    beside.client(Caller::Nobody)
                };
                scope.spawn(move || get(&client, path).0)
            })
            .collect();
        requests
            .into_iter()
            .map(|request| request.join().unwrap())
            .collect()
    });
    let missed = outcomes.iter().filter(|outcome| *outcome == "MISS").count();

    assert_eq!(outcomes.len(), 200, "{outcomes:?}");
    assert_eq!(missed, 1, "{outcomes:?}");
    // The load lock is released.
    assert!(
        !app.connection()
            .exists::<_, bool>("lock:{products:search:brake}")
            .unwrap()
    );
}

#[test]
fn a_warmed_key_is_not_loaded_again() {
    let app = App::start();
    app.admin().post("/warmup", &json!({})).ok();
    for path in [
        "/api/products/popular",
        "/api/products/4985",
        "/api/vehicles/brands",
    ] {
        assert_eq!(get(&app.nobody(), path).0, "HIT", "{path}");
    }
}

#[test]
fn a_chunk_manifest_of_gigabytes_is_a_miss() {
    let app = App::start();
    let mut redis = app.connection();
    let (_, loaded) = get(&app.nobody(), "/api/products/4985");

    for manifest in [
        "4000000000 x 1",
        "18446744073709551615 x 18446744073709551615",
    ] {
        let () = redis
            .set(
                "products:4985:details",
                format!("\0edge-cache-chunks 1 {manifest}"),
            )
            .unwrap();
        assert_eq!(
            get(&app.nobody(), "/api/products/4985"),
            ("MISS".to_owned(), loaded.clone()),
            "{manifest}"
        );
    }
}

#[test]
fn a_negative_result_is_404_and_cached_briefly() {
    let app = App::start();
    for path in [
        "/api/products/999999",
        "/api/config/no.such.key",
        "/api/seo/page/none",
        "/api/products/x",
    ] {
        app.nobody().send("GET", path, None).with_status(404);
    }

    let left: i64 = app.connection().ttl("products:999999:details").unwrap();
    assert!((1..=32).contains(&left), "{left} s");

    app.nobody()
        .send("GET", "/api/products/search?q=x", None)
        .with_status(422);
}

#[test]
fn long_names_are_not_cached() {
    let app = App::start();
    let long = "x".repeat(60_000);
    for path in ["/api/config/", "/api/seo/page/", "/api/products/category/"] {
        app.nobody()
            .send("GET", &format!("{path}{long}"), None)
            .with_status(404);
        app.nobody()
            .send("GET", &format!("{path}{}", &long[..257]), None)
            .with_status(404);
    }

    app.nobody()
        .send("GET", &format!("/api/seo/page/{}", &long[..256]), None)
        .with_status(404);
    let stored = keys(&mut app.connection(), "*");
    let own = ["cache:", "lock:"];
    let (others, known): (Vec<_>, Vec<_>) = stored
        .iter()
        .partition(|key| !own.iter().any(|own| key.starts_with(own)));

    assert_eq!(
        others,
        [&format!("seo:page:{}:metatags", &long[..256])],
        "only the short name is cached"
    );
    assert!(known.iter().all(|key| key.len() < 300), "{known:?}");
}

#[test]
fn the_number_of_negative_results_is_limited() {
    let app = App::start();
    let mut redis = app.connection();
    // All but ten of the 1,000 that Options::max_negative allows.
    let () = redis.pset_ex("cache:negative:seo", 990, 60_000).unwrap();

    for n in 0..25 {
        app.nobody()
            .send("GET", &format!("/api/seo/page/unknown-{n}"), None)
            .with_status(404);
    }

    assert_eq!(keys(&mut redis, "seo:*").len(), 10);
    assert!(app.logs(&["cache.unstored", "\"reason\":\"negative\"", "max_negative"]));

    let page = app.viewer().get("/metrics").ok();
    let sample = r#"edge_cache_store_errors_total{module="seo",reason="negative"} "#;
    let counted = page
        .as_str()
        .unwrap()
        .lines()
        .find_map(|line| line.strip_prefix(sample)?.parse::<u64>().ok());

    assert_eq!(counted, Some(15));
}

#[test]
fn a_foreign_value_is_served() {
    let app = App::start();
    get(&app.nobody(), "/api/config/shop.currency");
    let mut redis = app.connection();
    let () = redis
        .set("config:shop.currency", r#"{"value":"theirs"}"#)
        .unwrap();

    for _ in 0..2 {
        assert_eq!(
            get(&app.nobody(), "/api/config/shop.currency"),
            ("HIT".to_owned(), json!({ "value": "theirs" }))
        );
    }
}

#[test]
fn an_abandoned_load_lock_delays_a_load_only_briefly() {
    let app = App::start();
    get(&app.nobody(), "/api/vehicles/brands");
    let () = app
        .connection()
        .set("lock:{config:shop.currency}", "abandoned")
        .unwrap();
    let started = std::time::Instant::now();

    assert_eq!(get(&app.nobody(), "/api/config/shop.currency").0, "MISS");
    assert_eq!(get(&app.nobody(), "/api/config/shop.currency").0, "HIT");
    assert!(
        started.elapsed() < std::time::Duration::from_secs(4),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn without_redis_the_database_is_read() {
    let mut app = App::start();
    app.redis_mut().kill();
    for _ in 0..5 {
        assert_eq!(get(&app.nobody(), "/api/products/popular").0, "MISS");
    }
}

#[test]
fn concurrent_requests_of_a_missing_key_cause_one_load() {
    let app = App::start();
    let outcomes: Vec<String> = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..64)
            .map(|_| scope.spawn(|| get(&app.nobody(), "/api/users/stats").0))
            .collect();
        callers
            .into_iter()
            .map(|caller| caller.join().unwrap())
            .collect()
    });

    assert_eq!(
        outcomes.iter().filter(|outcome| *outcome == "MISS").count(),
        1,
        "{outcomes:?}"
    );
}
