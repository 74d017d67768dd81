//! Messages of the Redis channel of domain events.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::thread::sleep;
use std::time::{Duration, Instant};

use end_to_end::{RedisServer, Subscriber, is_spin};
use redis::{Commands, Connection};

/// Looks again until it is so, for as long as a host may take to compile and subscribe.
fn eventually(subscriber: &Subscriber, what: &str, mut so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(120);
    while !so() {
        assert!(Instant::now() < deadline, "{what} did not come:\n{}", subscriber.log());
        sleep(Duration::from_millis(20));
    }
}

fn await_subscription(subscriber: &Subscriber, redis: &mut Connection) {
    eventually(subscriber, "the subscription", || {
        let (_, listeners): (String, u32) = redis::cmd("PUBSUB").arg(&["NUMSUB", "cache:events"]).query(redis).unwrap();
        listeners == 1
    });
}

fn subscribed() -> (RedisServer, Subscriber, Connection) {
    let server = RedisServer::start();
    let subscriber = Subscriber::start(&server);
    let mut redis = server.connection();
    await_subscription(&subscriber, &mut redis);
    (server, subscriber, redis)
}

fn send(redis: &mut Connection, message: &str) {
    let () = redis.publish("cache:events", message).unwrap();
}

#[test]
fn a_message_invalidates_what_its_rules_name() {
    let (_server, subscriber, mut redis) = subscribed();
    let () = redis.mset(&[("users:7:profile", 1), ("users:70:profile", 1)]).unwrap();
    send(&mut redis, r#"{"type":"user.updated","id":7}"#);
    eventually(&subscriber, "the invalidation", || !redis.exists::<_, bool>("users:7:profile").unwrap());
    assert!(redis.exists::<_, bool>("users:70:profile").unwrap());
    let () = redis::cmd("SELECT").arg(1).query(&mut redis).unwrap();
    eventually(&subscriber, "the record", || redis.xlen::<_, u64>("cache:audit").unwrap() == 1);
    let trail: redis::streams::StreamRangeReply = redis.xrange_all("cache:audit").unwrap();
    let record: String = trail.ids[0].get("record").unwrap();
    let record: serde_json::Value = serde_json::from_str(&record).unwrap();
    assert_eq!(
        (&record["who"], &record["action"], &record["outcome"]),
        (&"channel".into(), &"event".into(), &"ok".into())
    );
    assert_eq!((&record["detail"], &record["patterns"][0]), (&"user.updated".into(), &"users:7:*".into()));
}

#[test]
fn many_messages_do_not_push_what_people_did_out_of_the_trail() {
    let (_server, subscriber, mut redis) = subscribed();
    for id in 0..400 {
        send(&mut redis, &format!(r#"{{"type":"user.updated-{id}","id":{id}}}"#));
    }
    eventually(&subscriber, "the last", || {
        redis.hget::<_, _, Option<u32>>("cache:events", "handled").unwrap() == Some(400)
    });
    let () = redis::cmd("SELECT").arg(1).query(&mut redis).unwrap();
    let counted = "changes:event/ok";
    eventually(&subscriber, "the count", || {
        redis.hget::<_, _, Option<u32>>("cache:counters", counted).unwrap() == Some(400)
    });
    assert_eq!(redis.xlen::<_, u64>("cache:audit").unwrap(), 300);
}

#[test]
fn a_malformed_message_is_counted_and_the_next_is_handled() {
    let (_server, subscriber, mut redis) = subscribed();
    for message in ["{", "[]", r#"{"type":"unknown"}"#, "\u{fffd}"] {
        send(&mut redis, message);
    }
    let () = redis.set("stock:1", 1).unwrap();
    send(&mut redis, r#"{"type":"stock.changed"}"#);
    eventually(&subscriber, "the invalidation", || !redis.exists::<_, bool>("stock:1").unwrap());
    let refused: u32 = redis.hget("cache:events", "refused").unwrap();
    assert_eq!(refused, 4);
}

fn command(redis: &mut Connection, words: &[&str]) {
    let (name, arguments) = words.split_first().unwrap();
    let _: redis::Value = redis::cmd(name).arg(arguments).query(redis).unwrap();
}

fn logs(subscriber: &Subscriber, parts: &[&str]) -> bool {
    subscriber.log().lines().any(|line| parts.iter().all(|part| line.contains(part)))
}

#[test]
fn a_message_that_fails_is_in_the_trail_as_failed_and_the_next_is_handled() {
    let (server, subscriber, mut redis) = subscribed();
    let () = redis.mset(&[("users:7:profile", 1), ("stock:1", 1)]).unwrap();
    command(&mut redis, &["ACL", "SETUSER", "default", "-@scripting"]);
    send(&mut redis, r#"{"type":"user.updated","id":7}"#);
    let mut trail = server.connection();
    command(&mut trail, &["SELECT", "1"]);
    eventually(&subscriber, "the record", || trail.xlen::<_, u64>("cache:audit").unwrap() == 1);
    let records: redis::streams::StreamRangeReply = trail.xrange_all("cache:audit").unwrap();
    let record: serde_json::Value = serde_json::from_str(&records.ids[0].get::<String>("record").unwrap()).unwrap();
    assert_eq!((&record["who"], &record["outcome"]), (&"channel".into(), &"failed".into()), "{record:#}");
    assert!(record["error"].as_str().unwrap().contains("NOPERM"), "{record:#}");
    eventually(&subscriber, "the line", || logs(&subscriber, &["event.failed", "NOPERM"]));
    assert!(redis.exists::<_, bool>("users:7:profile").unwrap());
    command(&mut redis, &["ACL", "SETUSER", "default", "+@all"]);
    send(&mut redis, r#"{"type":"stock.changed"}"#);
    eventually(&subscriber, "the invalidation", || !redis.exists::<_, bool>("stock:1").unwrap());
}

#[test]
fn a_message_that_fails_while_the_trail_cannot_be_written_is_in_the_log() {
    let (_server, subscriber, mut redis) = subscribed();
    let () = redis.mset(&[("users:7:profile", 1), ("stock:1", 1)]).unwrap();
    command(&mut redis, &["REPLICAOF", "127.0.0.1", "1"]);
    send(&mut redis, r#"{"type":"user.updated","id":7}"#);
    let record = ["audit.failed", "the record", "channel", "failed", "users:7:*"];
    eventually(&subscriber, "the record", || logs(&subscriber, &record));
    eventually(&subscriber, "the line", || logs(&subscriber, &["event.failed", "replica"]));
    command(&mut redis, &["REPLICAOF", "NO", "ONE"]);
    send(&mut redis, r#"{"type":"stock.changed"}"#);
    eventually(&subscriber, "the invalidation", || !redis.exists::<_, bool>("stock:1").unwrap());
}

#[test]
fn the_local_host_subscribes_again_when_redis_comes_back() {
    if is_spin() {
        eprintln!("not run: Spin's trigger ends with its connection, and whoever runs it starts it again");
        return;
    }
    let mut server = RedisServer::start();
    let subscriber = Subscriber::start(&server);
    await_subscription(&subscriber, &mut server.connection());
    server.kill();
    server.launch();
    let mut redis = server.connection();
    await_subscription(&subscriber, &mut redis);
    let () = redis.set("stock:1", 1).unwrap();
    send(&mut redis, r#"{"type":"stock.changed"}"#);
    eventually(&subscriber, "the invalidation", || !redis.exists::<_, bool>("stock:1").unwrap());
}
