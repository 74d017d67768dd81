//! Keys behind a real nginx, which decodes, resolves and merges paths; and events behind it, which
//! it buffers unless their response says otherwise.

use end_to_end::{App, Caller, EventStream, Nginx, encode, hard_names};
use redis::Commands;
use serde_json::{Value, json};

#[test]
fn every_name_survives_a_proxy() {
    let app = App::start();
    let nginx = Nginx::in_front_of(&app);
    let operator = nginx.client(Caller::Operator);
    let admin = nginx.client(Caller::Admin);
    let names = hard_names();
    let mut redis = app.connection();
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
    let mut redis = app.connection();
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

#[test]
fn events_arrive_through_a_proxy_while_their_stream_is_open() {
    let app = App::start();
    let nginx = Nginx::in_front_of(&app);
    let mut redis = app.connection();
    app.admin()
        .post("/warmup", &json!({ "modules": ["users"] }))
        .ok();
    let ended: String = redis.get("cache:warmup:status").unwrap();
    let mut running: Value = serde_json::from_str(&ended).unwrap();
    running["state"] = json!("running");
    // Nobody ends this warmup, so its stream stays open until the test does.
    let () = redis
        .mset(&[
            ("cache:warmup:status", running.to_string()),
            ("lock:cache:warmup", "its owner".to_owned()),
        ])
        .unwrap();

    let mut events = EventStream::open(&nginx.address(), "/warmup", Caller::Viewer);

    // Each event arrives before the next one exists.
    let (name, first) = events.next().unwrap();
    assert_eq!(name, "progress");
    assert_eq!(first["state"], "running");

    running["updatedAt"] = json!("2026-01-01T00:00:00.000Z");
    let () = redis
        .set("cache:warmup:status", running.to_string())
        .unwrap();
    let (_, second) = events.next().unwrap();
    assert_eq!(second["updatedAt"], running["updatedAt"]);

    let () = redis.set("cache:warmup:status", &ended).unwrap();
    let (_, last) = events.next().unwrap();
    assert_eq!(last["state"], "done");
    assert_eq!(events.next(), None);

    // nginx obeys `x-accel-buffering: no` and removes it. The client checks it without nginx.
    assert_eq!(
        app.viewer().events("/warmup"),
        [("progress".to_owned(), last)]
    );
}
