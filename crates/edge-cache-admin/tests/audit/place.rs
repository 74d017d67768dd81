//! The database that holds the trail.

use std::rc::Rc;
use std::time::Duration;

use edge_cache::tokio::TokioTransport;
use edge_cache::{ErrorKind, RedisClient};
use edge_cache_admin::admin::audit::AuditTrail;
use edge_cache_testing::{Fault, Proxy, RedisServer, transport};

use crate::{change, length, trail_connection};

/// The trail's connections, as a component has them.
fn trail(own: &str, cache: &str) -> AuditTrail<TokioTransport> {
    let open = |url: &str| RedisClient::new(transport(url), Duration::from_millis(1500));
    AuditTrail::new(open(own), Rc::new(open(cache)), own == cache)
}

#[tokio::test]
async fn a_separate_database_holds_the_trail() {
    let server = RedisServer::start();
    for _ in 0..2 {
        let trail = trail(&server.url(1), &server.url(0));
        let place = trail.place().await.unwrap();
        assert!(place.own_database && place.reason.is_none() && !place.may_share());
        change("ops", "r").write_finished(&trail).await.unwrap();
    }
    let mut other = server.connection();
    assert_eq!(redis::cmd("DBSIZE").query::<u64>(&mut other).unwrap(), 0);
    assert_eq!(length(&mut trail_connection(&server), "cache:audit"), 2);
}

#[tokio::test]
async fn a_server_with_one_database_holds_the_trail_in_it() {
    let server = RedisServer::with(&["--databases", "1"]);
    let trail = trail(&server.url(1), &server.url(0));
    let place = trail.place().await.unwrap();

    assert!(!place.own_database && place.may_share());
    assert!(
        place
            .reason
            .as_ref()
            .is_some_and(|reason| reason.contains("refuses another logical database")),
        "{place:?}"
    );

    change("ops", "r").write_finished(&trail).await.unwrap();
    change("ops", "s")
        .write_finished(&trail.within(Duration::from_secs(1)))
        .await
        .unwrap();

    assert_eq!(length(&mut server.connection(), "cache:audit"), 2);
}

#[tokio::test]
async fn a_select_that_is_accepted_and_ignored_is_detected() {
    let server = RedisServer::start();
    let proxy = Proxy::before(server.port());
    proxy.fail_named(Fault::Ignored, |name| name == "SELECT");

    for _ in 0..2 {
        let trail = trail(&proxy.url(1), &proxy.url(0));
        let place = trail.place().await.unwrap();
        assert!(
            !place.own_database
                && place
                    .reason
                    .as_ref()
                    .is_some_and(|reason| reason.contains("ignores it")),
            "{place:?}"
        );
        change("ops", "r").write_finished(&trail).await.unwrap();
    }
    assert_eq!(length(&mut server.connection(), "cache:audit"), 2);

    // A user without the right to select the database.
    let mut other = server.connection();
    let () = redis::cmd("ACL")
        .arg(&["SETUSER", "u", "on", ">p", "~*", "&*", "+@all", "-select"])
        .query(&mut other)
        .unwrap();
    let with_user = |db| server.url(db).replace("redis://", "redis://u:p@");
    let refused = trail(&with_user(1), &with_user(0)).place().await.unwrap();

    assert!(!refused.own_database, "{refused:?}");
}

#[tokio::test]
async fn a_database_without_a_marker_may_be_shared() {
    let server = RedisServer::start();
    let () = redis::cmd("REPLICAOF")
        .arg(&["127.0.0.1", "1"])
        .query(&mut server.connection())
        .unwrap();
    let place = trail(&server.url(1), &server.url(0)).place().await.unwrap();
    assert!(place.own_database && place.may_share());
}

#[tokio::test]
async fn an_unavailable_server_is_an_error_and_no_place() {
    let mut server = RedisServer::start();
    let trail = trail(&server.url(1), &server.url(0));
    server.kill();
    assert_eq!(
        trail.place().await.unwrap_err().kind,
        ErrorKind::Unreachable
    );
    server.launch();
    assert!(trail.place().await.unwrap().own_database);
}
