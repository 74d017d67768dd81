//! Tags over time: what a churning cache leaves behind, and large tags.

use std::time::Duration;

use edge_cache::tag::Sweep;
use edge_cache::{Cache, Item};
use edge_cache_testing::{RedisServer, client};

/// Counts members of all tags' sets, and those whose keys are gone.
fn members(other: &mut redis::Connection) -> (u64, u64) {
    let script = "
        local all, dead = 0, 0
        for _, set in ipairs(redis.call('KEYS', 'cache:tags:*')) do
          for _, member in ipairs(redis.call('SMEMBERS', set)) do
            all = all + 1
            if redis.call('EXISTS', member) == 0 then dead = dead + 1 end
          end
        end
        return { all, dead }";
    redis::cmd("EVAL").arg(script).arg(0).query(other).unwrap()
}

#[tokio::test]
async fn two_days_of_churn_leave_fewer_than_one_dead_member_in_twenty() {
    let server = RedisServer::start();
    let (redis, mut other) = (client(&server.url(0)), server.connection());
    let cache = Cache::new(client(&server.url(0)));
    let tags: Vec<String> = (0..50).map(|n| format!("tag-{n}")).collect();
    let mut sweep = Sweep::default();
    // Twenty rounds stand for two days: in each 5,000 keys come with short lives, a tenth of them lives on, and the
    // schedule sweeps its bounded slices.
    for round in 0..20 {
        let names: Vec<String> = (0..5000).map(|n| format!("k:{round}:{n}")).collect();
        let with_tag: Vec<[&str; 1]> = (0..5000).map(|n| [tags[n % 50].as_str()]).collect();
        let life =
            |n: usize| Some(if n.is_multiple_of(10) { Duration::from_secs(900) } else { Duration::from_millis(1) });
        let items: Vec<Item<'_, usize>> =
            (0..5000).map(|n| Item { key: &names[n], value: &1, ttl: life(n), tags: &with_tag[n] }).collect();
        cache.set_many(&items).await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
        while !sweep.step(&redis, 2000).await.unwrap().finished {}
    }
    let (all, dead) = members(&mut other);
    assert!(all >= 10_000, "the living keep their tags: {all}");
    assert!(dead * 20 < all, "{dead} of {all} members are dead");
}

#[tokio::test]
async fn a_sweep_is_bounded_and_goes_on_where_it_stood() {
    let server = RedisServer::start();
    let (redis, mut other) = (client(&server.url(0)), server.connection());
    for tag in 0..5 {
        for slice in 0..5 {
            let names: Vec<String> = (0..1000).map(|n| format!("gone:{tag}:{slice}:{n}")).collect();
            redis::cmd("SADD").arg(format!("cache:tags:{tag}")).arg(names).exec(&mut other).unwrap();
        }
    }
    let (mut sweep, mut steps, mut removed) = (Sweep::default(), 0, 0);
    loop {
        // What is stored between two runs of the schedule is all a sweep needs.
        sweep = serde_json::from_str(&serde_json::to_string(&sweep).unwrap()).unwrap();
        let swept = sweep.step(&redis, 2000).await.unwrap();
        assert!(swept.members <= 4000, "{swept:?}");
        (steps, removed) = (steps + 1, removed + swept.removed);
        if swept.finished {
            break;
        }
    }
    assert_eq!((removed, members(&mut other)), (25_000, (0, 0)));
    assert!(steps > 5, "{steps}");
}

#[tokio::test]
async fn a_set_that_is_one_no_more_does_not_stop_a_sweep() {
    let server = RedisServer::start();
    let (redis, mut other) = (client(&server.url(0)), server.connection());
    let _: () = redis::pipe().set("cache:tags:other", 1).sadd("cache:tags:t", "gone").query(&mut other).unwrap();
    let mut sweep: Sweep = serde_json::from_str(r#"{"scan":"","sets":["cache:tags:other"],"member":"7"}"#).unwrap();
    let swept = sweep.step(&redis, 2000).await.unwrap();
    assert_eq!((swept.finished, swept.removed), (true, 1));
}

#[tokio::test]
async fn a_tag_of_half_a_million_keys_is_invalidated_in_slices() {
    let server = RedisServer::with(RedisServer::debuggable());
    let mut other = server.connection();
    redis::cmd("DEBUG").arg(&["POPULATE", "500000", "k", "8"]).exec(&mut other).unwrap();
    for slice in 0..500 {
        let names: Vec<String> = (0..1000).map(|n| format!("k:{}", slice * 1000 + n)).collect();
        redis::cmd("SADD").arg("cache:tags:huge").arg(names).exec(&mut other).unwrap();
    }
    redis::cmd("CONFIG").arg("RESETSTAT").exec(&mut other).unwrap();
    let removed = Cache::new(client(&server.url(0))).invalidate_tag("huge").await.unwrap();
    assert_eq!(removed, 500_000);
    let stats: String = redis::cmd("INFO").arg("commandstats").query(&mut other).unwrap();
    assert!(!stats.contains("cmdstat_smembers"), "never the whole set at once: {stats}");
}

#[tokio::test]
async fn a_sweep_ends_what_interrupted_invalidations_left_aside() {
    let server = RedisServer::start();
    let (redis, mut other) = (client(&server.url(0)), server.connection());
    let aside = |tag: &str, number: &str| format!("cache:tags-aside:{{cache:tags:{tag}}}{number}");
    for n in 0..2500 {
        let name = format!("old:{n}");
        redis::pipe().set(&name, 1).sadd(aside("import:2024", ""), &name).exec(&mut other).unwrap();
    }
    let mut more = redis::pipe();
    more.set("older", 1).sadd(aside("a}b", ""), "older").set("oldest", 1).sadd(aside("a}b", ":2"), "oldest");
    more.set("new", 1).sadd("cache:tags:import:2024", "new").sadd("cache:tags-like", "new").exec(&mut other).unwrap();
    let mut sweep = Sweep::default();
    while !sweep.step(&redis, 2000).await.unwrap().finished {}
    let mut left: Vec<String> = redis::cmd("KEYS").arg("*").query(&mut other).unwrap();
    left.sort();
    assert_eq!(left, ["cache:tags-like", "cache:tags:import:2024", "new"]);
}
