//! The example service: the sample catalogue read through the cache, and the addresses of older systems.

use std::fs;

use end_to_end::{App, Caller, Client, Options, PostgresServer, READ_THROUGH, keys, repository};
use redis::Commands;
use serde_json::{Value, json};

fn get(client: &Client, path: &str) -> (String, Value) {
    let answer = client.send("GET", path, None);
    let cache = answer.header("x-cache").unwrap_or_default().to_owned();
    (cache, answer.with_status(200))
}

#[test]
fn the_second_call_of_every_route_is_served_from_the_cache() {
    let app = App::start();
    for path in READ_THROUGH {
        let (first, loaded) = get(&app.nobody(), path);
        let (second, cached) = get(&app.nobody(), path);
        assert_eq!((first.as_str(), second.as_str()), ("MISS", "HIT"), "{path}");
        assert_eq!(loaded, cached, "{path}");
    }
}

#[test]
fn an_answer_has_one_address_whose_key_events_name() {
    let app = App::start();
    for path in ["/api/products/007", "/api/products/0", "/api/vehicles/brand/01/models", "/api/config/main:all"] {
        app.nobody().send("GET", path, None).with_status(404);
    }
    app.operator().send("POST", "/api/products/007", Some(br#"{"priceCents":1}"#)).with_status(404);
    let mut redis = app.redis().connection();
    assert!(keys(&mut redis, "products:*").is_empty() && keys(&mut redis, "config:*").is_empty());
}

#[test]
fn a_cold_key_is_loaded_once_by_all_instances_of_two_processes() {
    let app = App::start();
    let beside = app.another();
    // Both are awake, and no instance compiles or connects while the others ask.
    for client in [app.nobody(), beside.client(Caller::Nobody)] {
        get(&client, "/api/config/shop.currency");
    }
    let path = "/api/products/search?q=brake";
    let outcomes: Vec<String> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..200)
            .map(|n| {
                let client = if n % 2 == 0 { app.nobody() } else { beside.client(Caller::Nobody) };
                scope.spawn(move || get(&client, path).0)
            })
            .collect();
        asking.into_iter().map(|asked| asked.join().unwrap()).collect()
    });
    let missed = outcomes.iter().filter(|outcome| *outcome == "MISS").count();
    assert_eq!((outcomes.len(), missed), (200, 1), "{outcomes:?}");
    // Who loads takes the key's lock, which is gone afterwards.
    assert!(!app.redis().connection().exists::<_, bool>("lock:{products:search:brake}").unwrap());
}

#[test]
fn what_was_warmed_up_is_not_loaded_again() {
    let app = App::start();
    app.admin().post("/warmup", &json!({})).ok();
    for path in ["/api/products/popular", "/api/products/4985", "/api/vehicles/brands"] {
        assert_eq!(get(&app.nobody(), path).0, "HIT", "{path}");
    }
}

#[test]
fn a_changed_price_is_seen_at_once() {
    let app = App::start();
    let price = |path: &str| get(&app.nobody(), path);
    let (_, before) = price("/api/products/4985");
    assert_eq!(price("/api/products/4985").0, "HIT");
    price("/api/products/popular");
    let changed = before["priceCents"].as_u64().unwrap() + 100;
    let update = json!({ "priceCents": changed }).to_string();
    let report = app.operator().send("POST", "/api/products/4985", Some(update.as_bytes())).data();
    assert_eq!(report["keysInvalidated"], 2);
    for path in ["/api/products/4985", "/api/products/popular"] {
        let (cache, after) = price(path);
        let after = after.get(0).unwrap_or(&after).clone();
        assert_eq!((cache.as_str(), &after["priceCents"]), ("MISS", &json!(changed)), "{path}");
    }
}

#[test]
fn a_price_that_is_changed_while_redis_is_away_is_told_as_half_done() {
    let mut app = App::start();
    let update = json!({ "priceCents": 777 }).to_string();
    let change = |app: &App| app.operator().send("POST", "/api/products/4985", Some(update.as_bytes()));
    app.redis_mut().kill();
    let problem = change(&app).with_status(503);
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("777 cents now") && detail.contains("send the request again"), "{detail}");
    app.redis_mut().launch();
    change(&app).ok();
    assert_eq!(get(&app.nobody(), "/api/products/4985").1["priceCents"], 777);
}

#[test]
fn a_manifest_that_promises_gigabytes_is_no_value() {
    let app = App::start();
    let mut redis = app.redis().connection();
    let (_, loaded) = get(&app.nobody(), "/api/products/4985");
    for manifest in ["4000000000 x 1", "18446744073709551615 x 18446744073709551615"] {
        let () = redis.set("products:4985:details", format!("\0edge-cache-chunks 1 {manifest}")).unwrap();
        assert_eq!(get(&app.nobody(), "/api/products/4985"), ("MISS".to_owned(), loaded.clone()), "{manifest}");
    }
}

/// The application on a PostgreSQL with the sample catalogue.
fn on_postgres(server: &PostgresServer) -> App {
    let script = repository().join("data/catalogue.postgres.sql");
    server.run(&fs::read_to_string(&script).expect("scripts/build writes the catalogue for PostgreSQL"));
    let options = Options::new().variable("postgres_url", &server.url());
    App::with(options.variable("postgres_address", &server.origin()))
}

