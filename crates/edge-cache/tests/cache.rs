//! The cache's single operations against a real server: batches, tags, large values, stored formats.

use std::cell::Cell;
use std::time::Duration;

use edge_cache::{
    Cache, Client, Command, Item, Options, Outcome, Pattern, Redis, RedisError, Reply, Runtime, invalidate,
};
use edge_cache_testing::{NativeTransport, RedisServer, client};
use redis::Commands;
use serde_json::{Value, json};

fn cache(server: &RedisServer) -> Cache<Client<NativeTransport>> {
    Cache::new(client(&server.url(0)))
}

fn tagged(tags: &'static [&'static str]) -> Options<'static> {
    Options { ttl: Some(Duration::from_secs(60)), tags, ..Options::default() }
}

fn keys(server: &RedisServer) -> Vec<String> {
    let mut keys: Vec<String> = redis::cmd("KEYS").arg("*").query(&mut server.connection()).unwrap();
    keys.sort();
    keys
}

#[tokio::test]
async fn single_values_are_set_read_and_removed() {
    let server = RedisServer::start();
    let cache = cache(&server);
    cache.set("test:key", &json!({"value": 123}), &Options::default()).await.unwrap();
    assert_eq!(cache.get::<Value>("test:key").await.unwrap(), Some(json!({"value": 123})));
    assert_eq!(cache.get::<Value>("missing:key").await.unwrap(), None);
    assert!((295..=300).contains(&cache.ttl("test:key").await.unwrap().unwrap().unwrap().as_secs()));
    assert!(cache.expire("test:key", None).await.unwrap() && !cache.expire("missing", None).await.unwrap());
    assert_eq!((cache.ttl("test:key").await.unwrap(), cache.ttl("missing").await.unwrap()), (Some(None), None));
    assert!(cache.exists("test:key").await.unwrap());
    assert_eq!(cache.key_info("test:key").await.unwrap().unwrap().value, json!({"value": 123}));
    assert!(cache.delete("test:key").await.unwrap() && !cache.delete("test:key").await.unwrap());
}

#[tokio::test]
async fn values_are_written_and_read_by_the_thousand() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let names: Vec<String> = (0..2500).map(|n| format!("n:{n}")).collect();
    let values: Vec<usize> = (0..2500).collect();
    let items: Vec<Item<'_, usize>> = names
        .iter()
        .zip(&values)
        .map(|(key, value)| Item { key, value, ttl: Some(Duration::from_secs(60 + *value as u64)), tags: &["numbers"] })
        .collect();
    cache.set_many(&items).await.unwrap();
    let wanted: Vec<&str> = names.iter().map(String::as_str).chain(["absent"]).collect();
    let read = cache.get_many::<usize>(&wanted).await.unwrap();
    assert!(read[..2500].iter().copied().map(Option::unwrap).eq(0..2500) && read[2500].is_none());
    assert_eq!(cache.keys_by_tag("numbers").await.unwrap().len(), 2500);
    let set_lives: i64 = server.connection().ttl("cache:tags:numbers").unwrap();
    assert!(set_lives > 2500, "a tag's set lives as long as its longest-lived key, has {set_lives} s");
    assert_eq!(cache.delete_many(&wanted).await.unwrap(), 2500);
}

#[tokio::test]
async fn overrides_of_the_ttl_table_are_in_force_at_once() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let _: () = server.connection().hset("cache:ttl", "stock:available", 7).unwrap();
    cache.set("stock:available:1", &1, &Options::default()).await.unwrap();
    let options = Options { jitter: 0.0, ..Options::default() };
    cache.get_or_set("stock:available:2", &options, async || Ok::<_, String>(1)).await.unwrap();
    for key in ["stock:available:1", "stock:available:2"] {
        assert_eq!(server.connection().ttl::<_, i64>(key).unwrap(), 7, "{key}");
    }
}

