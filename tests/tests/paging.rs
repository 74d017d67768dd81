//! Walks over `GET /api/cache/keys` while other clients change the keyspace.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

use std::collections::HashSet;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use end_to_end::{App, Client, fill, hash_table_bytes, unlink};
use serde_json::Value;

/// Returns the keys of a page, and the cursor of the next one.
fn page(client: &Client, limit: usize, cursor: &str) -> (Vec<String>, Option<String>) {
    let page = client
        .get(&format!("/keys?limit={limit}&cursor={cursor}"))
        .data();
    let keys: Vec<String> = page["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["key"].as_str().unwrap().to_owned())
        .collect();
    assert!(
        keys.len() <= limit,
        "{} keys on a page of {limit}",
        keys.len()
    );
    assert_eq!(
        keys.iter().collect::<HashSet<_>>().len(),
        keys.len(),
        "a duplicate key on a page: {keys:?}"
    );
    assert_eq!(page["pagination"]["returned"], keys.len());

    let next = page["pagination"]["nextCursor"].as_str().map(str::to_owned);
    assert_eq!(page["pagination"]["hasMore"], next.is_some());

    (keys, next)
}

/// Follows `nextCursor` to the end. Calls `before` with the number of each page before the request.
fn walk(client: &Client, limit: usize, mut before: impl FnMut(usize)) -> HashSet<String> {
    let mut seen = HashSet::new();
    let mut cursor = "0".to_owned();
    for number in 0.. {
        before(number);
        let (keys, next) = page(client, limit, &cursor);
        seen.extend(keys);
        match next {
            Some(next) => cursor = next,
            None => break,
        }
    }

    seen
}

fn assert_all_stayed(seen: &HashSet<String>, stayed: usize) {
    let missing: Vec<usize> = (0..stayed)
        .filter(|n| !seen.contains(&format!("stays:{n}")))
        .take(10)
        .collect();
    assert!(
        missing.is_empty(),
        "lasting keys were never shown, such as {missing:?}"
    );
}

/// Walks over 100,000 keys while another client inserts and removes 50,000 more, 250 for each page.
fn walk_while_another_client_inserts_and_removes(limit: usize) {
    const STEP: usize = 250;
    const STEPS: usize = 50_000 / STEP;

    let app = App::start();
    fill(&mut app.connection(), "stays:", 0..100_000);
    let (tick, ticks) = sync_channel::<usize>(1);

    std::thread::scope(|scope| {
        let other = scope.spawn(|| {
            let mut redis = app.connection();
            for round in ticks {
                let from = round % STEPS * STEP;
                let change = if (round / STEPS).is_multiple_of(2) {
                    fill
                } else {
                    unlink
                };
                change(&mut redis, "goes:", from..from + STEP);
            }
        });
        let mut rounds = 0;
        let seen = walk(&app.viewer(), limit, |_| {
            rounds += usize::from(tick.try_send(rounds).is_ok());
        });
        drop(tick);
        other.join().unwrap();
        assert!(
            rounds >= 2 * STEPS,
            "the walk ended before 50,000 keys were inserted and removed: {rounds}"
        );
        assert_all_stayed(&seen, 100_000);
    });
}

#[test]
fn pages_of_7_show_every_lasting_key_while_others_change() {
    walk_while_another_client_inserts_and_removes(7);
}

#[test]
fn pages_of_100_show_every_lasting_key_while_others_change() {
    walk_while_another_client_inserts_and_removes(100);
}

/// Grows the hash table of Redis to many times its size and shrinks it again during a walk.
fn walk_while_the_table_grows_and_shrinks(limit: usize) {
    const STAYS: usize = 4_000;

    let app = App::start();
    let mut redis = app.connection();
    fill(&mut redis, "stays:", 0..STAYS);
    let mut small = 0;
    let mut large = 0;
    let mut shrunk = false;
    let seen = walk(&app.viewer(), limit, |number| {
        match number * limit * 4 / STAYS {
            1 if small == 0 => {
                small = hash_table_bytes(&mut redis);
                fill(&mut redis, "goes:", 0..150_000);
                large = hash_table_bytes(&mut redis);
            }
            2.. if large > 0 && !shrunk => {
                unlink(&mut redis, "goes:", 0..150_000);
                // Redis shrinks the table a little later.
                let deadline = Instant::now() + Duration::from_secs(20);
                while hash_table_bytes(&mut redis) > large / 3 {
                    assert!(Instant::now() < deadline, "Redis did not shrink its table");
                    std::thread::sleep(Duration::from_millis(10));
                }
                shrunk = true;
            }
            _ => {}
        }
    });

    assert!(
        large > 8 * small,
        "the table did not grow and shrink: {small} {large}"
    );
    assert!(shrunk, "the table did not grow and shrink: {small} {large}");
    assert_all_stayed(&seen, STAYS);
}

#[test]
fn pages_of_7_show_every_lasting_key_while_the_table_is_resized() {
    walk_while_the_table_grows_and_shrinks(7);
}

#[test]
fn pages_of_1_show_every_lasting_key_while_the_table_is_resized() {
    walk_while_the_table_grows_and_shrinks(1);
}

#[test]
fn pages_of_100_show_every_lasting_key_while_the_table_is_resized() {
    walk_while_the_table_grows_and_shrinks(100);
}

#[test]
fn pattern_and_type_find_every_match_among_many_other_keys() {
    let app = App::start();
    let mut redis = app.connection();
    fill(&mut redis, "stays:", 0..300);
    fill(&mut redis, "noise:", 0..60_000);
    let () = redis::cmd("SADD")
        .arg("stays:set")
        .arg("x")
        .query(&mut redis)
        .unwrap();
    let mut seen = HashSet::new();
    let mut cursor = "0".to_owned();

    loop {
        let page: Value = app
            .viewer()
            .get(&format!(
                "/keys?pattern=stays:*&type=string&limit=7&cursor={cursor}"
            ))
            .data();
        seen.extend(
            page["keys"]
                .as_array()
                .unwrap()
                .iter()
                .map(|row| row["key"].as_str().unwrap().to_owned()),
        );
        match page["pagination"]["nextCursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }

    assert_all_stayed(&seen, 300);
    assert_eq!(seen.len(), 300);
}

#[test]
fn a_page_of_long_names_is_bounded_in_bytes() {
    let app = App::start();
    let mut redis = app.connection();
    for n in 0..100 {
        let () = redis::cmd("SET")
            .arg(format!("{n}:{}", "n".repeat(100_000)))
            .arg("x")
            .query(&mut redis)
            .unwrap();
    }

    fill(&mut redis, "stays:", 0..300);
    let mut seen = HashSet::new();
    let mut cursor = "0".to_owned();
    loop {
        let response = app
            .viewer()
            .get(&format!("/keys?limit=100&cursor={cursor}"));
        let bytes: usize = response.header("content-length").unwrap().parse().unwrap();
        assert!(bytes < 2 << 20, "a page of {bytes} bytes");
        let page = response.data();
        seen.extend(
            page["keys"]
                .as_array()
                .unwrap()
                .iter()
                .map(|row| row["key"].as_str().unwrap().to_owned()),
        );
        match page["pagination"]["nextCursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }

    assert_all_stayed(&seen, 300);
    assert_eq!(seen.len(), 400);
}

/// Occupies or releases the places of counts and dry runs.
fn set_places_taken(app: &App, is_taken: bool) {
    let mut redis = app.trail();
    for place in 1..=4 {
        let place = format!("cache:{{walks}}:{place}");
        let mut command = redis::cmd(if is_taken { "SET" } else { "DEL" });
        let () = command
            .arg(place)
            .arg(is_taken.then_some("another"))
            .query(&mut redis)
            .unwrap();
    }
}

#[test]
fn only_counts_beyond_four_at_once_are_refused() {
    let app = App::start();
    fill(&mut app.connection(), "stays:", 0..3_000);
    set_places_taken(&app, true);
    let response = app.viewer().get("/keys?pattern=stays:*&exact=true");

    assert_eq!(response.status, 429, "{response:#?}");
    assert_eq!(response.header("retry-after"), Some("5"), "{response:#?}");
    assert_eq!(
        response.body["type"],
        "urn:edge-cache:problem:too-many-walks"
    );

    app.operator()
        .delete(
            "/invalidate",
            &serde_json::json!({ "keys": ["stays:1"], "dryRun": true }),
        )
        .ok();
    app.viewer().get("/keys?pattern=stays:*").ok();
    assert_eq!(
        app.viewer().get("/keys?exact=true").data()["pagination"]["total"],
        3_000
    );

    set_places_taken(&app, false);
    assert_eq!(
        app.viewer().get("/keys?pattern=stays:*&exact=true").data()["pagination"]["total"],
        3_000
    );

    let mut redis = app.trail();
    let left: Vec<String> = redis::cmd("KEYS")
        .arg("cache:{walks}:*")
        .query(&mut redis)
        .unwrap();

    assert!(left.is_empty(), "a place was not released: {left:?}");
}

#[test]
fn concurrent_counts_are_correct_or_refused() {
    let app = App::start();
    fill(&mut app.connection(), "stays:", 0..100_000);
    let viewer = app.viewer();
    let send = || {
        let response = viewer.get("/keys?pattern=stays:*&exact=true");
        (
            response.status,
            response.body["data"]["pagination"]["total"].clone(),
        )
    };
    let responses: Vec<(u16, Value)> = std::thread::scope(|scope| {
        let requests: Vec<_> = (0..16).map(|_| scope.spawn(send)).collect();
        requests
            .into_iter()
            .map(|response| response.join().unwrap())
            .collect()
    });
    let counted: Vec<&Value> = responses
        .iter()
        .filter(|(status, _)| *status == 200)
        .map(|(_, total)| total)
        .collect();

    assert!(!counted.is_empty(), "{responses:?}");
    assert!(
        counted.iter().all(|total| **total == 100_000),
        "{responses:?}"
    );
    assert!(
        responses
            .iter()
            .all(|(status, _)| [200, 429].contains(status)),
        "{responses:?}"
    );

    // Every place has been released.
    (0..3).for_each(|_| assert_eq!(send().0, 200));
}
