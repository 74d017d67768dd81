//! An invalidation that comes while a load is in flight wins: the loaded value goes to its caller and is not stored.

use std::cell::Cell;
use std::pin::pin;
use std::time::Duration;

use edge_cache::{Cache, Client, Options, Outcome, clear, invalidate};
use edge_cache_testing::{NativeTransport, RedisServer, client};
use futures_util::future::{Either, join, join_all, select};
use redis::Commands;
use tokio::sync::Notify;

type Native = Client<NativeTransport>;

/// Holds a load of `users:1` (tag `user-data`) open, runs the invalidation, lets the load end; whether it was stored.
async fn stored_after(server: &RedisServer, invalidation: impl AsyncFnOnce(&Native, &Cache<Native>)) -> bool {
    let cache = Cache::new(client(&server.url(0)));
    let admin = client(&server.url(0));
    let (loading, go_on) = (Notify::new(), Notify::new());
    let options = Options { ttl: Some(Duration::from_secs(60)), tags: &["user-data"], ..Options::default() };
    let load = cache.get_or_set("users:1", &options, async || {
        loading.notify_one();
        go_on.notified().await;
        Ok::<_, String>("old".to_owned())
    });
    let invalidate = async {
        loading.notified().await;
        invalidation(&admin, &Cache::new(client(&server.url(0)))).await;
        go_on.notify_one();
    };
    let (loaded, ()) = join(load, invalidate).await;
    let loaded = loaded.unwrap();
    assert_eq!((loaded.value.as_str(), loaded.outcome), ("old", Outcome::Miss), "the caller has its value in any case");
    server.connection().exists("users:1").unwrap()
}

async fn invalidated(admin: &Native, body: &str) {
    invalidate::Request::parse(body.as_bytes()).unwrap().run(admin).await.unwrap();
}

