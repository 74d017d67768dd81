//! Lookups by key, as they reach Redis: `cache:hot:<minute>`.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use edge_cache::tokio::TokioTransport;
use edge_cache::{Cache, Options, RedisClient};
use edge_cache_testing::{RedisServer, client};
use redis::Commands;

type TestCache = Cache<RedisClient<TokioTransport>>;

fn options() -> Options<'static> {
    Options {
        ttl: Some(Duration::from_secs(600)),
        early_refresh: 0.0,
        ..Options::default()
    }
}

async fn look_up(cache: &TestCache, key: &str) {
    let load = async || Ok::<_, String>("value".to_owned());
    cache.get_or_set(key, &options(), load).await.unwrap();
}

/// Reads a hash, with the figures of keys as text.
const READ: &str = "local fields = redis.call('HGETALL', KEYS[1])
for i = 1, #fields, 2 do
  if string.sub(fields[i], 1, 1) == 'k' then fields[i + 1] = table.concat({ cmsgpack.unpack(fields[i + 1]) }, ' ') end
end
return fields";

/// The fields of all minutes' hashes; the figures of a key begin with its lookups.
fn stored(server: &RedisServer) -> Vec<HashMap<String, String>> {
    let mut redis = server.connection();
    let minutes: Vec<String> = redis.keys("cache:hot:*").unwrap();
    let mut read = |minute: String| {
        let fields = redis::cmd("EVAL")
            .arg(READ)
            .arg(1)
            .arg(minute)
            .query(&mut redis);
        fields.unwrap()
    };
    minutes.into_iter().map(&mut read).collect()
}

/// Lookups, missing ones and variance of each key, in all minutes together.
fn counts(server: &RedisServer) -> BTreeMap<String, [u64; 3]> {
    let mut counts: BTreeMap<String, [u64; 3]> = BTreeMap::new();
    for minute in stored(server) {
        for (field, figures) in minute {
            let Some(key) = field.strip_prefix('k') else {
                continue;
            };
            let sum = counts.entry(key.to_owned()).or_default();
            for (total, figure) in sum.iter_mut().zip(figures.split(' ')) {
                *total += figure.parse::<u64>().unwrap();
            }
        }
    }
    counts
}

fn sum_of(server: &RedisServer, field: &str) -> u64 {
    let minutes = stored(server);
    let values = minutes.iter().filter_map(|minute| minute.get(field));
    values.map(|value| value.parse::<u64>().unwrap()).sum()
}

/// The calls of each command, by name.
fn calls(server: &RedisServer) -> BTreeMap<String, u64> {
    let info: String = redis::cmd("INFO")
        .arg("commandstats")
        .query(&mut server.connection())
        .unwrap();
    let line = |line: &str| {
        let (name, figures) = line.strip_prefix("cmdstat_")?.split_once(':')?;
        let calls = figures.strip_prefix("calls=")?.split(',').next()?;
        Some((name.to_owned(), calls.parse().unwrap()))
    };
    info.lines().filter_map(line).collect()
}