#[tokio::test]
async fn whatever_removes_a_key_takes_what_is_known_of_it() {
    let server = RedisServer::start();
    let (cache, redis) = (cache(&server), client(&server.url(0)));
    let invalidate = async |body: &str| {
        let report = invalidate::Request::parse(body.as_bytes()).unwrap().run(&redis).await.unwrap();
        assert_eq!(report.keys_invalidated(), 1, "{body}");
    };
    for body in [r#"{"keys":["a"]}"#, r#"{"tags":["t"]}"#, r#"{"patterns":["a*"]}"#] {
        cache.set("a", &1, &tagged(&["t"])).await.unwrap();
        invalidate(body).await;
        let left = keys(&server).into_iter().filter(|key| key.contains('{')).collect::<Vec<_>>();
        assert_eq!(left, Vec::<String>::new(), "{body}");
    }
}

#[tokio::test]
async fn a_key_written_again_without_a_tag_is_no_longer_removed_by_it() {
    let server = RedisServer::start();
    let cache = cache(&server);
    cache.set("a", &1, &tagged(&["old", "both"])).await.unwrap();
    cache.set("a", &2, &tagged(&["both"])).await.unwrap();
    assert_eq!(cache.invalidate_tag("old").await.unwrap(), 0);
    assert_eq!(cache.get::<u32>("a").await.unwrap(), Some(2));
    assert_eq!(cache.invalidate_tag("both").await.unwrap(), 1);
    assert_eq!(keys(&server), ["cache:fences", "cache:meta"], "nothing of a removed key is left");
}

#[tokio::test]
async fn tags_can_be_added_to_a_key_and_by_other_clients() {
    let server = RedisServer::start();
    let cache = cache(&server);
    cache.set("a", &1, &tagged(&["first"])).await.unwrap();
    cache.tag("a", &["second"]).await.unwrap();
    assert_eq!(cache.key_info("a").await.unwrap().unwrap().tags, ["first", "second"]);
    let _: () = redis::pipe().set("b", 1).sadd("cache:tags:second", "b").query(&mut server.connection()).unwrap();
    assert_eq!(cache.invalidate_tag("second").await.unwrap(), 2);
}

#[tokio::test]
async fn a_tag_that_another_client_gave_a_key_of_the_library_is_one_of_its_tags() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let load = async || Ok::<_, String>(2);
    cache.set("a", &1, &tagged(&["first"])).await.unwrap();
    cache.get_or_set("b", &tagged(&[]), load).await.unwrap();
    let _: () = server.connection().sadd("cache:tags:theirs", &["a", "b"]).unwrap();
    assert_eq!(cache.invalidate_tag("theirs").await.unwrap(), 2);
    assert_eq!(cache.get_many::<u32>(&["a", "b"]).await.unwrap(), [None, None]);
}

#[tokio::test]
async fn a_value_loaded_anew_leaves_the_tags_it_has_no_more() {
    let server = RedisServer::start();
    let cache = cache(&server);
    cache.set("a", &1, &tagged(&["old", "both"])).await.unwrap();
    let options = Options { early_refresh: 1e9, ..tagged(&["both", "new"]) };
    let mut other = server.connection();
    // A value that took long to load is refreshed by the next caller.
    let _: () = other.hset("cache:meta:{a}", "load", 1_000_000).unwrap();
    let refreshed = cache.get_or_set("a", &options, async || Ok::<_, String>(2)).await.unwrap();
    assert_eq!(refreshed.outcome, Outcome::Miss);
    assert_eq!(cache.invalidate_tag("old").await.unwrap(), 0);
    assert_eq!(cache.invalidate_tag("new").await.unwrap(), 1);
}

/// A connection on which something happens before its command of this number.
struct Before<'a, F> {
    redis: Client<NativeTransport>,
    left: Cell<u32>,
    act: &'a F,
}

impl<F: Fn()> Redis for Before<'_, F> {
    async fn execute(&self, command: Command) -> Result<Vec<Reply>, RedisError> {
        self.left.set(self.left.get().wrapping_sub(1));
        if self.left.get() == 0 {
            (self.act)();
        }
        self.redis.execute(command).await
    }
}

impl<F: Fn()> Runtime for Before<'_, F> {
    async fn sleep(&self, duration: Duration) {
        self.redis.sleep(duration).await;
    }

    fn random(&self) -> u64 {
        self.redis.random()
    }
}

