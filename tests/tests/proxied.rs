//! Keys behind a real nginx, which decodes, resolves and merges paths.

use end_to_end::{App, Caller, Nginx, encode, hard_names};
use redis::Commands;
use serde_json::json;

#[test]
fn every_name_survives_a_proxy() {
    let app = App::start();
    let nginx = Nginx::in_front_of(&app);
    let operator = nginx.client(Caller::Operator);
    let admin = nginx.client(Caller::Admin);
    let names = hard_names();
    let mut redis = app.redis().connection();
    for (index, name) in names.iter().enumerate() {
        let () = redis.set(name, format!("value {index}")).unwrap();
    }
    let page = operator.get("/keys?limit=100").data();
    let rows = page["keys"].as_array().unwrap();

    assert_eq!(rows.len(), names.len());

    for row in rows {
        let entry = if row["keyBase64"].is_null() {
            json!({ "key": row["key"] })
        } else {
            json!({ "keyBase64": row["keyBase64"] })
        };
        let found = operator.post("/keys/entry", &entry).data();
        assert_eq!(found["key"], row["key"]);
        assert_eq!(found["keyBase64"], row["keyBase64"]);
        // nginx refuses an address above 8 KB.
        let path = row["path"].as_str().unwrap();
        if path.len() < 8000 {
            assert_eq!(
                operator.get(&format!("/keys/{path}")).data()["value"],
                found["value"],
                "{path}"
            );
        }
        let mut change = entry.clone();
        change["ttl"] = json!(600);
        assert_eq!(
            admin.patch("/keys/entry", &change).data()["key"],
            row["key"]
        );
        assert_eq!(
            operator.delete("/keys/entry", &entry).ok()["details"]["keys"],
            json!([row["key"]])
        );
    }

    let left: usize = redis::cmd("DBSIZE").query(&mut redis).unwrap();
    assert_eq!(left, 0);
}

#[test]
fn a_plain_name_survives_in_a_path() {
    let app = App::start();
    let nginx = Nginx::in_front_of(&app);
    let mut redis = app.redis().connection();
    // Some of these names are what a careless proxy makes of others.
    let names = [
        "users:1", "a", "b", "a/b", "a%2Fb", "a b", "a+b", "a;b,c", "a?b=c", "#a", "é-🚀", "...",
        "a..b", "%", "*", "{a",
    ];
    for name in names {
        let () = redis.set(name, name).unwrap();
    }

    for name in names {
        for path in [encode(name), encode(name).replace("%2F", "/")] {
            let found = nginx
                .client(Caller::Operator)
                .get(&format!("/keys/{path}"))
                .data();
            assert_eq!(found["key"], name, "{path}");
            assert_eq!(found["value"], name, "{path}");
        }
    }
}
