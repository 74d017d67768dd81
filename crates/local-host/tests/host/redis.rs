//! `spin:redis` against a real server.

use crate::support::{Application, RedisServer};

#[test]
fn every_function_answers_as_in_spin() {
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
fn nested_replies_are_flattened_and_maps_refused() {
    let redis = RedisServer::start();
    let host = redis.application().start();
    let text = host.get("/redis/replies");
    let reply = |command: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(command)?.strip_prefix(" => "));
        line.unwrap_or_else(|| panic!("{command} in {text}")).to_owned()
    };
    for (command, expected) in [
        ("PING", "[status PONG]"),
        ("GET none", "[nil]"),
        ("SET a 1", "[status OK]"),
        ("GET a", "[binary 1]"),
        ("INCRBY a 5", "[int 6]"),
        ("EVAL return{1,{2,{'x',false}},{}} 0", "[int 1, int 2, binary x, nil]"),
        ("EVAL return{ok='fine'} 0", "[status fine]"),
    ] {
        assert_eq!(reply(command), expected, "{command}");
    }
    for (command, says) in [
        ("EVAL return{err='bad'} 0", "bad"),
        ("EVAL return{1,{err='inner'}} 0", "inner"),
        ("NOSUCH command", "unknown command"),
        ("HELLO 3", "Redis Map type is not supported"),
        ("HGETALL h", "Redis Map type is not supported"),
        ("EVAL redis.setresp(3);return{map={a=1}} 0", "Redis Map type is not supported"),
    ] {
        let text = reply(command);
        assert!(text.starts_with("Error::Other(") && text.contains(says), "{command}: {text}");
    }
    // From here on the connection speaks RESP3, whose other kinds have a place in the interface.
    for (command, expected) in [
        ("ZSCORE z m", "[binary 1.5]"),
        ("SMEMBERS set", "[binary x]"),
        ("EVAL redis.setresp(3);return{double=2.5} 0", "[binary 2.5]"),
        ("EVAL redis.setresp(3);return{true} 0", "[int 1]"),
    ] {
        assert_eq!(reply(command), expected, "{command}");
    }
}

#[test]
fn commands_at_the_same_time_get_their_own_replies() {
    let redis = RedisServer::start();
    let host = redis.application().start();
    assert_eq!(host.get("/redis/parallel"), "100");
}

#[test]
fn a_forbidden_address_is_an_invalid_one_and_the_log_says_how_to_allow_it() {
    let redis = RedisServer::start();
    let host = redis.application().start();
    assert_eq!(host.get(&format!("/redis/open?{}", redis.url)), "open");
    for address in ["redis://10.0.0.1:6379", "http://127.0.0.1:1", "nonsense::", ""] {
        assert_eq!(host.get(&format!("/redis/open?{address}")), "Error::InvalidAddress", "{address}");
    }
    let line = host.logs("redis://10.0.0.1:6379");
    assert!(line.contains("component `guest`") && line.contains("allowed_outbound_hosts"), "{line}");
}

#[test]
fn no_entry_allows_a_unix_socket() {
    let host = Application::with("allowed_outbound_hosts = ['*://*:*']").start();
    for address in ["unix:/run/redis.sock", "unix:///run/redis.sock", "redis+unix:///run/redis.sock"] {
        assert_eq!(host.get(&format!("/redis/open?{address}")), "Error::InvalidAddress", "{address}");
    }
}

#[test]
fn an_allowed_address_nobody_listens_on_is_another_error() {
    let host = Application::with("allowed_outbound_hosts = ['redis://127.0.0.1:1']").start();
    let text = host.get("/redis/open?redis://127.0.0.1:1");
    assert!(text.starts_with("Error::Other(") && text.contains("Connection refused"), "{text}");
}

#[test]
fn an_instance_may_hold_1024_connections() {
    let redis = RedisServer::start();
    let host = redis.application().start();
    assert_eq!(host.get("/redis/many"), "1024 then Error::TooManyConnections, after closing one: true");
}

#[test]
fn a_server_that_goes_away_is_an_error_and_no_trap() {
    let redis = RedisServer::start();
    let host = redis.application().start();
    assert_eq!(host.get("/ping"), "[status PONG]");
    drop(redis);
    assert!(host.get("/ping").starts_with("error: Error::Other("));
}