#[test]
fn the_catalogue_in_postgresql_gives_the_answers_of_sqlite_byte_for_byte() {
    let server = PostgresServer::start();
    let (sqlite, postgres) = (App::start(), on_postgres(&server));
    for path in READ_THROUGH.into_iter().chain(["/api/products/category/none", "/api/products/search?q=50%25"]) {
        let [ours, theirs] = [&sqlite, &postgres].map(|app| get(&app.nobody(), path).1);
        assert_eq!(ours.to_string(), theirs.to_string(), "{path}");
    }
    for path in
        ["/api/products/999999999999999999", "/api/config/no%00key", "/api/vehicles/brand/99999999999999999999/models"]
    {
        let statuses = [&sqlite, &postgres].map(|app| app.nobody().send("GET", path, None).status);
        assert_eq!(statuses, [404, 404], "{path}");
    }
    let update = json!({ "priceCents": 1234 }).to_string();
    let report = postgres.operator().send("POST", "/api/products/4985", Some(update.as_bytes())).data();
    assert_eq!(report["keysInvalidated"], 6, "the product, two lists by category, two searches, the popular");
    assert_eq!(get(&postgres.nobody(), "/api/products/4985").1["priceCents"], 1234);
    assert_eq!(server.run("SELECT price_cents FROM products WHERE id = 4985"), "1234\n");
}

#[test]
fn without_postgresql_a_503_says_why_and_its_return_is_noticed() {
    let mut server = PostgresServer::start();
    let app = on_postgres(&server);
    get(&app.nobody(), "/api/products/1");
    server.kill();
    let problem = app.nobody().send("GET", "/api/products/2", None).with_status(503);
    let text = problem.to_string();
    assert!(text.contains("PostgreSQL"), "{text}");
    for secret in [server.password(), &server.url()] {
        assert!(!text.contains(secret) && !app.log().contains(secret), "the password is told: {text}");
    }
    server.launch();
    get(&app.nobody(), "/api/products/2");
}

#[test]
fn an_address_that_is_not_the_url_s_is_a_misconfiguration() {
    let app = App::with(Options::new().variable("postgres_url", "postgres://u:p@127.0.0.1:1/shop"));
    let problem = app.nobody().send("GET", "/api/products/popular", None).with_status(503);
    assert_eq!(problem["variable"], "postgres_address");
    assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("postgres://127.0.0.1:1")), "{problem}");
}

#[test]
fn nothing_there_is_404_and_remembered_for_a_while() {
    let app = App::start();
    for path in ["/api/products/999999", "/api/config/no.such.key", "/api/seo/page/none", "/api/products/x"] {
        app.nobody().send("GET", path, None).with_status(404);
    }
    let left: i64 = app.redis().connection().ttl("products:999999:details").unwrap();
    assert!((1..=32).contains(&left), "{left} s");
    app.nobody().send("GET", "/api/products/search?q=x", None).with_status(422);
}

#[test]
fn the_price_of_what_is_no_product_cannot_be_changed() {
    let app = App::start();
    let change = json!({ "priceCents": 1 }).to_string();
    for id in ["999999999", "none", "-1", "1x"] {
        app.operator().send("POST", &format!("/api/products/{id}"), Some(change.as_bytes())).with_status(404);
    }
}

#[test]
fn without_redis_the_database_answers() {
    let mut app = App::start();
    app.redis_mut().kill();
    for _ in 0..5 {
        assert_eq!(get(&app.nobody(), "/api/products/popular").0, "MISS");
    }
}

#[test]
fn callers_at_once_of_a_cold_key_cause_one_load() {
    let app = App::start();
    let outcomes: Vec<String> = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..64).map(|_| scope.spawn(|| get(&app.nobody(), "/api/users/stats").0)).collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).collect()
    });
    assert_eq!(outcomes.iter().filter(|outcome| *outcome == "MISS").count(), 1, "{outcomes:?}");
}

#[test]
fn addresses_of_older_systems_clear_their_module_and_say_that_they_will_go() {
    let app = App::start();
    let mut redis = app.redis().connection();
    let () = redis.mset(&[("products:1", 1), ("catalog:1", 1), ("users:1", 1)]).unwrap();
    let denied = app.nobody().send("POST", "/api/products/cache/clear", None);
    assert_eq!(denied.header("link"), Some("</api/cache/clear>; rel=\"successor-version\""));
    denied.with_status(401);
    app.viewer().send("POST", "/api/products/cache/clear", None).with_status(403);
    let answer = app.operator().send("POST", "/api/products/cache/clear", None);
    assert_eq!(answer.header("link"), Some("</api/cache/clear>; rel=\"successor-version\""));
    assert!(
        answer.header("deprecation").unwrap().starts_with('@') && answer.header("sunset").unwrap().ends_with("GMT")
    );
    assert_eq!(answer.ok()["stats"]["keysDeleted"], 1);
    assert_eq!(app.operator().send("GET", "/api/catalog/invalidate-cache", None).ok()["stats"]["keysDeleted"], 1);
    app.operator().send("GET", "/api/products/cache/clear", None).with_status(405);
    let () = redis.set("catalog:1", 1).unwrap();
    assert_eq!(app.operator().send("HEAD", "/api/catalog/invalidate-cache", None).status, 405);
    assert!(redis.exists::<_, bool>("catalog:1").unwrap(), "what asks for the head only changes nothing");
    assert!(redis.exists::<_, bool>("users:1").unwrap());
}
