//! Denied attempts.

use edge_cache_admin::admin::audit::{AuditOutcome, AuditRecord};
use edge_cache_testing::{RedisServer, client};
use redis::Commands;

use crate::{page, recorded, trail_connection};

#[tokio::test]
async fn denied_attempts_are_counted_by_client_and_recorded_up_to_a_quota() {
    let server = RedisServer::start();
    let redis = client(&server.url(1));
    let mut record = AuditRecord::new("denied");
    record.ip = "1.2.3.4".into();

    for _ in 0..20 {
        assert_eq!(record.write_denied(0, &redis).await.unwrap(), None);
    }

    let wait = record
        .write_denied(0, &redis)
        .await
        .unwrap()
        .expect("the 21st attempt is limited");
    assert!(wait.as_secs() <= 60 && wait.as_millis() > 0);

    record.ip = "5.6.7.8".into();
    assert_eq!(
        record.write_denied(0, &redis).await.unwrap(),
        None,
        "another client has its own count"
    );
    assert_eq!(recorded(&redis).await, 21);
}

#[tokio::test]
async fn denied_attempts_from_everywhere_do_not_push_out_changes() {
    let server = RedisServer::start();
    let redis = client(&server.url(1));

    let mut record = AuditRecord::new("denied");
    for n in 0..400 {
        record.ip = format!("2001:db8:{n:x}::1");
        assert_eq!(
            record.write_denied(0, &redis).await.unwrap(),
            None,
            "attempts of others do not limit a client"
        );
    }

    assert_eq!(recorded(&redis).await, 300);

    (record.who, record.role) = ("known".into(), "viewer".into());
    record.write_denied(0, &redis).await.unwrap();
    assert_eq!(
        recorded(&redis).await,
        301,
        "an attempt with a known token is still recorded"
    );
}

#[tokio::test]
async fn many_denied_attempts_of_one_client_do_not_hide_others() {
    let server = RedisServer::start();
    let redis = client(&server.url(1));

    let mut record = AuditRecord::new("denied");
    for who in ["-", "viewer"] {
        (record.who, record.ip) = (who.into(), "1.2.3.4".into());
        for _ in 0..400 {
            record.write_denied(0, &redis).await.unwrap();
        }
    }

    for who in ["-", "another"] {
        (record.who, record.ip) = (who.into(), "5.6.7.8".into());
        record.write_denied(0, &redis).await.unwrap();
    }
    assert_eq!(recorded(&redis).await, 20 + 20 + 2);

    let sums: Vec<String> = trail_connection(&server).hvals("cache:audit:sums").unwrap();
    let counts: Vec<&str> = sums
        .iter()
        .map(|sum| sum.split(' ').nth(1).unwrap())
        .collect();

    assert_eq!(counts, ["380"; 2]);
}

#[tokio::test]
async fn a_flood_from_one_client_does_not_count_against_the_next() {
    let server = RedisServer::start();
    let (redis, mut other) = (client(&server.url(1)), trail_connection(&server));
    let mut record = AuditRecord::new("denied");
    (record.ip, record.outcome) = ("5.6.7.8".into(), AuditOutcome::Denied);

    assert_eq!(
        record.write_denied(30, &redis).await.unwrap(),
        None,
        "its first mistake"
    );

    let entry = &page(&redis, "").await.entries[0].record;
    assert_eq!(
        (entry.ip.as_str(), entry.outcome),
        ("5.6.7.8", AuditOutcome::Denied)
    );

    let sum: String = other.hget("cache:audit:sums", "2|-|turned-away").unwrap();
    assert!(
        sum.starts_with("2 30 0 0 ") && !sum.contains("5.6.7.8"),
        "{sum}"
    );
    assert_eq!(
        other
            .hget::<_, _, u64>("cache:counters", "changes:denied/denied")
            .unwrap(),
        31,
        "all are counted"
    );
}