#[tokio::test]
async fn a_key_has_its_tags_whatever_others_did_to_them_while_it_was_written() {
    let server = RedisServer::start();
    let taken = || server.connection().srem::<_, _, ()>("cache:tags:t", "a").unwrap();
    let written = async |before: u32| {
        let redis = client(&server.url(0));
        // Scripts that the server knows are one command each.
        let warm = Cache::new(client(&server.url(0)));
        warm.get_or_set("other", &tagged(&["u"]), async || Ok::<_, String>(1)).await.unwrap();
        warm.set("other", &1, &tagged(&["u"])).await.unwrap();
        Cache::new(Before { redis, left: Cell::new(before), act: &taken })
    };
    // After the tag was given, before the value is written.
    written(2).await.set("a", &1, &tagged(&["t"])).await.unwrap();
    assert_eq!(cache(&server).invalidate_tag("t").await.unwrap(), 1);
    written(4).await.get_or_set("a", &tagged(&["t"]), async || Ok::<_, String>(1)).await.unwrap();
    assert_eq!(cache(&server).invalidate_tag("t").await.unwrap(), 1);
}

#[tokio::test]
async fn chunks_of_values_that_the_server_refused_go() {
    let server = RedisServer::start();
    let (cache, mut other) = (cache(&server), server.connection());
    let noise = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let huge: Vec<u64> = (0..1_500_000).map(noise).collect();
    let chunks = |other: &mut redis::Connection| other.keys::<_, Vec<String>>("cache:chunk:*").unwrap().len();
    cache.set("k", &huge, &tagged(&[])).await.unwrap();
    let whole = chunks(&mut other);
    assert!(whole > 1, "{whole}");
    let used: u64 = {
        let info: String = redis::cmd("INFO").arg("memory").query(&mut other).unwrap();
        info.lines().find_map(|line| line.strip_prefix("used_memory:")?.trim().parse().ok()).unwrap()
    };
    // Room for one chunk more.
    redis::cmd("CONFIG").arg(&["SET", "maxmemory", &(used + (18 << 20)).to_string()]).exec(&mut other).unwrap();
    redis::cmd("CONFIG").arg("RESETSTAT").exec(&mut other).unwrap();
    cache.set("l", &huge, &tagged(&[])).await.unwrap_err();
    assert_eq!(chunks(&mut other), whole, "those of the value that is there");
    let stats: String = redis::cmd("INFO").arg("commandstats").query(&mut other).unwrap();
    let set = stats.lines().find(|line| line.starts_with("cmdstat_set:")).unwrap();
    assert!(set.starts_with("cmdstat_set:calls=2,"), "that there are chunks, and one of them: {set}");
    assert_eq!(cache.get::<Vec<u64>>("k").await.unwrap(), Some(huge));
}

#[tokio::test]
async fn a_tags_set_is_in_use_as_long_as_its_keys_are_and_comes_back_where_the_server_evicted_it() {
    let server = RedisServer::start();
    let (cache, mut other) = (cache(&server), server.connection());
    let load = async || Ok::<_, String>(1);
    cache.get_or_set("a", &tagged(&["t"]), load).await.unwrap();
    let mut idle = || -> u64 { redis::cmd("OBJECT").arg(&["IDLETIME", "cache:tags:t"]).query(&mut other).unwrap() };
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert!(idle() > 0);
    assert_eq!(cache.get_or_set("a", &tagged(&["t"]), load).await.unwrap().outcome, Outcome::Hit);
    assert_eq!(idle(), 0, "a server that evicts what was used least recently does not take it before the key");

    let () = other.del("cache:tags:t").unwrap();
    assert_eq!(cache.get_or_set("a", &tagged(&["t"]), load).await.unwrap().outcome, Outcome::Hit);
    let left: i64 = other.ttl("cache:tags:t").unwrap();
    assert!((1..=60).contains(&left), "{left}");
    assert_eq!(cache.invalidate_tag("t").await.unwrap(), 1);

    cache.set("b", &1, &tagged(&["t"])).await.unwrap();
    let () = other.del("cache:tags:t").unwrap();
    assert_eq!(cache.get::<u32>("b").await.unwrap(), Some(1));
    assert_eq!(cache.invalidate_tag("t").await.unwrap(), 1, "reading by `get` too");
}

