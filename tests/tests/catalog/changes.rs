//! Changes of a price, and the addresses of older systems.

use crate::get;
use end_to_end::App;
use redis::Commands;
use serde_json::json;

#[test]
fn a_changed_price_is_visible_at_once() {
    let app = App::start();
    let price = |path: &str| get(&app.nobody(), path);
    let (_, before) = price("/api/products/4985");

    assert_eq!(price("/api/products/4985").0, "HIT");

    price("/api/products/popular");
    let changed = before["priceCents"].as_u64().unwrap() + 100;
    let update = json!({ "priceCents": changed }).to_string();
    let report = app
        .operator()
        .send("POST", "/api/products/4985", Some(update.as_bytes()))
        .data();

    assert_eq!(report["keysInvalidated"], 2);

    for path in ["/api/products/4985", "/api/products/popular"] {
        let (cache, after) = price(path);
        let after = after.get(0).unwrap_or(&after).clone();
        assert_eq!(cache.as_str(), "MISS", "{path}");
        assert_eq!(after["priceCents"], changed, "{path}");
    }
}

#[test]
fn a_price_changed_without_redis_is_reported_as_partly_done() {
    let mut app = App::start();
    let update = json!({ "priceCents": 777 }).to_string();
    let change = |app: &App| {
        app.operator()
            .send("POST", "/api/products/4985", Some(update.as_bytes()))
    };
    app.redis_mut().kill();
    let problem = change(&app).with_status(503);
    let detail = problem["detail"].as_str().unwrap();

    assert!(detail.contains("777 cents now"), "{detail}");
    assert!(detail.contains("send the request again"), "{detail}");

    app.redis_mut().launch();
    change(&app).ok();
    assert_eq!(
        get(&app.nobody(), "/api/products/4985").1["priceCents"],
        777
    );
}

#[test]
fn the_price_of_an_unknown_product_cannot_be_changed() {
    let app = App::start();
    let change = json!({ "priceCents": 1 }).to_string();
    for id in ["999999999", "none", "-1", "1x"] {
        app.operator()
            .send(
                "POST",
                &format!("/api/products/{id}"),
                Some(change.as_bytes()),
            )
            .with_status(404);
    }
}

#[test]
fn addresses_of_older_systems_clear_their_module_and_announce_their_removal() {
    let app = App::start();
    let mut redis = app.connection();
    let () = redis
        .mset(&[("products:1", 1), ("catalog:1", 1), ("users:1", 1)])
        .unwrap();
    let denied = app.nobody().send("POST", "/api/products/cache/clear", None);

    assert_eq!(
        denied.header("link"),
        Some("</api/cache/clear>; rel=\"successor-version\"")
    );

    denied.with_status(401);
    app.viewer()
        .send("POST", "/api/products/cache/clear", None)
        .with_status(403);
    let response = app
        .operator()
        .send("POST", "/api/products/cache/clear", None);

    assert_eq!(
        response.header("link"),
        Some("</api/cache/clear>; rel=\"successor-version\"")
    );
    assert!(response.header("deprecation").unwrap().starts_with('@'));
    assert!(response.header("sunset").unwrap().ends_with("GMT"));
    assert_eq!(response.ok()["stats"]["keysDeleted"], 1);
    assert_eq!(
        app.operator()
            .send("GET", "/api/catalog/invalidate-cache", None)
            .ok()["stats"]["keysDeleted"],
        1
    );

    app.operator()
        .send("GET", "/api/products/cache/clear", None)
        .with_status(405);
    let () = redis.set("catalog:1", 1).unwrap();
    assert_eq!(
        app.operator()
            .send("HEAD", "/api/catalog/invalidate-cache", None)
            .status,
        405
    );
    assert!(
        redis.exists::<_, bool>("catalog:1").unwrap(),
        "HEAD changes nothing"
    );
    assert!(redis.exists::<_, bool>("users:1").unwrap());
}
