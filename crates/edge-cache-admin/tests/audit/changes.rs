//! Intents and outcomes of changes.

use std::time::Duration;

use edge_cache::ErrorKind;
use edge_cache_admin::admin::audit::{AuditOutcome, AuditRecord, IntentId, record_overdue_changes};
use edge_cache_testing::{RedisServer, client};
use redis::Commands;

use crate::{all, change, first_entry, length, page, recorded, trail_connection};

#[tokio::test]
async fn an_outcome_replaces_the_intent_recorded_before_the_change() {
    let server = RedisServer::start();
    let redis = client(&server.url(1));
    let mut record = change("ops", "one");
    let intent = record.write_intent(&redis).await.unwrap();
    let before = page(&redis, "").await;

    assert_eq!((before.entries.len(), before.running.len()), (0, 1));
    assert_eq!(
        (
            before.running[0].record.outcome.as_str(),
            before.running[0].record.request_id.as_str()
        ),
        ("running", "one")
    );

    record.finish(Duration::from_millis(3), Ok(5));
    record.write_outcome(&intent, &redis).await.unwrap();
    let after = page(&redis, "").await;

    assert_eq!((after.entries.len(), after.running.len()), (1, 0));
    assert_eq!(
        (
            after.entries[0].record.outcome.as_str(),
            after.entries[0].record.keys_deleted
        ),
        ("ok", 5)
    );

    // If the reply to an intent is lost, the outcome still replaces the intent.
    let record = change("ops", "two");
    record.write_intent(&redis).await.unwrap();
    record
        .write_outcome(&IntentId::none(), &redis)
        .await
        .unwrap();
    let after = page(&redis, "").await;

    assert_eq!((after.entries.len(), after.running.len()), (2, 0));
}

#[tokio::test]
async fn an_intent_without_an_outcome_is_recorded_as_interrupted() {
    let server = RedisServer::start();
    let (redis, mut other) = (client(&server.url(1)), trail_connection(&server));
    let intent = AuditRecord {
        outcome: AuditOutcome::Running,
        ..change("ops", "lost")
    };

    let json = serde_json::to_string(&intent).unwrap();
    let () = redis::cmd("XADD")
        .arg(&["cache:audit:open", "1-1", "stream", "1", "record", &json])
        .query(&mut other)
        .unwrap();
    change("ops", "new").write_intent(&redis).await.unwrap();

    assert_eq!(
        record_overdue_changes(&redis).await.unwrap(),
        0,
        "the next write has recorded it already"
    );

    let read = page(&redis, "").await;
    assert_eq!((read.entries.len(), read.running.len()), (1, 1));
    assert_eq!(
        (
            read.entries[0].record.outcome.as_str(),
            read.entries[0].record.request_id.as_str()
        ),
        ("interrupted", "lost")
    );

    // If nobody writes or reads, the schedule does.
    let () = other.del("cache:audit:open").unwrap();
    for n in 1..=20 {
        let id = format!("{n}-1");
        let () = redis::cmd("XADD")
            .arg(&["cache:audit:open", &id, "stream", "3", "record", &json])
            .query(&mut other)
            .unwrap();
    }

    assert_eq!(record_overdue_changes(&redis).await.unwrap(), 20);
    assert_eq!(length(&mut other, "cache:audit:automatic"), 20);
}

#[tokio::test]
async fn changes_of_a_user_without_scripts_are_recorded() {
    let server = RedisServer::start();
    let mut other = trail_connection(&server);
    let () = redis::cmd("ACL")
        .arg(&["SETUSER", "default", "-@scripting"])
        .query(&mut other)
        .unwrap();
    let redis = client(&server.url(1));
    let mut record = change("ops", "r");

    assert_eq!(
        record.write_intent(&redis).await.unwrap_err().kind,
        ErrorKind::Permission
    );

    record.finish(
        Duration::ZERO,
        Err(&edge_cache_admin::Error::NotFound("x".into())),
    );
    record
        .write_outcome(&IntentId::none(), &redis)
        .await
        .unwrap();

    assert_eq!(length(&mut other, "cache:audit"), 1);
}

#[tokio::test]
async fn a_change_recorded_as_interrupted_gets_its_outcome_in_the_end() {
    let server = RedisServer::start();
    let (redis, mut other) = (client(&server.url(1)), trail_connection(&server));
    let mut long = change("ops", "long");
    let intent = long.write_intent(&redis).await.unwrap();
    // As old as an orphan: the next write moves its intent.
    let json = first_entry(&mut other, "cache:audit:open").pop().unwrap();
    let () = redis::cmd("DEL")
        .arg("cache:audit:open")
        .query(&mut other)
        .unwrap();
    let () = redis::cmd("XADD")
        .arg(&["cache:audit:open", "1-1", "stream", "1", "record", &json])
        .query(&mut other)
        .unwrap();

    for n in 0..300 {
        change(&format!("t{}", n % 3), &format!("r{n}"))
            .write_finished(&redis)
            .await
            .unwrap();
    }

    let outcomes = async |id: &str| -> Vec<AuditOutcome> {
        let entries = all(&redis).await.into_iter();
        entries
            .filter(|entry| entry.record.request_id == id)
            .map(|entry| entry.record.outcome)
            .collect()
    };
    assert_eq!(outcomes("long").await, [AuditOutcome::Interrupted]);

    let before: i64 = other.hget("cache:audit:sizes", "1").unwrap();
    long.finish(Duration::from_secs(1800), Ok(7));
    long.write_outcome(&intent, &redis).await.unwrap();

    assert_eq!(outcomes("long").await, [AuditOutcome::Ok]);
    assert_eq!(recorded(&redis).await, 301, "no other went");

    let after: i64 = other.hget("cache:audit:sizes", "1").unwrap();
    assert!((after - before).abs() < 100, "{before}, {after}");
}
