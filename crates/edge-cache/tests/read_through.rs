//! `get_or_set` against a real server: stampedes, grace, failing loads, and a server that is away.

use std::cell::Cell;
use std::time::{Duration, Instant};

use edge_cache::{Cache, Client, Options, Outcome, invalidate};
use edge_cache_testing::{NativeTransport, RedisServer, client, free_port};
use futures_util::future::{join, join_all};
use redis::Commands;

fn cache(server: &RedisServer) -> Cache<Client<NativeTransport>> {
    Cache::new(client(&server.url(0)))
}

fn ttl(milliseconds: u64) -> Options<'static> {
    Options { ttl: Some(Duration::from_millis(milliseconds)), jitter: 0.0, early_refresh: 0.0, ..Options::default() }
}

fn with_grace(options: &Options<'static>) -> Options<'static> {
    Options { grace: Duration::from_secs(60), ..options.clone() }
}

/// A loader that takes its time and counts how often it is asked.
async fn slow(loads: &Cell<u32>, milliseconds: u64) -> Result<u32, String> {
    loads.set(loads.get() + 1);
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    Ok(loads.get())
}

#[tokio::test]
async fn the_first_call_loads_and_the_next_is_served_from_the_cache() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let options = Options { tags: &["t"], ..ttl(60_000) };
    let loads = Cell::new(0);
    let first = cache.get_or_set("k:1", &options, async || slow(&loads, 0).await).await.unwrap();
    let second = cache.get_or_set("k:1", &options, async || slow(&loads, 0).await).await.unwrap();
    assert_eq!((first.outcome, second.outcome, second.value, loads.get()), (Outcome::Miss, Outcome::Hit, 1, 1));
    assert!(second.age.unwrap() < Duration::from_secs(10));
    let mut other = server.connection();
    let (stored, members): (String, Vec<String>) = (other.get("k:1").unwrap(), other.smembers("cache:tags:t").unwrap());
    assert_eq!((stored.as_str(), members.as_slice()), ("1", &["k:1".to_owned()][..]), "the value is plain JSON");
    assert!(!other.exists::<_, bool>("lock:{k:1}").unwrap());
}

#[tokio::test]
async fn a_thousand_callers_of_a_cold_key_on_several_instances_cause_one_load() {
    let server = RedisServer::start();
    let instances: Vec<_> = (0..8).map(|_| cache(&server)).collect();
    let (loads, options) = (Cell::new(0), ttl(60_000));
    let calls = (0..1000).map(|n| {
        let (cache, loads, options) = (&instances[n % 8], &loads, &options);
        async move { cache.get_or_set("cold", options, async || slow(loads, 200).await).await.unwrap() }
    });
    let answers = join_all(calls).await;
    assert_eq!(loads.get(), 1);
    assert!(answers.iter().all(|answer| answer.value == 1));
    assert_eq!(answers.iter().filter(|answer| answer.outcome == Outcome::Miss).count(), 1);
}

#[tokio::test]
async fn a_holder_that_died_delays_the_others_by_no_more_than_its_lease() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let _: () = redis::cmd("SET").arg(&["lock:{k}", "dead", "PX", "300"]).query(&mut server.connection()).unwrap();
    let loads = Cell::new(0);
    let answer = cache.get_or_set("k", &ttl(60_000), async || slow(&loads, 0).await).await.unwrap();
    assert_eq!((answer.outcome, loads.get()), (Outcome::Miss, 1));
}

#[tokio::test]
async fn waiting_for_another_load_is_bounded() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let _: () = redis::cmd("SET").arg(&["lock:{k}", "slow", "PX", "60000"]).query(&mut server.connection()).unwrap();
    let options = Options { lock_wait: Duration::from_millis(100), ..ttl(60_000) };
    let loads = Cell::new(0);
    let answer = cache.get_or_set("k", &options, async || slow(&loads, 0).await).await.unwrap();
    assert_eq!((answer.outcome, loads.get()), (Outcome::Bypass, 1));
    let owner: String = server.connection().get("lock:{k}").unwrap();
    assert_eq!(owner, "slow", "a lock is released by its owner alone");
}

#[tokio::test]
async fn past_its_ttl_a_value_is_served_at_once_while_one_caller_refreshes() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let (loads, options) = (Cell::new(0), with_grace(&ttl(50)));
    cache.get_or_set("k", &options, async || slow(&loads, 0).await).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let refresh = cache.get_or_set("k", &options, async || slow(&loads, 500).await);
    let others = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        join_all((0..50).map(|_| cache.get_or_set("k", &options, async || slow(&loads, 0).await))).await
    };
    let (refreshed, served) = join(refresh, others).await;
    let refreshed = refreshed.unwrap();
    assert_eq!((refreshed.outcome, refreshed.value), (Outcome::Miss, 2));
    assert!(served.into_iter().map(Result::unwrap).all(|stale| (stale.outcome, stale.value) == (Outcome::Stale, 1)));
    assert_eq!(loads.get(), 2);
}

