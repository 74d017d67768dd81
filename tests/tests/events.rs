//! Messages of the Redis channel of domain events.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

use std::thread::sleep;
use std::time::{Duration, Instant};

use end_to_end::{RedisServer, Subscriber, is_spin};
use redis::{Commands, Connection};

/// Waits until a condition holds, for as long as a host may take to compile and subscribe.
fn wait_until(subscriber: &Subscriber, event: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(120);
    while !condition() {
        assert!(
            Instant::now() < deadline,
            "{event} did not happen:\n{}",
            subscriber.log()
        );
        sleep(Duration::from_millis(20));
    }
}

fn wait_for_subscription(subscriber: &Subscriber, redis: &mut Connection) {
    wait_until(subscriber, "the subscription", || {
        let (_, listeners): (String, u32) = redis::cmd("PUBSUB")
            .arg(&["NUMSUB", "cache:events"])
            .query(redis)
            .unwrap();
        listeners == 1
    });
}

fn subscribed() -> (RedisServer, Subscriber, Connection) {
    let server = RedisServer::start();
    let subscriber = Subscriber::start(&server);
    let mut redis = server.connection();
    wait_for_subscription(&subscriber, &mut redis);
    (server, subscriber, redis)
}

fn send(redis: &mut Connection, message: &str) {
    let () = redis.publish("cache:events", message).unwrap();
}

