//! The limit for attempts without a valid token.

use end_to_end::{App, Caller, Options, Response};
use redis::Commands;
use serde_json::json;

use crate::{behind_a_proxy, from_elsewhere};

#[test]
fn a_forwarded_address_is_trusted_only_from_listed_proxies() {
    let unlisted = Options::new()
        .variable("trusted_proxies", "1")
        .variable("trusted_proxy_addresses", "192.0.2.0/24");
    let app = App::with(unlisted);
    for n in 0..22 {
        let client = app
            .stranger()
            .with_header("x-forwarded-for", &format!("203.0.113.{n}"));
        client
            .get("/stats")
            .with_status(if n < 20 { 401 } else { 429 });
    }
}

#[test]
fn a_flood_from_one_address_does_not_block_another() {
    let app = behind_a_proxy();
    // One connection reaches one instance, which refuses them.
    let client = app.stranger();
    let from = |address: &str| {
        client
            .clone()
            .with_header("x-forwarded-for", &format!("192.0.2.1, {address}"))
            .get("/stats")
    };
    let flood: Vec<u16> = (0..50).map(|_| from("198.51.100.1").status).collect();

    assert_eq!(flood[0], 401, "{flood:?}");
    assert_eq!(flood[49], 429, "{flood:?}");

    from("203.0.113.9").with_status(401);
    let trail = app.admin().get("/audit?limit=1").data();
    assert_eq!(trail["entries"][0]["action"], "denied");
    assert_eq!(trail["entries"][0]["ip"], "203.0.113.9");
}

#[test]
fn guesses_beyond_the_limit_cost_redis_nothing_and_are_refused_without_it() {
    let mut app = App::start();
    (0..20).for_each(|_| drop(app.stranger().get("/stats").with_status(401)));
    let calls = |app: &App| -> u64 {
        let info: String = redis::cmd("INFO")
            .arg("commandstats")
            .query(&mut app.connection())
            .unwrap();
        let line = info
            .lines()
            .find(|line| line.starts_with("cmdstat_evalsha:"))
            .unwrap()
            .to_owned();
        line.split(['=', ',']).nth(1).unwrap().parse().unwrap()
    };
    // Each thread of the host has an instance of its own, which asks Redis once.
    let client = app.stranger();
    client.get("/stats").with_status(429);
    let before = calls(&app);
    (0..50).for_each(|_| drop(client.get("/stats").with_status(429)));

    assert_eq!(calls(&app), before);

    app.redis_mut().kill();
    client.get("/stats").with_status(429);
}

#[test]
fn attempts_beyond_twenty_a_minute_are_refused_with_429() {
    let app = App::start();
    let attempts: Vec<Response> = (0..25)
        .map(|n| {
            app.client(if n % 2 == 0 {
                Caller::Nobody
            } else {
                Caller::Stranger
            })
            .get("/stats")
        })
        .collect();
    let statuses: Vec<u16> = attempts.iter().map(|response| response.status).collect();

    assert_eq!(statuses, [vec![401; 20], vec![429; 5]].concat());

    let wait: u64 = attempts[24].header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");

    // A valid token is never locked out, not even from the same address.
    app.viewer().get("/stats").ok();
    app.viewer()
        .post("/clear", &json!({ "confirm": true }))
        .with_status(403);
    app.nobody().get("/health").ok();
    // The count is in Redis, so every other route refuses it too.
    app.stranger().get("/audit").with_status(429);
}

#[test]
fn denied_attempts_of_one_token_do_not_displace_other_audit_records() {
    let app = App::start();
    for _ in 0..30 {
        app.viewer()
            .post("/clear", &json!({ "confirm": true }))
            .with_status(403);
    }

    app.operator()
        .post("/clear", &json!({ "confirm": true }))
        .with_status(403);
    let trail = app.admin().get("/audit").data();
    assert_eq!(
        trail["pagination"]["total"], 21,
        "20 of one token, and one of the other"
    );

    let mut redis = app.trail();
    let counted: u32 = redis
        .hget("cache:counters", "changes:denied/denied")
        .unwrap();

    assert_eq!(counted, 31);
}

#[test]
fn attempts_are_counted_per_address() {
    let app = behind_a_proxy();
    for _ in 0..20 {
        from_elsewhere(&app, Caller::Stranger, 1)
            .get("/stats")
            .with_status(401);
    }

    from_elsewhere(&app, Caller::Stranger, 1)
        .get("/stats")
        .with_status(429);
    from_elsewhere(&app, Caller::Stranger, 2)
        .get("/stats")
        .with_status(401);
}

#[test]
fn a_client_cannot_evade_the_limit_with_forged_addresses() {
    let app = App::start();
    let statuses: Vec<u16> = (0..22)
        .map(|n| {
            let address = format!("203.0.113.{n}");
            let client = app
                .stranger()
                .with_header("x-forwarded-for", &address)
                .with_header("spin-client-addr", &format!("{address}:1"));
            client.get("/stats").status
        })
        .collect();
    assert_eq!(statuses[20..], [429, 429]);
}

#[test]
fn a_global_clear_does_not_reset_the_count_of_attempts() {
    let app = App::start();
    (0..21).for_each(|_| drop(app.stranger().get("/stats")));
    app.admin().post("/clear", &json!({ "confirm": true })).ok();
    app.stranger().get("/stats").with_status(429);
}