#[tokio::test]
async fn when_a_load_fails_the_stale_value_is_served_and_the_load_not_tried_again_for_a_while() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let options = Options { throttle: Duration::from_millis(600), ..with_grace(&ttl(50)) };
    let loads = Cell::new(0);
    cache.get_or_set("k", &options, async || slow(&loads, 0).await).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let failing = async || {
        loads.set(loads.get() + 1);
        Err::<u32, _>("database down".to_owned())
    };
    for _ in 0..5 {
        let answer = cache.get_or_set("k", &options, failing).await.unwrap();
        assert_eq!((answer.outcome, answer.value), (Outcome::Stale, 1));
    }
    assert_eq!(loads.get(), 2, "one load at first, one that failed, and none while throttled");
    tokio::time::sleep(Duration::from_millis(700)).await;
    let answer = cache.get_or_set("k", &options, async || slow(&loads, 0).await).await.unwrap();
    assert_eq!((answer.outcome, answer.value), (Outcome::Miss, 3));
}

#[tokio::test]
async fn a_failed_early_refresh_is_tried_again_at_once_when_the_value_is_gone() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let options = Options { early_refresh: 1e9, ..ttl(400) };
    let loads = Cell::new(0);
    cache.get_or_set("k", &options, async || slow(&loads, 5).await).await.unwrap();
    let answer = cache.get_or_set("k", &options, async || Err::<u32, _>("database down".to_owned())).await.unwrap();
    assert_eq!((answer.outcome, answer.value), (Outcome::Hit, 1));
    tokio::time::sleep(Duration::from_millis(450)).await;
    let answer = cache.get_or_set("k", &options, async || slow(&loads, 0).await).await.unwrap();
    assert_eq!((answer.outcome, answer.value), (Outcome::Miss, 2), "no caller waits for a lock that nobody uses");
}

#[tokio::test]
async fn an_invalidation_by_pattern_ends_the_rest_after_a_failed_load() {
    for by_clear in [true, false] {
        let server = RedisServer::start();
        let (cache, redis) = (cache(&server), client(&server.url(0)));
        let (options, loads) = (with_grace(&ttl(50)), Cell::new(0));
        cache.get_or_set("k:1", &options, async || slow(&loads, 0).await).await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        let answer =
            cache.get_or_set("k:1", &options, async || Err::<u32, _>("database down".to_owned())).await.unwrap();
        assert_eq!(answer.outcome, Outcome::Stale);
        if by_clear {
            assert_eq!(cache.clear_by_pattern("k:*").await.unwrap(), 1);
        } else {
            let request = invalidate::Request::parse(br#"{"patterns":["k:*"]}"#).unwrap();
            assert_eq!(request.run(&redis).await.unwrap().keys_invalidated(), 1);
        }
        let answer = cache.get_or_set("k:1", &options, async || slow(&loads, 0).await).await.unwrap();
        assert_eq!((answer.outcome, answer.value), (Outcome::Miss, 2));
    }
}

#[tokio::test]
async fn a_load_past_its_time_limit_is_replaced_by_the_stale_value() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let options = Options { load_timeout: Duration::from_millis(50), ..with_grace(&ttl(50)) };
    let loads = Cell::new(0);
    cache.get_or_set("k", &options, async || slow(&loads, 0).await).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let answer = cache.get_or_set("k", &options, async || slow(&loads, 60_000).await).await.unwrap();
    assert_eq!((answer.outcome, answer.value), (Outcome::Stale, 1));
}

#[tokio::test]
async fn without_a_stale_value_the_loaders_error_is_the_answer_and_the_lock_is_free() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let failed = cache.get_or_set("k", &ttl(50), async || Err::<u32, _>("database down")).await;
    assert_eq!(failed.unwrap_err(), "database down");
    assert!(!server.connection().exists::<_, bool>("lock:{k}").unwrap());
}

