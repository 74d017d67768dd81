//! `spin:redis` against a real server.

use crate::support::{Application, Host, RedisServer};

#[test]
fn every_function_returns_what_spin_returns() {
    let redis = RedisServer::start();
    let host = redis.application().start();
    let expected = "\
set: Ok(())
get: Ok(Some([0, 255]))
get none: Ok(None)
incr: Ok(1)
incr: Ok(2)
incr text: Err(Error::Other(\"An error was signalled by the server - ResponseError: value is not an integer or out of range\"))
del: Ok(1)
sadd: Ok(2)
sadd: Ok(0)
sadd number: Err(Error::Other(\"WRONGTYPE: Operation against a key holding the wrong kind of value\"))
srem: Ok(1)
smembers: Ok([\"a\"])
smembers number: Err(Error::Other(\"WRONGTYPE: Operation against a key holding the wrong kind of value\"))
publish: Ok(())
get set: Err(Error::Other(\"WRONGTYPE: Operation against a key holding the wrong kind of value\"))";

    assert_eq!(host.get("/redis"), expected);
}

#[test]
fn the_interface_of_spin_2_has_the_same_functions() {
    let redis = RedisServer::start();
    let host = redis.application().start();
    let expected = "\
set: Ok(())
get: Ok(Some([0, 255]))
get none: Ok(None)
incr: Ok(1)
incr text: Err(Error::Other(\"An error was signalled by the server - ResponseError: value is not an integer or out of range\"))
del: Ok(1)
sadd: Ok(2)
sadd number: Err(Error::Other(\"WRONGTYPE: Operation against a key holding the wrong kind of value\"))
srem: Ok(1)
smembers: Ok([\"a\"])
publish: Ok(())
execute: Ok([RedisResult::Int64(1), RedisResult::Status(\"fine\"), RedisResult::Binary([120]), RedisResult::Nil])";

    assert_eq!(host.get("/redis/synchronous"), expected);
    assert_eq!(
        host.get("/redis/synchronous/open?redis://10.0.0.1:6379"),
        "Error::InvalidAddress"
    );
}

/// The replies to the guest's commands, one `command => reply` a line.
struct Replies(String);

impl Replies {
    fn read(host: &Host) -> Self {
        Self(host.get("/redis/replies"))
    }

    fn of(&self, command: &str) -> &str {
        self.0
            .lines()
            .find_map(|line| line.strip_prefix(command)?.strip_prefix(" => "))
            .unwrap_or_else(|| panic!("{command} in {}", self.0))
    }
}

#[test]
fn nested_replies_are_flattened() {
    let redis = RedisServer::start();
    let replies = Replies::read(&redis.application().start());
    for (command, expected) in [
        ("PING", "[status PONG]"),
        ("GET none", "[nil]"),
        ("SET a 1", "[status OK]"),
        ("GET a", "[binary 1]"),
        ("INCRBY a 5", "[int 6]"),
        (
            "EVAL return{1,{2,{'x',false}},{}} 0",
            "[int 1, int 2, binary x, nil]",
        ),
        ("EVAL return{ok='fine'} 0", "[status fine]"),
    ] {
        assert_eq!(replies.of(command), expected, "{command}");
    }
}

#[test]
fn errors_and_maps_are_errors() {
    let redis = RedisServer::start();
    let replies = Replies::read(&redis.application().start());
    for (command, expected) in [
        ("EVAL return{err='bad'} 0", "bad"),
        ("EVAL return{1,{err='inner'}} 0", "inner"),
        ("NOSUCH command", "unknown command"),
        ("HELLO 3", "Redis Map type is not supported"),
        ("HGETALL h", "Redis Map type is not supported"),
        (
            "EVAL redis.setresp(3);return{map={a=1}} 0",
            "Redis Map type is not supported",
        ),
    ] {
        let reply = replies.of(command);
        assert!(reply.starts_with("Error::Other("), "{command}: {reply}");
        assert!(reply.contains(expected), "{command}: {reply}");
    }
}

#[test]
fn the_other_types_of_resp3_are_converted() {
    let redis = RedisServer::start();
    let replies = Replies::read(&redis.application().start());
    for (command, expected) in [
        ("ZSCORE z m", "[binary 1.5]"),
        ("SMEMBERS set", "[binary x]"),
        ("EVAL redis.setresp(3);return{double=2.5} 0", "[binary 2.5]"),
        ("EVAL redis.setresp(3);return{true} 0", "[int 1]"),
    ] {
        assert_eq!(replies.of(command), expected, "{command}");
    }
}

#[test]
fn concurrent_commands_receive_their_own_replies() {
    let redis = RedisServer::start();
    let host = redis.application().start();
    assert_eq!(host.get("/redis/parallel"), "100");
}

#[test]
fn a_forbidden_address_is_invalid_and_the_log_explains_how_to_allow_it() {
    let redis = RedisServer::start();
    let host = redis.application().start();
    assert_eq!(host.get(&format!("/redis/open?{}", redis.url)), "open");

    for address in [
        "redis://10.0.0.1:6379",
        "http://127.0.0.1:1",
        "nonsense::",
        "",
    ] {
        let error = host.get(&format!("/redis/open?{address}"));
        assert_eq!(error, "Error::InvalidAddress", "{address}");
    }

    let line = host.wait_for_log("redis://10.0.0.1:6379");
    assert!(line.contains("component `guest`"), "{line}");
    assert!(line.contains("allowed_outbound_hosts"), "{line}");
}

#[test]
fn unix_sockets_are_never_allowed() {
    let host = Application::with("allowed_outbound_hosts = ['*://*:*']").start();
    for address in [
        "unix:/run/redis.sock",
        "unix:///run/redis.sock",
        "redis+unix:///run/redis.sock",
    ] {
        let error = host.get(&format!("/redis/open?{address}"));
        assert_eq!(error, "Error::InvalidAddress", "{address}");
    }
}

#[test]
fn an_allowed_address_without_a_server_is_a_connection_error() {
    let host = Application::with("allowed_outbound_hosts = ['redis://127.0.0.1:1']").start();
    let error = host.get("/redis/open?redis://127.0.0.1:1");
    assert!(error.starts_with("Error::Other("), "{error}");
    assert!(error.contains("Connection refused"), "{error}");
}

#[test]
fn an_instance_can_open_1024_connections() {
    let redis = RedisServer::start();
    let host = redis.application().start();
    assert_eq!(
        host.get("/redis/many"),
        "1024 then Error::TooManyConnections, after closing one: true"
    );
}

#[test]
fn a_server_that_goes_away_is_an_error_instead_of_a_trap() {
    let redis = RedisServer::start();
    let host = redis.application().start();
    assert_eq!(host.get("/ping"), "[status PONG]");

    drop(redis);

    let error = host.get("/ping");
    assert!(error.starts_with("error: Error::Other("), "{error}");
}