#[tokio::test]
async fn compressed_and_chunked_values_read_back_and_leave_nothing_behind() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let repetitive = json!(vec!["a fairly repetitive element of a list"; 20_000]);
    // Random digits do not compress below the size of a chunk.
    let mut state = 1_u64;
    let mut digit = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b' ' + 3 + (state >> 33) as u8 % 88)
    };
    let huge = json!((0..20_000_000).map(|_| digit()).collect::<String>());
    for (name, value, chunks) in [("compressed", &repetitive, 0), ("huge", &huge, 2)] {
        cache.set(name, value, &tagged(&["large"])).await.unwrap();
        assert_eq!(cache.get::<Value>(name).await.unwrap().as_ref(), Some(value), "{name}");
        let stored = keys(&server).iter().filter(|key| key.starts_with("cache:chunk:")).count();
        assert!(stored >= chunks, "{stored} chunks");
        let shown = cache.key_info(name).await.unwrap().unwrap();
        assert_eq!((shown.value_format, shown.truncated), ("text", true), "{name}: inspected as it was written");
        assert!(shown.value.as_str().unwrap().starts_with(&value.to_string()[..30]), "{name}");
        cache.expire(name, Some(Duration::from_secs(600))).await.unwrap();
    }
    for chunk in keys(&server).iter().filter(|key| key.starts_with("cache:chunk:")) {
        assert_eq!(server.connection().ttl::<_, i64>(chunk).unwrap(), 600, "chunks live as long as their value");
    }
    cache.set("huge", &1, &tagged(&["large"])).await.unwrap();
    assert!(!keys(&server).iter().any(|key| key.starts_with("cache:chunk:{")), "{:?}", keys(&server));
    for removal in 0..3 {
        cache.set("huge", &huge, &tagged(&["large"])).await.unwrap();
        match removal {
            0 => assert!(cache.delete("huge").await.unwrap()),
            1 => assert_eq!(cache.invalidate_tag("large").await.unwrap(), 2),
            _ => assert_eq!(cache.clear_by_pattern("hug*").await.unwrap(), 1),
        }
        assert!(!keys(&server).iter().any(|key| key.starts_with("cache:chunk:{")), "{removal}: {:?}", keys(&server));
    }
}

#[tokio::test]
async fn a_half_written_chunked_value_is_never_readable() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let mut other = server.connection();
    let _: () = other.set("k", b"\0edge-cache-chunks 1 10 00000000000000ff 2").unwrap();
    let _: () = other.set("cache:chunk:{k}:00000000000000ff:1", "\"1234").unwrap();
    assert_eq!(cache.get::<Value>("k").await.unwrap(), None);
    let _: () = other.set("cache:chunk:{k}:00000000000000ff:2", "5678\"").unwrap();
    assert_eq!(cache.get::<Value>("k").await.unwrap(), Some(json!("12345678")));
}

#[tokio::test]
async fn a_manifest_of_another_client_is_not_taken_at_its_word() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let mut other = server.connection();
    for chunk in 1..=2 {
        let _: () = other.set(format!("cache:chunk:{{k}}:x:{chunk}"), "\"1234\"").unwrap();
    }
    let most = usize::MAX;
    for manifest in [format!("{most} x 1"), format!("{most} x {most}"), "7 x 2".to_owned(), "0 x 1".to_owned()] {
        let _: () = other.set("k", format!("\0edge-cache-chunks 1 {manifest}")).unwrap();
        assert_eq!(cache.get::<Value>("k").await.unwrap(), None, "{manifest}");
    }
}

/// What earlier versions left in Redis: plain JSON, a frame of the `lz4` program, a frame of ours, and a value in two chunks
/// with its manifest.
const GOLDEN: [(&str, &[u8]); 6] = [
    ("plain.json", include_bytes!("golden/plain.json")),
    ("frame.lz4", include_bytes!("golden/frame.lz4")),
    ("own-frame.lz4", include_bytes!("golden/own-frame.lz4")),
    ("chunked", include_bytes!("golden/manifest")),
    ("cache:chunk:{chunked}:00c0ffee00c0ffee:1", include_bytes!("golden/chunk-1")),
    ("cache:chunk:{chunked}:00c0ffee00c0ffee:2", include_bytes!("golden/chunk-2")),
];