#[tokio::test]
async fn nothing_found_is_kept_only_when_asked() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let loads = Cell::new(0);
    let none = async || {
        loads.set(loads.get() + 1);
        Ok::<Option<u32>, String>(None)
    };
    for _ in 0..3 {
        cache.get_or_set("absent", &ttl(60_000), none).await.unwrap();
    }
    assert_eq!(loads.get(), 3);
    let negative = Options { negative_ttl: Some(Duration::from_secs(2)), ..ttl(60_000) };
    for _ in 0..3 {
        assert_eq!(cache.get_or_set("absent", &negative, none).await.unwrap().value, None);
    }
    assert_eq!(loads.get(), 4);
    assert!((1..=2).contains(&server.connection().ttl::<_, i64>("absent").unwrap()));
}

#[tokio::test]
async fn without_redis_the_loader_answers_and_the_circuit_opens() {
    let cache = Cache::new(client(&format!("redis://127.0.0.1:{}/0", free_port())));
    let loads = Cell::new(0);
    for n in 1..=5 {
        let answer = cache.get_or_set("k", &ttl(50), async || slow(&loads, 0).await).await.unwrap();
        assert_eq!((answer.outcome, answer.value), (Outcome::Bypass, n));
    }
    let started = Instant::now();
    for _ in 0..100 {
        cache.get_or_set("k", &ttl(50), async || slow(&loads, 0).await).await.unwrap();
    }
    // Each call that asked would have taken 150 ms of pauses between its tries.
    assert!(started.elapsed() < Duration::from_secs(5), "took {:?}", started.elapsed());
}

#[tokio::test]
async fn a_frozen_server_costs_a_caller_no_more_than_the_command_limit() {
    let server = RedisServer::start();
    let cache = Cache::new(Client::new(NativeTransport::new(server.url(0)), Duration::from_millis(200)));
    let loads = Cell::new(0);
    cache.get_or_set("k", &ttl(60_000), async || slow(&loads, 0).await).await.unwrap();
    server.freeze();
    let asked = Instant::now();
    let answer = cache.get_or_set("k", &ttl(60_000), async || slow(&loads, 0).await).await.unwrap();
    assert_eq!(answer.outcome, Outcome::Bypass);
    assert!(asked.elapsed() < Duration::from_secs(2), "ten times the limit: {:?}", asked.elapsed());
    server.thaw();
    let answer = cache.get_or_set("k", &ttl(60_000), async || slow(&loads, 0).await).await.unwrap();
    assert_eq!((answer.outcome, answer.value), (Outcome::Hit, 1));
}

#[tokio::test]
async fn a_value_of_another_type_is_loaded_anew() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let _: () = server.connection().set("k", "not json").unwrap();
    let _: () = server.connection().rpush("list", 1).unwrap();
    for key in ["k", "list"] {
        let answer = cache.get_or_set(key, &ttl(60_000), async || Ok::<_, String>(7)).await.unwrap();
        assert_eq!((answer.outcome, answer.value), (Outcome::Miss, 7), "{key}");
    }
    assert_eq!(cache.get::<u32>("list").await.unwrap(), Some(7));
}

#[tokio::test]
async fn look_ups_are_counted_by_module() {
    let server = RedisServer::start();
    let cache = cache(&server);
    for _ in 0..64 {
        cache.get_or_set("users:1", &ttl(60_000), async || Ok::<_, String>(1)).await.unwrap();
    }
    let hits: u64 = server.connection().hget("cache:lookups", "users:hit").unwrap();
    let misses: u64 = server.connection().hget("cache:lookups", "users:miss").unwrap();
    assert_eq!((misses, hits >= 31), (1, true), "{hits} hits");
}

#[tokio::test(flavor = "current_thread")]
async fn few_lookups_are_counted_too_and_no_load_is_lost() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let counted = |field: &str| server.connection().hget::<_, _, Option<u64>>("cache:lookups", field).unwrap();
    cache.get_or_set("users:1", &ttl(60_000), async || Ok::<_, String>(1)).await.unwrap();
    assert_eq!((counted("users:miss"), counted("users:loads")), (Some(1), Some(1)));
    let quick = async || {
        std::thread::sleep(Duration::from_micros(300));
        Ok::<_, String>(1)
    };
    cache.get_or_set("users:2", &ttl(60_000), quick).await.unwrap();
    assert_eq!((counted("users:loads"), counted("users:load_us") >= Some(300)), (Some(2), true));
    tokio::time::sleep(Duration::from_millis(1100)).await;
    cache.get_or_set("users:1", &ttl(60_000), async || Ok::<_, String>(1)).await.unwrap();
    assert_eq!((counted("users:miss"), counted("users:hit")), (Some(2), Some(1)));
}