async fn invalidated_by_a_foreign_tag(server: &RedisServer, admin: &Native) {
    let _: () = server.connection().sadd("cache:tags:foreign", "users:1").unwrap();
    invalidated(admin, r#"{"tags":["foreign"]}"#).await;
}

async fn cleared(admin: &Native, body: &str) {
    clear::Request::parse(body.as_bytes()).unwrap().run(admin, false).await.unwrap();
}

#[tokio::test]
async fn without_an_invalidation_the_value_is_stored() {
    assert!(stored_after(&RedisServer::start(), async |_, _| {}).await);
}

#[tokio::test]
async fn by_key() {
    let server = RedisServer::start();
    assert!(!stored_after(&server, async |admin, _| invalidated(admin, r#"{"keys":["users:1"]}"#).await).await);
    assert!(!stored_after(&server, async |_, cache| assert!(!cache.delete("users:1").await.unwrap())).await);
}

#[tokio::test]
async fn by_pattern() {
    let server = RedisServer::start();
    assert!(!stored_after(&server, async |admin, _| invalidated(admin, r#"{"patterns":["users:*"]}"#).await).await);
    assert!(!stored_after(&server, async |admin, _| cleared(admin, r#"{"pattern":"u*:[0-9]"}"#).await).await);
}

#[tokio::test]
async fn by_tag() {
    let server = RedisServer::start();
    assert!(!stored_after(&server, async |admin, _| invalidated(admin, r#"{"tags":["user-data"]}"#).await).await);
    assert!(
        !stored_after(&server, async |_, cache| assert_eq!(cache.invalidate_tag("user-data").await.unwrap(), 0)).await
    );
}

#[tokio::test]
async fn by_a_tag_that_another_client_gave_the_key() {
    let server = RedisServer::start();
    assert!(!stored_after(&server, async |admin, _| invalidated_by_a_foreign_tag(&server, admin).await).await);
}

#[tokio::test]
async fn by_a_tag_that_another_client_gave_the_key_among_thousands_of_loads() {
    let server = RedisServer::start();
    let invalidation = async |admin: &Native, _: &Cache<Native>| {
        let mut pipe = redis::pipe();
        for n in 0..3000 {
            pipe.set(format!("lock:{{other:{n}}}"), "owner").sadd("cache:loading", format!("lock:{{other:{n}}}"));
        }
        pipe.exec(&mut server.connection()).unwrap();
        invalidated_by_a_foreign_tag(&server, admin).await;
        let others: u64 = redis::cmd("EXISTS").arg(&["lock:{other:1}"]).query(&mut server.connection()).unwrap();
        assert_eq!(others, 1, "loads of other keys go on");
    };
    assert!(!stored_after(&server, invalidation).await);
}

#[tokio::test]
async fn loads_in_flight_are_known_until_they_end() {
    let server = RedisServer::start();
    let known = || -> Vec<String> { server.connection().smembers("cache:loading").unwrap() };
    // Left by a caller that died.
    let _: () = server.connection().sadd("cache:loading", "lock:{dead}").unwrap();
    let while_loading = async |_: &Native, _: &Cache<Native>| assert_eq!(known(), ["lock:{users:1}"]);
    assert!(stored_after(&server, while_loading).await);
    assert!(known().is_empty());
    let cache = Cache::new(client(&server.url(0)));
    let failed = cache.get_or_set("users:2", &Options::default(), async || Err::<u32, _>("no")).await;
    assert_eq!(failed.unwrap_err(), "no");
    assert!(known().is_empty());
}

#[tokio::test]
async fn by_whatever_comes_once_the_loads_in_flight_are_not_known_any_more() {
    let server = RedisServer::start();
    let invalidation = async |admin: &Native, _: &Cache<Native>| {
        cleared(admin, r#"{"pattern":"cache:*"}"#).await;
        invalidated_by_a_foreign_tag(&server, admin).await;
    };
    assert!(!stored_after(&server, invalidation).await);
}

#[tokio::test]
async fn a_very_large_value_that_is_not_stored_leaves_no_chunks() {
    let server = RedisServer::start();
    let (cache, admin) = (Cache::new(client(&server.url(0))), client(&server.url(0)));
    // Nothing in it repeats, so that compression leaves it as large.
    let huge: Vec<u64> = (0..1_500_000_u64).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
    cache.get_or_set("other", &Options::default(), async || Ok::<_, String>(huge.clone())).await.unwrap();
    let chunks: Vec<String> = server.connection().keys("cache:chunk:{other}*").unwrap();
    assert!(chunks.len() > 1, "{chunks:?}");
    for body in [r#"{"keys":["k"]}"#, r#"{"patterns":["k*"]}"#] {
        let load = async || {
            invalidated(&admin, body).await;
            Ok::<_, String>(huge.clone())
        };
        cache.get_or_set("k", &Options::default(), load).await.unwrap();
        let left: Vec<String> = server.connection().keys("*k*").unwrap();
        assert!(left.iter().all(|name| !name.contains("{k}") && name != "k"), "{left:?}");
    }
}

#[tokio::test]
async fn by_a_global_clear() {
    let server = RedisServer::start();
    assert!(!stored_after(&server, async |admin, _| cleared(admin, r#"{"confirm":true}"#).await).await);
}

#[tokio::test]
async fn by_a_value_set_meanwhile() {
    let server = RedisServer::start();
    let set =
        async |_: &Native, cache: &Cache<Native>| cache.set("users:1", &"new", &Options::default()).await.unwrap();
    assert!(stored_after(&server, set).await);
    let value: String = server.connection().get("users:1").unwrap();
    assert_eq!(value, "\"new\"");
}

#[tokio::test]
async fn invalidations_of_other_keys_do_not_matter() {
    let server = RedisServer::start();
    let others = async |admin: &Native, _: &Cache<Native>| {
        invalidated(admin, r#"{"patterns":["products:*"],"tags":["catalog"],"keys":["users:2"]}"#).await;
        cleared(admin, r#"{"pattern":"user"}"#).await;
    };
    assert!(stored_after(&server, others).await);
}

#[tokio::test]
async fn more_invalidations_than_are_remembered_count_as_one_of_this_key() {
    let server = RedisServer::start();
    let flood = async |_: &Native, _: &Cache<Native>| {
        let mut other = server.connection();
        for n in 0..2500 {
            let fence = redis::cmd("XADD").arg(&["cache:fences", "MAXLEN", "1000", "*", "tag"]).arg(n).clone();
            fence.exec(&mut other).unwrap();
        }
    };
    assert!(!stored_after(&server, flood).await, "its stamp is of before the first");
    assert!(!stored_after(&server, flood).await, "its stamp is of one that is trimmed later");
}

#[tokio::test]
async fn on_a_server_that_was_full_until_the_invalidation_made_room() {
    for body in [r#"{"tags":["user-data"]}"#, r#"{"patterns":["users:*"]}"#] {
        let server = RedisServer::with(&["--maxmemory-policy", "noeviction"]);
        let invalidation = async |admin: &Native, _: &Cache<Native>| {
            let mut other = server.connection();
            let mut others = redis::pipe();
            for n in 0..100 {
                let name = format!("users:other:{n}");
                others.set(&name, "x".repeat(100_000)).sadd("cache:tags:user-data", &name);
            }
            others.exec(&mut other).unwrap();
            redis::cmd("CONFIG").arg(&["SET", "maxmemory", "4mb"]).exec(&mut other).unwrap();
            let refused = redis::cmd("SET").arg(&["one", "more"]).exec(&mut other).unwrap_err();
            assert_eq!(refused.code(), Some("OOM"));
            invalidated(admin, body).await;
            redis::cmd("SET").arg(&["one", "more"]).exec(&mut other).unwrap();
        };
        assert!(!stored_after(&server, invalidation).await, "{body}");
    }
}

#[tokio::test]
async fn by_an_invalidation_whose_fence_the_server_evicted() {
    let server = RedisServer::start();
    let invalidation = async |admin: &Native, _: &Cache<Native>| {
        invalidated(admin, r#"{"tags":["user-data"]}"#).await;
        let _: () = server.connection().del("cache:fences").unwrap();
    };
    assert!(!stored_after(&server, invalidation).await);
    let invalidation = async |admin: &Native, _: &Cache<Native>| {
        invalidated(admin, r#"{"patterns":["users:*"]}"#).await;
        let _: () = server.connection().del("cache:fences").unwrap();
        invalidated(admin, r#"{"tags":["another"]}"#).await;
    };
    assert!(!stored_after(&server, invalidation).await);
}

/// Invalidates `users:1` (tag `user-data`) in every way there is, over and over.
async fn invalidate_without_pause(server: &RedisServer, version: &Cell<u32>, acknowledged: &Cell<u32>) {
    let (admin, cache) = (client(&server.url(0)), Cache::new(client(&server.url(0))));
    loop {
        for way in 0..6 {
            tokio::time::sleep(Duration::from_millis(6)).await;
            version.set(version.get() + 1);
            match way {
                0 => invalidated(&admin, r#"{"keys":["users:1"]}"#).await,
                1 => invalidated(&admin, r#"{"tags":["user-data"]}"#).await,
                2 => invalidated(&admin, r#"{"patterns":["users:*"]}"#).await,
                3 => cleared(&admin, r#"{"confirm":true}"#).await,
                4 => cache.delete("users:1").await.map(drop).unwrap(),
                _ => invalidated_by_a_foreign_tag(server, &admin).await,
            }
            acknowledged.set(version.get());
        }
    }
}

/// Nobody is given what was loaded before an invalidation that had been answered when they asked; nor does anybody wait for more
/// than the load that is under way and the next one, though none is ever kept.
#[tokio::test]
async fn without_pause_callers_wait_for_few_loads_and_are_given_nothing_from_before_they_asked() {
    let server = RedisServer::start();
    let (version, acknowledged, loads) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let options = Options { tags: &["user-data"], lock_wait: Duration::from_secs(60), ..Options::default() };
    let load = async || {
        loads.set(loads.get() + 1);
        let read = version.get();
        tokio::time::sleep(Duration::from_millis(40)).await;
        Ok::<_, String>(read)
    };
    let instances: Vec<_> = (0..4).map(|_| Cache::new(client(&server.url(0)))).collect();
    let calls = (0..200).map(|n| {
        let (cache, options, acknowledged) = (&instances[n % 4], &options, &acknowledged);
        async move {
            let mut answers = Vec::new();
            for _ in 0..10 {
                let asked = acknowledged.get();
                let answer = cache.get_or_set("users:1", options, load).await.unwrap();
                assert!(answer.value >= asked, "{} after {asked}, {:?}", answer.value, answer.outcome);
                answers.push(answer);
            }
            answers
        }
    });
    let invalidating = pin!(invalidate_without_pause(&server, &version, &acknowledged));
    let answers = match select(invalidating, join_all(calls)).await {
        Either::Left(((), _)) => unreachable!("it never ends"),
        Either::Right((answers, _)) => answers.concat(),
    };
    let handed = answers.iter().filter(|answer| answer.outcome == Outcome::Hit && answer.age.is_none()).count();
    println!("{} loads, {handed} handed", loads.get());
    assert!(handed > 1000, "{handed} of 2000 were given the value of a load that they waited for");
    assert!(loads.get() < 1000, "{} loads", loads.get());
}

/// What a caller is given who asks after an answered removal of the key, while a load from before it ends and another one lasts.
async fn given_after_a_removal(server: &RedisServer, meanwhile: impl AsyncFnOnce(&Native)) -> String {
    let cache = Cache::new(client(&server.url(0)));
    let (loading, go_on) = (Notify::new(), Notify::new());
    let options = Options::default();
    let wait = |milliseconds| tokio::time::sleep(Duration::from_millis(milliseconds));
    let before = cache.get_or_set("k", &options, async || {
        loading.notify_one();
        go_on.notified().await;
        Ok::<_, String>("old".to_owned())
    });
    let after = async {
        loading.notified().await;
        meanwhile(&client(&server.url(0))).await;
        cache.delete("k").await.unwrap();
        let next = cache.get_or_set("k", &options, async || {
            wait(400).await;
            Ok::<_, String>("new".to_owned())
        });
        let waiting = async {
            wait(50).await;
            cache.get_or_set("k", &options, async || Err::<String, _>("another one loads")).await
        };
        let end = async {
            wait(200).await;
            go_on.notify_one();
        };
        let ((next, waiting), ()) = join(join(next, waiting), end).await;
        assert_eq!(next.unwrap().outcome, Outcome::Miss);
        waiting.unwrap().value
    };
    join(before, after).await.1
}

#[tokio::test]
async fn who_asks_after_a_removal_is_not_given_what_a_load_from_before_it_brings() {
    let server = RedisServer::start();
    assert_eq!(given_after_a_removal(&server, async |_| {}).await, "new");
}

#[tokio::test]
async fn nor_where_a_replica_has_taken_over_that_does_not_know_the_last_loads() {
    let server = RedisServer::start();
    let rewind = async |_: &Native| {
        let mut redis = server.connection();
        let () = redis.del("cache:turns").unwrap();
        let () = redis::cmd("XADD").arg(&["cache:turns", "1-0", "turn", ""]).query(&mut redis).unwrap();
    };
    assert_eq!(given_after_a_removal(&server, rewind).await, "new");
}

#[tokio::test]
async fn nor_after_a_global_clear_of_a_server_whose_clock_was_ahead() {
    let server = RedisServer::start();
    // In 2033.
    let ahead = ["cache:turns", "2000000000000-0", "turn", ""];
    let () = redis::cmd("XADD").arg(&ahead).query(&mut server.connection()).unwrap();
    assert_eq!(given_after_a_removal(&server, async |admin| cleared(admin, r#"{"confirm":true}"#).await).await, "new");
}

#[tokio::test]
async fn another_clients_key_in_place_of_the_count_costs_nothing_but_waiting() {
    let server = RedisServer::start();
    for command in [["SADD", "cache:turns", "x"], ["SET", "cache:turns", "-50"], ["SET", "cache:turns", "1e300"]] {
        let () = server.connection().del("cache:turns").unwrap();
        let () = redis::cmd(command[0]).arg(&command[1..]).query(&mut server.connection()).unwrap();
        assert_eq!(given_after_a_removal(&server, async |_| {}).await, "new", "{command:?}");
        let left: bool = server.connection().exists("lock:{k}").unwrap();
        assert!(!left, "{command:?}");
        let () = server.connection().del("k").unwrap();
    }
}
