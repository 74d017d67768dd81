//! The keys and values that a warmup writes.

use end_to_end::{App, Connection};
use redis::Commands;
use serde_json::{Value, json};

use crate::{ALL, matching};

/// The modules in order, with the number of keys each writes from the sample catalogue.
const MODULES: [(&str, u64); 5] = [
    ("config", 35),
    ("vehicles", 21),
    ("products", 102),
    ("users", 3),
    ("seo", 9),
];

fn document(redis: &mut Connection, key: &str) -> Value {
    serde_json::from_str(&redis.get::<_, String>(key).unwrap()).unwrap()
}

#[test]
fn the_five_modules_are_warmed_in_order() {
    let app = App::start();
    let report = app.admin().post("/warmup", &json!({})).ok();
    assert_eq!(report["message"], "Cache warmup completed");
    assert_eq!(
        report["stats"]["modulesWarmed"],
        json!(["config", "vehicles", "products", "users", "seo"])
    );
    assert_eq!(report["stats"]["keysCreated"], ALL);
    assert_eq!(report["stats"]["keysSkipped"], 0);
    assert_eq!(report["stats"]["errors"], 0);

    for (module, (name, keys)) in report["details"]["modules"]
        .as_array()
        .unwrap()
        .iter()
        .zip(MODULES)
    {
        assert_eq!(module["name"], name);
        assert_eq!(module["keysCreated"], keys);
        assert_eq!(module["state"], "done");
        assert_eq!(module["entriesDone"], module["entriesTotal"]);
    }
}

#[test]
fn every_key_has_its_name_and_type() {
    let app = App::start();
    app.admin().post("/warmup", &json!({})).ok();
    let mut redis = app.connection();
    let patterns = [
        ("config:*", 35),
        ("vehicles:brands:top20", 1),
        ("vehicles:brand:*:models", 20),
        ("products:popular:list", 1),
        ("products:bestsellers", 1),
        ("products:*:details", 100),
        ("users:*", 3),
        ("seo:homepage:metatags", 1),
        ("seo:page:*:metatags", 8),
    ];
    for (pattern, keys) in patterns {
        assert_eq!(matching(&mut redis, pattern), keys, "{pattern}");
    }
    let types = [
        ("config:main:all", "string"),
        ("vehicles:brands:top20", "string"),
        ("products:popular:list", "string"),
        ("products:bestsellers", "zset"),
        ("users:active:count", "string"),
        ("users:admins:count", "string"),
        ("users:count:by-role", "hash"),
        ("seo:homepage:metatags", "string"),
    ];

    for (key, kind) in types {
        assert_eq!(
            redis::cmd("TYPE")
                .arg(key)
                .query::<String>(&mut redis)
                .unwrap(),
            kind,
            "{key}"
        );
    }
}

#[test]
fn the_values_match_the_catalogue() {
    let app = App::start();
    app.admin().post("/warmup", &json!({})).ok();
    let mut redis = app.connection();
    let popular = document(&mut redis, "products:popular:list");
    let first: Vec<&Value> = popular
        .as_array()
        .unwrap()
        .iter()
        .map(|product| &product["id"])
        .take(3)
        .collect();

    assert_eq!(popular.as_array().unwrap().len(), 100);
    assert_eq!(first, vec![&json!(4985), &json!(3508), &json!(24)]);

    let best: Vec<(String, u64)> = redis
        .zrevrange_withscores("products:bestsellers", 0, 0)
        .unwrap();
    assert_eq!(best, [("4985".to_owned(), 10_000)]);

    let product = document(&mut redis, "products:4985:details");
    assert_eq!(product["id"], 4985);
    assert_eq!(product["salesCount"], 10_000);
    assert!(product["priceCents"].is_u64(), "{product}");
    assert!(product["categoryName"].is_string(), "{product}");
    assert_eq!(
        document(&mut redis, "vehicles:brands:top20")
            .as_array()
            .unwrap()
            .len(),
        20
    );
    assert_eq!(
        document(&mut redis, "config:main:all")
            .as_array()
            .unwrap()
            .len(),
        34
    );
    assert_eq!(document(&mut redis, "users:active:count"), json!(1778));
    assert_eq!(document(&mut redis, "users:admins:count"), json!(5));

    let roles: std::collections::BTreeMap<String, u64> =
        redis.hgetall("users:count:by-role").unwrap();
    assert_eq!(
        roles,
        [
            ("admin".to_owned(), 5),
            ("customer".to_owned(), 1753),
            ("staff".to_owned(), 20)
        ]
        .into()
    );
    assert_eq!(
        document(&mut redis, "seo:homepage:metatags")[0]["slug"],
        "homepage"
    );
}

#[test]
fn every_key_expires_by_its_plan_entry_or_the_ttl_table() {
    let app = App::start();
    app.admin().post("/warmup", &json!({})).ok();
    let mut redis = app.connection();
    let cases = [
        ("config:main:all", 3_600),
        ("vehicles:brands:top20", 3_600),
        ("products:popular:list", 900),
        ("products:bestsellers", 900),
        ("users:active:count", 600),
        ("users:count:by-role", 600),
        ("seo:homepage:metatags", 3_600),
        ("cache:tags:seo", 3_600),
    ];

    for (key, seconds) in cases {
        let left: i64 = redis.ttl(key).unwrap();
        // The TTL table adds a jitter of 5 %.
        assert!(
            (seconds * 94 / 100..=seconds * 106 / 100).contains(&left),
            "{key}: {left} s left"
        );
    }
}

#[test]
fn warmed_keys_are_removed_with_their_tag() {
    let app = App::start();
    app.admin().post("/warmup", &json!({})).ok();
    let report = app
        .operator()
        .delete("/invalidate", &json!({ "tags": ["product-catalog"] }))
        .ok();
    assert_eq!(report["details"]["tags"], json!({ "product-catalog": 102 }));
    assert_eq!(matching(&mut app.connection(), "products:*"), 0);
}

#[test]
fn existing_keys_are_kept_unless_forced() {
    let app = App::start();
    let mut redis = app.connection();
    let () = redis.set("users:active:count", "mine").unwrap();
    let () = redis
        .set("products:popular:list", "of another type")
        .unwrap();
    let stats = |body: Value| app.admin().post("/warmup", &body).ok()["stats"].take();
    let first = stats(json!({ "modules": ["users", "products"] }));

    assert_eq!(first["keysCreated"], 103);
    assert_eq!(first["keysSkipped"], 2);
    assert_eq!(
        redis.get::<_, String>("users:active:count").unwrap(),
        "mine"
    );

    let again = stats(json!({ "modules": ["users", "products"] }));
    assert_eq!(again["keysCreated"], 0);
    assert_eq!(again["keysSkipped"], 105);

    let forced = stats(json!({ "modules": ["users", "products"], "force": true }));
    assert_eq!(forced["keysCreated"], 105);
    assert_eq!(forced["keysSkipped"], 0);
    assert_eq!(forced["errors"], 0);
    assert_eq!(document(&mut redis, "users:active:count"), json!(1778));
    assert_eq!(
        document(&mut redis, "products:popular:list")
            .as_array()
            .unwrap()
            .len(),
        100
    );
}