#[tokio::test]
async fn what_its_source_has_no_more_goes() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let options = with_grace(&ttl(50));
    cache.get_or_set("k", &options, async || Ok::<_, String>(Some(1))).await.unwrap();
    tokio::time::sleep(Duration::from_millis(80)).await;
    let gone = cache.get_or_set("k", &options, async || Ok::<Option<u32>, String>(None)).await.unwrap();
    assert_eq!((gone.value, gone.outcome), (None, Outcome::Miss));
    let left: u64 = server.connection().exists(&["k", "cache:meta:{k}", "lock:{k}"]).unwrap();
    assert_eq!(left, 0);
}

/// Of what the server has seen since, the share it calls hits.
async fn hit_ratio(server: &RedisServer, work: impl Future<Output = ()>) -> f64 {
    let () = redis::cmd("CONFIG").arg("RESETSTAT").query(&mut server.connection()).unwrap();
    work.await;
    let info: String = redis::cmd("INFO").arg("stats").query(&mut server.connection()).unwrap();
    let of = |field: &str| info.lines().find_map(|line| line.strip_prefix(field)).unwrap().parse::<f64>().unwrap();
    let (hits, misses) = (of("keyspace_hits:"), of("keyspace_misses:"));
    hits / (hits + misses)
}

#[tokio::test]
async fn what_is_found_is_no_miss_to_the_server() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let tagged = Options { tags: &["t"], ..ttl(60_000) };
    let () = server.connection().set("foreign", 1).unwrap();
    for (key, options) in [("plain", ttl(60_000)), ("tagged", tagged), ("foreign", ttl(60_000))] {
        cache.get_or_set(key, &options, async || Ok::<_, String>(1)).await.unwrap();
        let ratio = hit_ratio(&server, async {
            for _ in 0..200 {
                cache.get_or_set(key, &options, async || Err::<u32, _>("never asked")).await.unwrap();
            }
        });
        let ratio = ratio.await;
        assert!(ratio > 0.99, "{key}: {ratio}");
    }
}

#[tokio::test]
async fn the_servers_hit_ratio_is_about_that_of_the_lookups() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let ratio = hit_ratio(&server, async {
        // Each key is loaded once and found four times.
        for n in 0..1000 {
            let key = format!("users:{}", n / 5);
            cache.get_or_set(&key, &ttl(60_000), async || Ok::<_, String>(1)).await.unwrap();
        }
    });
    let ratio = ratio.await;
    assert!((0.70..0.90).contains(&ratio), "{ratio}");
}

#[tokio::test]
async fn who_waits_for_a_load_has_its_value_also_where_it_is_not_kept() {
    let server = RedisServer::start();
    let instances: Vec<_> = (0..8).map(|_| cache(&server)).collect();
    let (loads, options) = (Cell::new(0), ttl(60_000));
    let none = async || slow(&loads, 300).await.map(|_| None::<u32>);
    let calls = (0..400).map(|n| {
        let (cache, options) = (&instances[n % 8], &options);
        async move { cache.get_or_set("absent", options, none).await.unwrap() }
    });
    let answers = join_all(calls).await;
    assert!(answers.iter().all(|answer| answer.value.is_none()));
    assert_eq!(loads.get(), 1);
    assert_eq!(answers.iter().filter(|answer| answer.outcome == Outcome::Hit).count(), 399);
    // It is for them alone.
    assert_eq!(instances[0].get_or_set("absent", &options, none).await.unwrap().outcome, Outcome::Miss);
    let life: i64 = server.connection().pttl("cache:waiting:{absent}").unwrap();
    assert!((1..=3000).contains(&life), "{life}");
}

/// On a server where nothing has been written yet.
#[tokio::test]
async fn a_user_with_no_more_rights_than_the_documentation_asks_for_caches() {
    let server = RedisServer::start();
    let security = include_str!("../../../SECURITY.md");
    let rights = security.lines().find_map(|line| line.split('`').find(|part| part.starts_with("+@"))).unwrap();
    let user = ["SETUSER", "edge", "on", ">pw", "~*"].into_iter().chain(rights.split(' ')).collect::<Vec<_>>();
    let () = redis::cmd("ACL").arg(user).query(&mut server.connection()).unwrap();
    let cache = Cache::new(client(&server.url(0).replace("redis://", "redis://edge:pw@")));
    let (loads, options) = (Cell::new(0), ttl(60_000));
    for outcome in [Outcome::Miss, Outcome::Hit] {
        assert_eq!(cache.get_or_set("k", &options, async || slow(&loads, 0).await).await.unwrap().outcome, outcome);
    }
    let none = async || slow(&loads, 300).await.map(|_| None::<u32>);
    let answers = join_all((0..50).map(|_| cache.get_or_set("absent", &options, none))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(loads.get(), 2, "one load for all who waited");
}