#[test]
fn a_message_invalidates_the_keys_of_its_rules() {
    let (_server, subscriber, mut redis) = subscribed();
    let () = redis
        .mset(&[("users:7:profile", 1), ("users:70:profile", 1)])
        .unwrap();
    send(&mut redis, r#"{"type":"user.updated","id":7}"#);
    wait_until(&subscriber, "the invalidation", || {
        !redis.exists::<_, bool>("users:7:profile").unwrap()
    });

    assert!(redis.exists::<_, bool>("users:70:profile").unwrap());

    let () = redis::cmd("SELECT").arg(1).query(&mut redis).unwrap();
    wait_until(&subscriber, "the record", || {
        redis.xlen::<_, u64>("cache:audit:automatic").unwrap() == 1
    });
    let trail: redis::streams::StreamRangeReply =
        redis.xrange_all("cache:audit:automatic").unwrap();
    let record: String = trail.ids[0].get("record").unwrap();
    let record: serde_json::Value = serde_json::from_str(&record).unwrap();

    assert_eq!(record["who"], "channel");
    assert_eq!(record["action"], "event");
    assert_eq!(record["outcome"], "ok");
    assert_eq!(record["detail"], "user.updated");
    assert_eq!(record["patterns"][0], "users:7:*");
}

#[test]
fn many_messages_do_not_displace_other_audit_records() {
    let (_server, subscriber, mut redis) = subscribed();
    for id in 0..400 {
        send(
            &mut redis,
            &format!(r#"{{"type":"user.updated-{id}","id":{id}}}"#),
        );
    }

    wait_until(&subscriber, "the last", || {
        redis
            .hget::<_, _, Option<u32>>("cache:events", "handled")
            .unwrap()
            == Some(400)
    });
    let () = redis::cmd("SELECT").arg(1).query(&mut redis).unwrap();
    let counted = "changes:event/ok";
    wait_until(&subscriber, "the count", || {
        redis
            .hget::<_, _, Option<u32>>("cache:counters", counted)
            .unwrap()
            == Some(400)
    });

    assert_eq!(redis.xlen::<_, u64>("cache:audit:automatic").unwrap(), 300);
}

#[test]
fn a_malformed_message_is_counted_and_the_next_is_handled() {
    let (_server, subscriber, mut redis) = subscribed();
    for message in [
        "{",
        "[]",
        r#"{"type":"unknown"}"#,
        r#"{"type":"stock.changed","type":"stock.changed"}"#,
        "\u{fffd}",
    ] {
        send(&mut redis, message);
    }
    let () = redis.set("stock:1", 1).unwrap();
    send(&mut redis, r#"{"type":"stock.changed"}"#);
    wait_until(&subscriber, "the invalidation", || {
        !redis.exists::<_, bool>("stock:1").unwrap()
    });
    let refused: u32 = redis.hget("cache:events", "refused").unwrap();

    assert_eq!(refused, 5);
}

fn command(redis: &mut Connection, words: &[&str]) {
    let (name, arguments) = words.split_first().unwrap();
    let _: redis::Value = redis::cmd(name).arg(arguments).query(redis).unwrap();
}

fn logs(subscriber: &Subscriber, parts: &[&str]) -> bool {
    subscriber
        .log()
        .lines()
        .any(|line| parts.iter().all(|part| line.contains(part)))
}

#[test]
fn a_failed_message_is_recorded_and_the_next_is_handled() {
    let (server, subscriber, mut redis) = subscribed();
    let () = redis
        .mset(&[("users:7:profile", 1), ("stock:1", 1)])
        .unwrap();
    command(&mut redis, &["ACL", "SETUSER", "default", "-@scripting"]);
    send(&mut redis, r#"{"type":"user.updated","id":7}"#);
    let mut trail = server.connection();
    command(&mut trail, &["SELECT", "1"]);
    wait_until(&subscriber, "the record", || {
        trail.xlen::<_, u64>("cache:audit:automatic").unwrap() == 1
    });
    let records: redis::streams::StreamRangeReply =
        trail.xrange_all("cache:audit:automatic").unwrap();
    let record: serde_json::Value =
        serde_json::from_str(&records.ids[0].get::<String>("record").unwrap()).unwrap();

    assert_eq!(record["who"], "channel", "{record:#}");
    assert_eq!(record["outcome"], "failed", "{record:#}");
    assert!(
        record["error"].as_str().unwrap().contains("NOPERM"),
        "{record:#}"
    );

    wait_until(&subscriber, "the line", || {
        logs(&subscriber, &["event.failed", "NOPERM"])
    });
    assert!(redis.exists::<_, bool>("users:7:profile").unwrap());

    command(&mut redis, &["ACL", "SETUSER", "default", "+@all"]);
    send(&mut redis, r#"{"type":"stock.changed"}"#);
    wait_until(&subscriber, "the invalidation", || {
        !redis.exists::<_, bool>("stock:1").unwrap()
    });
}

#[test]
fn a_failed_message_is_logged_if_the_trail_cannot_be_written() {
    let (_server, subscriber, mut redis) = subscribed();
    let () = redis
        .mset(&[("users:7:profile", 1), ("stock:1", 1)])
        .unwrap();
    command(&mut redis, &["REPLICAOF", "127.0.0.1", "1"]);
    send(&mut redis, r#"{"type":"user.updated","id":7}"#);
    let record = [
        "audit.failed",
        "the record",
        "channel",
        "failed",
        "users:7:*",
    ];

    wait_until(&subscriber, "the record", || logs(&subscriber, &record));
    wait_until(&subscriber, "the line", || {
        logs(&subscriber, &["event.failed", "replica"])
    });
    command(&mut redis, &["REPLICAOF", "NO", "ONE"]);
    send(&mut redis, r#"{"type":"stock.changed"}"#);
    wait_until(&subscriber, "the invalidation", || {
        !redis.exists::<_, bool>("stock:1").unwrap()
    });
}

#[test]
fn the_local_host_subscribes_again_when_redis_returns() {
    if is_spin() {
        eprintln!(
            "not run: Spin's trigger ends with its connection, and a supervisor must start it again"
        );
        return;
    }

    let mut server = RedisServer::start();
    let subscriber = Subscriber::start(&server);
    wait_for_subscription(&subscriber, &mut server.connection());
    server.kill();
    server.launch();
    let mut redis = server.connection();
    wait_for_subscription(&subscriber, &mut redis);
    let () = redis.set("stock:1", 1).unwrap();
    send(&mut redis, r#"{"type":"stock.changed"}"#);
    wait_until(&subscriber, "the invalidation", || {
        !redis.exists::<_, bool>("stock:1").unwrap()
    });
}
