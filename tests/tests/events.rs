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

/// The audit records of automatic changes, oldest first, from the database that is selected.
fn automatic_records(redis: &mut Connection) -> Vec<serde_json::Value> {
    let trail: redis::streams::StreamRangeReply =
        redis.xrange_all("cache:audit:automatic").unwrap();
    let read = |entry: &redis::streams::StreamId| {
        serde_json::from_str(&entry.get::<String>("record").unwrap()).unwrap()
    };
    trail.ids.iter().map(read).collect()
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
    wait_until(&subscriber, "the records", || {
        automatic_records(&mut redis).len() == 2
    });
    let records = automatic_records(&mut redis);
    let record = &records[0];

    assert_eq!(record["who"], "channel");
    assert_eq!(record["action"], "event");
    assert_eq!(record["outcome"], "ok");
    assert_eq!(record["detail"], "user.updated");
    assert_eq!(record["patterns"][0], "users:7:*");

    let removal = &records[1];
    assert_eq!(removal["action"], "event-removal");
    assert_eq!(removal["outcome"], "ok");
    assert_eq!(removal["keysDeleted"], 1);
    assert_eq!(removal["patterns"][0], "users:7:*");
}

#[test]
fn one_walk_removes_the_keys_of_many_messages() {
    let (_server, subscriber, mut redis) = subscribed();
    let others = (0..100_000).map(|id| format!("orders:{id}"));
    let users = (0..200).map(|id| format!("users:{id}:profile"));
    let names: Vec<String> = others.chain(users).collect();
    for names in names.chunks(10_000) {
        let values: Vec<(&String, u8)> = names.iter().map(|name| (name, 1)).collect();
        let () = redis.mset(&values).unwrap();
    }

    let mut messages = redis::pipe();
    for id in 0..100 {
        let message = format!(r#"{{"type":"user.updated","id":{id}}}"#);
        messages.publish("cache:events", message);
    }
    let () = messages.query(&mut redis).unwrap();
    wait_until(&subscriber, "the removal", || {
        redis.hlen::<_, u64>("cache:{removals}:patterns").unwrap() == 0
            && redis
                .hget::<_, _, Option<u32>>("cache:events", "handled")
                .unwrap()
                == Some(100)
    });

    let left: u64 = redis::cmd("DBSIZE").query(&mut redis).unwrap();
    assert!((100_100..100_110).contains(&left), "{left} keys are left");
    assert!(redis.exists::<_, bool>("users:100:profile").unwrap());

    let () = redis::cmd("SELECT").arg(1).query(&mut redis).unwrap();
    let removals = |redis: &mut Connection| -> Vec<serde_json::Value> {
        let records = automatic_records(redis).into_iter();
        records
            .filter(|record| record["action"] == "event-removal")
            .collect()
    };
    let deleted = |removals: &[serde_json::Value]| -> u64 {
        removals
            .iter()
            .filter_map(|record| record["keysDeleted"].as_u64())
            .sum()
    };
    wait_until(&subscriber, "the record", || {
        deleted(&removals(&mut redis)) == 100
    });
    assert!(
        removals(&mut redis).len() <= 2,
        "{:#?}",
        removals(&mut redis)
    );
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
    let record = &automatic_records(&mut trail)[0];

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