#[tokio::test]
async fn stored_formats_of_today_are_read_for_ever() {
    let server = RedisServer::start();
    let cache = cache(&server);
    for (name, stored) in GOLDEN {
        let _: () = server.connection().set(name, stored).unwrap();
    }
    for (name, _) in GOLDEN.iter().filter(|(name, _)| !name.starts_with("cache:")) {
        let value = cache.get::<Value>(name).await.unwrap().unwrap();
        assert_eq!((&value["name"], value["list"].as_array().unwrap().len()), (&json!("golden"), 5000), "{name}");
    }
}

#[tokio::test]
async fn what_is_stored_today_has_the_golden_form() {
    let server = RedisServer::start();
    let value: Value = serde_json::from_slice(GOLDEN[0].1).unwrap();
    cache(&server).set("k", &value, &Options::default()).await.unwrap();
    let stored: Vec<u8> = server.connection().get("k").unwrap();
    assert!(stored == GOLDEN[2].1, "a change of the stored form needs a golden file of its own, beside the old one");
}

#[tokio::test]
async fn our_reading_of_a_glob_is_the_servers() {
    let server = RedisServer::start();
    let mut other = server.connection();
    let mut state = 7_u64;
    let mut pick = |from: &[u8]| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        from[(state >> 33) as usize % from.len()]
    };
    let names: Vec<Vec<u8>> = (0..300).map(|n| (0..n % 6).map(|_| pick(b"ab*?[]\\-^:")).collect()).collect();
    for name in &names {
        let _: () = other.set(name, 1).unwrap();
    }
    for n in 0..3000 {
        let text: Vec<u8> = (0..1 + n % 8).map(|_| pick(b"aab*?[]\\-^:")).collect();
        let Ok(pattern) = Pattern::parse("pattern", text.clone()) else { continue };
        let theirs: Vec<Vec<u8>> = redis::cmd("KEYS").arg(&text).query(&mut other).unwrap();
        for name in &names {
            let shown = (String::from_utf8_lossy(&text), String::from_utf8_lossy(name));
            assert_eq!(pattern.matches(name), theirs.contains(name), "{shown:?}");
        }
    }
}

#[tokio::test]
async fn what_is_past_its_ttl_is_not_read_as_if_it_were_fresh() {
    let server = RedisServer::start();
    let cache = cache(&server);
    let options = Options {
        ttl: Some(Duration::from_millis(300)),
        grace: Duration::from_secs(60),
        jitter: 0.0,
        ..Options::default()
    };
    cache.get_or_set("k", &options, async || Ok::<_, String>(1)).await.unwrap();
    cache.set("whole", &2, &Options { ttl: Some(Duration::from_secs(60)), ..Options::default() }).await.unwrap();
    assert_eq!(cache.get::<u32>("k").await.unwrap(), Some(1));
    tokio::time::sleep(Duration::from_millis(350)).await;
    assert_eq!(cache.get::<u32>("k").await.unwrap(), None);
    assert_eq!(cache.get_many::<u32>(&["k", "whole", "none"]).await.unwrap(), [None, Some(2), None]);
    let stale = cache.get_or_set("k", &options, async || Err::<u32, _>("no")).await.unwrap();
    assert_eq!((stale.value, stale.outcome), (1, Outcome::Stale));
}

#[tokio::test]
async fn names_of_this_system_that_another_application_took_stop_no_removal() {
    let server = RedisServer::start();
    let (cache, mut other) = (cache(&server), server.connection());
    let mut theirs = redis::pipe();
    theirs.hset("cache:meta", "theirs", 1).set("cache:loading", "theirs").hset("cache:chunked", "theirs", 1);
    theirs.exec(&mut other).unwrap();
    for key in ["a:1", "a:2", "b:1"] {
        cache.set(key, &1, &tagged(&["t"])).await.unwrap();
    }
    cache.tag("a:1", &["u"]).await.unwrap();
    assert!(cache.delete("b:1").await.unwrap());
    assert_eq!(cache.invalidate_tag("u").await.unwrap(), 1);
    assert_eq!(cache.clear_by_pattern("a:*").await.unwrap(), 1);
    assert_eq!(other.hget::<_, _, u32>("cache:meta", "theirs").unwrap(), 1);
}