/// A batch is added to Redis with the first lookup after a second.
async fn await_next_batch() {
    tokio::time::sleep(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn a_key_that_every_batch_has_is_counted_exactly() {
    let server = RedisServer::start();
    let cache = Cache::new(client(&server.url(0)));

    for n in 0..320 {
        look_up(&cache, if n % 2 == 0 { "hot:a" } else { "hot:b" }).await;
    }
    await_next_batch().await;
    look_up(&cache, "hot:a").await;

    let counts = counts(&server);
    let lookups = sum_of(&server, "lookups");
    assert!((288..=321).contains(&lookups), "{lookups}");
    let [a, b] = ["hot:a", "hot:b"].map(|key| counts[key]);
    // A batch has about as many lookups of each as are always sent.
    assert!(a[0].abs_diff(b[0]) <= 48, "{counts:?}");
    assert!(sum_of(&server, "instances") >= 1);
    assert_eq!(counts.len(), 2);
}

#[tokio::test]
async fn instances_that_live_for_one_lookup_count_exactly() {
    let server = RedisServer::start();
    for n in 0..120 {
        let cache = Cache::new(client(&server.url(0)));
        look_up(&cache, &format!("shop:{}", n % 4)).await;
    }

    assert_eq!(sum_of(&server, "lookups"), 120);
    let exact = (0..4).map(|n| (format!("shop:{n}"), [30, 0, 0]));
    assert_eq!(counts(&server), exact.collect());
}

/// Ranks by Zipf's law with the exponent 1.2, from random bits.
struct Zipf {
    cumulated: Vec<f64>,
    state: u64,
}

impl Zipf {
    fn new(keys: u32) -> Self {
        let mut sum = 0.0;
        let weights = (1..=keys).map(|rank| f64::from(rank).powf(-1.2));
        let cumulated = weights.map(|weight| {
            sum += weight;
            sum
        });
        Self {
            cumulated: cumulated.collect(),
            state: 7,
        }
    }

    fn next(&mut self) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        let uniform = (self.state >> 11) as f64 / (1_u64 << 53) as f64;
        let sought = uniform * self.cumulated.last().unwrap();
        self.cumulated.partition_point(|sum| *sum < sought)
    }
}

#[tokio::test]
async fn of_skewed_lookups_by_many_instances_the_hottest_keys_are_found() {
    let server = RedisServer::start();
    let mut zipf = Zipf::new(5000);
    let mut truth: HashMap<String, u64> = HashMap::new();

    // As on a busy host: an instance lives for 128 lookups.
    for _ in 0..200 {
        let cache = Cache::new(client(&server.url(0)));
        for _ in 0..128 {
            let key = format!("shop:{}", zipf.next());
            look_up(&cache, &key).await;
            *truth.entry(key).or_default() += 1;
        }
    }

    let counts = counts(&server);
    let mut by_truth: Vec<_> = truth.iter().collect();
    by_truth.sort_by_key(|(_, lookups)| std::cmp::Reverse(**lookups));
    let mut found: Vec<_> = counts.iter().collect();
    found.sort_by_key(|(_, figures)| std::cmp::Reverse(figures[0]));
    let found: Vec<&str> = found.iter().take(20).map(|(key, _)| key.as_str()).collect();
    for (key, lookups) in by_truth.into_iter().take(10) {
        assert!(
            found.contains(&key.as_str()),
            "{key} ({lookups}): {found:?}"
        );
        let [counted, missing, variance] = counts[key];
        // Instances end with lookups that they have not reported: here at most a quarter.
        let error = missing as f64 + 3.5 * (variance as f64).sqrt();
        let lookups = *lookups as f64;
        assert!(
            counted as f64 + error >= lookups * 0.70,
            "{key}: {lookups}, {counted} ± {error}"
        );
        assert!(
            counted as f64 - error <= lookups,
            "{key}: {lookups}, {counted} ± {error}"
        );
    }
    for minute in stored(&server) {
        assert!(minute.len() <= 803, "{}", minute.len());
    }
}

#[tokio::test]
async fn counting_sends_no_further_command() {
    let mut sent = Vec::new();
    for is_enabled in [false, true] {
        let server = RedisServer::start();
        let cache = Cache::new(client(&server.url(0))).with_hot_keys(is_enabled);
        look_up(&cache, "warm").await;
        redis::cmd("CONFIG")
            .arg("RESETSTAT")
            .exec(&mut server.connection())
            .unwrap();

        for n in 0..640 {
            look_up(&cache, &format!("users:{}", n % 20)).await;
        }
        let calls = calls(&server);
        sent.push((calls["get"], calls["evalsha"]));
        assert_eq!(stored(&server).is_empty(), !is_enabled);
    }

    let [without, with] = sent[..] else {
        panic!("{sent:?}")
    };
    assert_eq!(without.0, with.0);
    // A slow run flushes its counters and asks for fences more often.
    assert!(with.1.abs_diff(without.1) <= 10, "{without:?}, {with:?}");
}

#[tokio::test]
async fn a_minute_is_bounded_whatever_is_looked_up() {
    let server = RedisServer::start();
    // Values of another client, so that each lookup is a hit.
    let keys: Vec<String> = (0..16_000).map(|n| format!("many:{n}")).collect();
    for slice in keys.chunks(1000) {
        let values: Vec<(&str, &str)> = slice.iter().map(|key| (key.as_str(), "\"v\"")).collect();
        let () = server.connection().mset(&values).unwrap();
    }
    // Each instance sends about ten of its 160 keys.
    let instances: Vec<_> = (0..100)
        .map(|_| Cache::new(client(&server.url(0))))
        .collect();
    for (cache, keys) in instances.iter().zip(keys.chunks(160)) {
        for key in keys {
            look_up(cache, key).await;
        }
    }
    await_next_batch().await;
    for cache in &instances {
        look_up(cache, &"x".repeat(300)).await;
    }

    let minutes = stored(&server);
    for minute in &minutes {
        assert!(minute.len() <= 803, "{}", minute.len());
        assert!(minute.keys().all(|field| field.len() <= 257));
    }
    let reduced = minutes.iter().find(|minute| minute.contains_key("floor"));
    assert!(reduced.is_some(), "{minutes:?}");
    let ttl: i64 = server
        .connection()
        .keys::<_, Vec<String>>("cache:hot:*")
        .and_then(|keys| server.connection().ttl(&keys[0]))
        .unwrap();
    assert!((1..=660).contains(&ttl), "{ttl}");
}
