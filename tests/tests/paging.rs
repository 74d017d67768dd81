//! Walks over `GET /api/cache/keys`, while other clients change the keyspace under them.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::HashSet;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use end_to_end::{App, Client, fill, slots, unlink};
use serde_json::Value;

/// One page: its keys, and the cursor of the next.
fn page(client: &Client, limit: usize, cursor: &str) -> (Vec<String>, Option<String>) {
    let page = client.get(&format!("/keys?limit={limit}&cursor={cursor}")).data();
    let keys: Vec<String> =
        page["keys"].as_array().unwrap().iter().map(|row| row["key"].as_str().unwrap().to_owned()).collect();
    assert!(keys.len() <= limit, "{} keys on a page of {limit}", keys.len());
    assert_eq!(keys.iter().collect::<HashSet<_>>().len(), keys.len(), "a key twice on a page: {keys:?}");
    assert_eq!(page["pagination"]["returned"], keys.len());
    let next = page["pagination"]["nextCursor"].as_str().map(str::to_owned);
    assert_eq!(page["pagination"]["hasMore"], next.is_some());
    (keys, next)
}

/// Follows `nextCursor` to the end, telling the number of each page before it is asked for.
fn walk(client: &Client, limit: usize, mut before: impl FnMut(usize)) -> HashSet<String> {
    let (mut seen, mut cursor) = (HashSet::new(), "0".to_owned());
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
    let missing: Vec<usize> = (0..stayed).filter(|n| !seen.contains(&format!("stays:{n}"))).take(10).collect();
    assert!(missing.is_empty(), "keys that existed throughout were never shown, e.g. {missing:?}");
}

/// Walks over 100,000 keys while another client inserts 50,000 more and removes them again, 250 for each page.
fn walk_while_another_client_inserts_and_removes(limit: usize) {
    const STEP: usize = 250;
    const STEPS: usize = 50_000 / STEP;
    let app = App::start();
    fill(&mut app.redis().connection(), "stays:", 0..100_000);
    let (tick, ticks) = sync_channel::<usize>(1);
    std::thread::scope(|scope| {
        let other = scope.spawn(|| {
            let mut redis = app.redis().connection();
            for turn in ticks {
                let from = turn % STEPS * STEP;
                let change = if (turn / STEPS).is_multiple_of(2) { fill } else { unlink };
                change(&mut redis, "goes:", from..from + STEP);
            }
        });
        let mut turns = 0;
        let seen = walk(&app.viewer(), limit, |_| turns += usize::from(tick.try_send(turns).is_ok()));
        drop(tick);
        other.join().unwrap();
        assert!(turns >= 2 * STEPS, "the walk was over before 50,000 keys came and went: {turns}");
        assert_all_stayed(&seen, 100_000);
    });
}

#[test]
fn pages_of_7_show_every_key_that_stayed_while_others_came_and_went() {
    walk_while_another_client_inserts_and_removes(7);
}

#[test]
fn pages_of_100_show_every_key_that_stayed_while_others_came_and_went() {
    walk_while_another_client_inserts_and_removes(100);
}

/// Grows the table to many times its size and shrinks it again while a walk is under way, and proves that it did.
fn walk_while_the_table_grows_and_shrinks(limit: usize) {
    const STAYS: usize = 4_000;
    let app = App::start();
    let mut redis = app.redis().connection();
    fill(&mut redis, "stays:", 0..STAYS);
    let (mut small, mut large, mut shrunk) = (0, 0, false);
    let seen = walk(&app.viewer(), limit, |number| match number * limit * 4 / STAYS {
        1 if small == 0 => {
            small = slots(&mut redis);
            fill(&mut redis, "goes:", 0..150_000);
            large = slots(&mut redis);
        }
        2.. if large > 0 && !shrunk => {
            unlink(&mut redis, "goes:", 0..150_000);
            // Redis shrinks the table by itself, a little later.
            let deadline = Instant::now() + Duration::from_secs(20);
            while slots(&mut redis) > large / 3 {
                assert!(Instant::now() < deadline, "Redis did not shrink its table");
                std::thread::sleep(Duration::from_millis(10));
            }
            shrunk = true;
        }
        _ => {}
    });
    assert!(large > 8 * small && shrunk, "the table did not grow and shrink: {small} {large}");
    assert_all_stayed(&seen, STAYS);
}

#[test]
fn a_table_that_grows_and_shrinks_hides_no_key_from_pages_of_7() {
    walk_while_the_table_grows_and_shrinks(7);
}

#[test]
fn a_table_that_grows_and_shrinks_hides_no_key_from_pages_of_1() {
    walk_while_the_table_grows_and_shrinks(1);
}

#[test]
fn a_table_that_grows_and_shrinks_hides_no_key_from_pages_of_100() {
    walk_while_the_table_grows_and_shrinks(100);
}

#[test]
fn a_pattern_and_a_type_hide_no_match_among_many_others() {
    let app = App::start();
    let mut redis = app.redis().connection();
    fill(&mut redis, "stays:", 0..300);
    fill(&mut redis, "noise:", 0..60_000);
    let () = redis::cmd("SADD").arg("stays:set").arg("x").query(&mut redis).unwrap();
    let mut seen = HashSet::new();
    let mut cursor = "0".to_owned();
    loop {
        let page: Value =
            app.viewer().get(&format!("/keys?pattern=stays:*&type=string&limit=7&cursor={cursor}")).data();
        seen.extend(page["keys"].as_array().unwrap().iter().map(|row| row["key"].as_str().unwrap().to_owned()));
        match page["pagination"]["nextCursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_all_stayed(&seen, 300);
    assert_eq!(seen.len(), 300);
}
