//! The audit trail on a real server.

use edge_cache::Redis;
use edge_cache::audit::{Record, Request};
use edge_cache_testing::{RedisServer, client};

#[tokio::test]
async fn records_are_read_newest_first_and_page_by_page() {
    let server = RedisServer::start();
    let redis = client(&server.url(1));
    for n in 0..25 {
        let mut record = Record::new("clear");
        record.request_id = format!("r{n}");
        record.write(&redis).await.unwrap();
    }
    let (mut ids, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = Request::parse(&format!("limit=10{cursor}")).unwrap().run(&redis).await.unwrap();
        assert_eq!(page.pagination.total, 25);
        ids.extend(page.entries.into_iter().map(|entry| entry.record.request_id));
        match page.pagination.next_cursor {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(ids, (0..25).rev().map(|n| format!("r{n}")).collect::<Vec<_>>());
}

#[tokio::test]
async fn denied_attempts_are_counted_by_client_and_recorded_up_to_a_point() {
    let server = RedisServer::start();
    let redis = client(&server.url(1));
    let mut record = Record::new("denied");
    record.ip = "1.2.3.4".into();
    for _ in 0..20 {
        assert_eq!(record.write_denied(&redis).await.unwrap(), None);
    }
    let wait = record.write_denied(&redis).await.unwrap().expect("the 21st is turned away");
    assert!(wait.as_secs() <= 60 && wait.as_millis() > 0);
    record.ip = "5.6.7.8".into();
    assert_eq!(record.write_denied(&redis).await.unwrap(), None, "another client has its own count");
    let page = Request::parse("limit=100").unwrap().run(&redis).await.unwrap();
    assert_eq!(page.pagination.total, 21);
}

async fn recorded(redis: &impl Redis) -> u64 {
    Request::parse("limit=1").unwrap().run(redis).await.unwrap().pagination.total
}

#[tokio::test]
async fn denied_attempts_from_everywhere_do_not_push_out_what_was_done() {
    let server = RedisServer::start();
    let redis = client(&server.url(1));
    let mut record = Record::new("denied");
    for n in 0..400 {
        record.ip = format!("2001:db8:{n:x}::1");
        assert_eq!(record.write_denied(&redis).await.unwrap(), None, "nobody is turned away for others");
    }
    assert_eq!(recorded(&redis).await, 300);
    (record.who, record.role) = ("known".into(), "viewer".into());
    record.write_denied(&redis).await.unwrap();
    assert_eq!(recorded(&redis).await, 301, "who is known is recorded all the same");
}

#[tokio::test]
async fn many_denied_attempts_of_one_hide_no_others() {
    let server = RedisServer::start();
    let redis = client(&server.url(1));
    let mut record = Record::new("denied");
    for who in ["-", "viewer"] {
        (record.who, record.ip) = (who.into(), "1.2.3.4".into());
        for _ in 0..400 {
            record.write_denied(&redis).await.unwrap();
        }
    }
    for who in ["-", "another"] {
        (record.who, record.ip) = (who.into(), "5.6.7.8".into());
        record.write_denied(&redis).await.unwrap();
    }
    assert_eq!(recorded(&redis).await, 20 + 20 + 2);
}
