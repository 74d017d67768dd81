//! Lookups in a component that can await.

use std::rc::Rc;
use std::time::Duration;

use edge_cache::RedisClient;
use edge_cache::tokio::TokioTransport;
use edge_cache_testing::{RedisServer, client};
use edge_cache_wit::concurrent::{self, Timer};
use edge_cache_wit::{Found, Gauge, Lookup, LookupOptions, Provider, Settings};
use futures_util::future::join;

use crate::synchronous::{describe, load, lock_ms};

struct TokioTimer;

impl Timer for TokioTimer {
    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

type Instance = Provider<RedisClient<TokioTransport>>;

fn instance(server: &RedisServer) -> Instance {
    let settings = Settings::new(vec![("redis_url", server.url(0))]).unwrap();
    Provider::new(client(&server.url(0)), Rc::new(Gauge::default()), &settings)
}

fn begin(instance: &Instance) -> Lookup {
    instance.begin("k".to_owned(), LookupOptions::default())
}

async fn look_up(instance: &Instance) -> Found {
    concurrent::look_up(begin(instance), &TokioTimer).await
}

#[tokio::test]
async fn a_lookup_waits_for_the_load_of_another_instance() {
    let server = RedisServer::start();
    let (one, other) = (instance(&server), instance(&server));
    let turn = load(look_up(&one).await);

    let storing = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        concurrent::store(turn, "1".to_owned(), &TokioTimer).await
    };
    let (problem, found) = join(storing, look_up(&other)).await;

    assert_eq!(problem, None);
    assert_eq!(describe(&found), "hit 1");
}

#[tokio::test]
async fn while_redis_is_away_the_callers_of_an_instance_share_a_load() {
    let mut server = RedisServer::start();
    let instance = instance(&server);
    server.kill();
    let turn = load(look_up(&instance).await);

    let storing = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        concurrent::store(turn, "1".to_owned(), &TokioTimer).await
    };
    let (_, found) = join(storing, look_up(&instance)).await;

    assert_eq!(describe(&found), "hit 1");
}

#[tokio::test]
async fn an_extended_turn_keeps_its_lock() {
    let server = RedisServer::start();
    let instance = instance(&server);
    let mut turn = load(look_up(&instance).await);

    tokio::time::sleep(Duration::from_millis(3500)).await;
    assert!(concurrent::extend(&mut turn, &TokioTimer).await);

    assert!(lock_ms(&server, "k") > 7000);
    assert_eq!(
        concurrent::store(turn, "1".to_owned(), &TokioTimer).await,
        None
    );
}

#[tokio::test]
async fn a_dropped_turn_releases_its_lock_when_it_is_settled() {
    let server = RedisServer::start();
    let instance = instance(&server);

    instance.give_up(load(look_up(&instance).await));
    for lookup in instance.take_given_up() {
        concurrent::settle(lookup, &TokioTimer).await;
    }

    assert!(lock_ms(&server, "k") <= 1000);
}

#[tokio::test]
async fn a_failed_load_is_the_answer_of_others() {
    let server = RedisServer::start();
    let (one, other) = (instance(&server), instance(&server));
    let turn = load(look_up(&one).await);

    let stand_in = concurrent::fail(turn, "down".to_owned(), &TokioTimer).await;

    assert_eq!(stand_in, None);
    assert_eq!(describe(&look_up(&other).await), "load failed: down");
}
