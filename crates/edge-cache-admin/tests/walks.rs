//! Admission of walks on a real server.

use std::cell::RefCell;
use std::time::Duration;

use edge_cache::{HostRuntime, Redis};
use edge_cache_admin::Error;
use edge_cache_admin::admin::walks::{WALK_PLACES, run_admitted};
use edge_cache_testing::{RedisServer, client};
use redis::Commands;

async fn endless_walk() -> Result<(), Error> {
    std::future::pending().await
}

#[tokio::test]
async fn four_walks_run_at_once_and_their_places_become_free() {
    let server = RedisServer::start();
    let redis = client(&server.url(1));
    let mut running: Vec<_> = (0..4)
        .map(|_| Box::pin(run_admitted(&redis, &redis, endless_walk())))
        .collect();

    for walk in &mut running {
        assert!(
            tokio::time::timeout(Duration::from_millis(200), walk)
                .await
                .is_err()
        );
    }

    let another = client(&server.url(1));
    assert!(matches!(
        run_admitted(&another, &another, async { Ok(()) }).await,
        Err(Error::TooManyWalks)
    ));

    // A place that its owner does not free expires.
    drop(running);
    let mut other = server.connection();
    let () = redis::cmd("SELECT").arg(1).query(&mut other).unwrap();
    let ttls: Vec<i64> = WALK_PLACES
        .iter()
        .map(|place| other.pttl(*place).unwrap())
        .collect();

    assert!(
        ttls.iter().all(|ttl| (1..=35_000).contains(ttl)),
        "{ttls:?}"
    );

    let () = other.del(WALK_PLACES[2]).unwrap();
    for number in 0..3 {
        assert_eq!(
            run_admitted(&redis, &redis, async { Ok(number) })
                .await
                .unwrap(),
            number
        );
    }

    assert!(!other.exists::<_, bool>(WALK_PLACES[2]).unwrap());
}

/// A clock on which every sleep is over at once.
#[derive(Default)]
struct FastClock {
    slept: RefCell<Vec<Duration>>,
}

impl HostRuntime for FastClock {
    async fn sleep(&self, duration: Duration) {
        self.slept.borrow_mut().push(duration);
    }

    fn random(&self) -> u64 {
        7
    }
}

#[tokio::test]
async fn a_walk_is_stopped_after_30_s_and_frees_its_place() {
    let server = RedisServer::start();
    let redis = client(&server.url(1));
    let clock = FastClock::default();

    let stopped = run_admitted(&redis, &clock, endless_walk()).await;

    let error = stopped.unwrap_err();
    assert!(matches!(error, Error::WalkTooLong(_)), "{error:?}");
    assert!(error.to_string().contains("after 30 s"), "{error}");
    assert_eq!(*clock.slept.borrow(), [Duration::from_secs(30)]);
    let left = redis
        .execute(edge_cache::Command::read("DBSIZE"))
        .await
        .unwrap();
    assert_eq!(left, [edge_cache::Reply::Int(0)]);

    // A walk that ends in time is not stopped.
    let ended = run_admitted(&redis, &clock, async { Ok(3) }).await;
    assert_eq!(ended.unwrap(), 3);
}

#[tokio::test]
async fn a_failed_walk_frees_its_place_and_returns_its_error() {
    let server = RedisServer::start();
    let redis = client(&server.url(1));
    let failed = run_admitted(&redis, &redis, async {
        Err::<(), _>(Error::Conflict("why".into()))
    })
    .await;
    assert!(matches!(failed, Err(Error::Conflict(_))));
    let left = redis
        .execute(edge_cache::Command::read("DBSIZE"))
        .await
        .unwrap();
    assert_eq!(left, [edge_cache::Reply::Int(0)]);
}

#[tokio::test]
async fn a_server_that_refuses_writes_is_walked_without_a_place() {
    let server = RedisServer::with(&["--min-replicas-to-write", "0"]);
    let mut other = server.connection();
    let () = redis::cmd("REPLICAOF")
        .arg("127.0.0.1")
        .arg(1)
        .query(&mut other)
        .unwrap();
    let redis = client(&server.url(1));
    assert_eq!(
        run_admitted(&redis, &redis, async { Ok(7) }).await.unwrap(),
        7
    );
}
