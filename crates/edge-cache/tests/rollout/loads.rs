//! Load locks that both sides use.

use std::time::Duration;

use edge_cache::{LookupOutcome, Options};
use edge_cache_testing::RedisServer;
use futures_util::future::join;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::former::{Entry, Former};
use crate::{BRACES, BY_OLD, by, exists, load, look_up, new_instance, options};

const THROTTLE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn an_old_instance_does_not_load_what_a_new_one_loads() {
    let server = RedisServer::start();
    let (former, new) = (Former::of(&server), new_instance(&server));
    let loader = async || {
        assert!(former.look_up("k").is_locked);
        assert!(former.begin_load("k").is_none());
        Ok::<_, String>(by("new"))
    };

    new.get_or_set("k", &options(), loader).await.unwrap();

    assert_eq!(former.get("k"), Some(by("new")));
}

#[tokio::test]
async fn a_new_instance_waits_for_an_old_load_and_takes_its_value() {
    let server = RedisServer::start();
    let (former, new) = (Former::of(&server), new_instance(&server));
    let load = former.begin_load("k").unwrap();
    let end_load = async {
        sleep(Duration::from_millis(100)).await;
        assert!(former.store(&load, &Entry::of(BY_OLD)));
    };

    let options = options();
    let (fetched, ()) = join(look_up(&new, "k", &options), end_load).await;

    assert_eq!(fetched.outcome, LookupOutcome::Hit);
    assert_eq!(fetched.value, by("old"));
}

#[tokio::test]
async fn a_new_instance_loads_when_an_old_load_has_failed() {
    let server = RedisServer::start();
    let (former, new) = (Former::of(&server), new_instance(&server));
    let failed = former.begin_load("k").unwrap();

    former.release(&failed);

    load(&new, "k", &options()).await;
}

#[tokio::test]
async fn both_sides_load_a_name_with_braces_at_the_same_time() {
    let server = RedisServer::start();
    let (former, new) = (Former::of(&server), new_instance(&server));
    let loader = async || {
        let old_load = former.begin_load(BRACES);
        Ok::<_, String>(json!(old_load.is_some()))
    };

    let fetched = new.get_or_set(BRACES, &options(), loader).await.unwrap();

    assert_eq!(fetched.outcome, LookupOutcome::Miss);
    assert_eq!(fetched.value, json!(true));
}

#[tokio::test]
async fn new_callers_wait_for_the_lock_of_a_failed_old_load_whose_stale_value_was_cleared() {
    let server = RedisServer::start();
    let (former, new) = (Former::of(&server), new_instance(&server));
    former.store_entry("k", &Entry::of(BY_OLD));
    let failed = former.begin_load("k").unwrap();
    former.throttle(&failed, THROTTLE);

    assert_eq!(new.clear_by_pattern("k*").await.unwrap(), 1);

    let options = Options {
        lock_wait: Duration::from_millis(200),
        ..options()
    };
    let fetched = look_up(&new, "k", &options).await;
    assert_eq!(fetched.outcome, LookupOutcome::Bypass);
    assert!(!exists(&server, "k"));
}

#[tokio::test]
async fn old_callers_wait_for_the_lock_of_a_failed_new_load_whose_stale_value_was_cleared() {
    for is_cleared_by_new in [true, false] {
        let server = RedisServer::start();
        let (former, new) = (Former::of(&server), new_instance(&server));
        let brief = Options {
            ttl: Some(Duration::from_millis(50)),
            grace: Duration::from_secs(60),
            throttle: THROTTLE,
            ..options()
        };
        load(&new, "k", &brief).await;
        sleep(Duration::from_millis(100)).await;
        let failing = async || Err::<Value, _>("database down".to_owned());
        let stale = new.get_or_set("k", &brief, failing).await.unwrap();
        assert_eq!(stale.outcome, LookupOutcome::Stale);

        if is_cleared_by_new {
            assert_eq!(new.clear_by_pattern("k*").await.unwrap(), 1);
        } else {
            former.clear("k*");
        }

        let found = former.look_up("k");
        assert_eq!(found.value, None, "{is_cleared_by_new}");
        assert!(found.is_locked, "{is_cleared_by_new}");
        assert!(former.begin_load("k").is_none(), "{is_cleared_by_new}");
    }
}
