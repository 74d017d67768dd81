//! Scripts have the replies that a server gives.

use edge_cache::ErrorKind;
use edge_cache::testing::Memory;
use edge_cache_testing::RedisServer;

use crate::{comparable, in_memory, on_server};

/// Scripts with the keys `k`, a string, and `s`, a set, and one argument.
const SCRIPTS: [&str; 27] = [
    "return",
    "return nil",
    "return true",
    "return false",
    "return 3.99",
    "return -3.99",
    "return '3.99'",
    "return { 1, 'two', { 3, false, 4 }, true }",
    "return { 1, nil, 3 }",
    "return { ok = 'FINE' }",
    "return { err = 'BAD news' }",
    "return redis.error_reply('BAD news')",
    "return redis.status_reply('FINE')",
    "return redis.call('GET', KEYS[1])",
    "return redis.call('GET', 'nothing') == false",
    "return type(redis.call('TYPE', KEYS[1])) .. redis.call('TYPE', KEYS[1]).ok",
    "return redis.call('GET', KEYS[2])",
    "return redis.pcall('GET', KEYS[2]).err",
    "return { redis.pcall('GET', KEYS[2]), 1 }",
    "redis.call('INCRBY', 'n', 5) return redis.call('GET', 'n')",
    "redis.call('SET', 'n', 2 ^ 40) return redis.call('GET', 'n')",
    "redis.call('SET', 'n', 0.1) return redis.call('GET', 'n')",
    "return redis.call('SET', 'n')",
    "return redis.call('SET', 'n', {})",
    "return redis.sha1hex('abc')",
    "return { cmsgpack.unpack(cmsgpack.pack('a', 1, -300, 70000)) }",
    "return { #KEYS, #ARGV, ARGV[1], unpack(KEYS) }",
];

fn words(words: &[&str]) -> Vec<Vec<u8>> {
    words.iter().map(|word| word.as_bytes().to_vec()).collect()
}

#[test]
fn replies_of_scripts_are_those_of_a_server() {
    let server = RedisServer::start();
    let mut connection = server.connection();
    let memory = Memory::new();
    for command in [["SET", "k", "v"], ["SADD", "s", "m"]] {
        on_server(&mut connection, &words(&command)).unwrap();
        in_memory(&memory, &words(&command)).unwrap();
    }

    for script in SCRIPTS {
        let command = words(&["EVAL", script, "2", "k", "s", "argument"]);

        let expected = comparable(on_server(&mut connection, &command));
        let found = comparable(in_memory(&memory, &command));

        assert_eq!(found, expected, "{script}");
    }
}

#[test]
fn numbers_are_packed_as_on_a_server() {
    let server = RedisServer::start();
    let script = "return cmsgpack.pack('', 'a', 0, 127, 128, -1, -33, 65536, 1.5, 0.1, true, nil)";
    let command = words(&["EVAL", script, "0"]);

    let expected = on_server(&mut server.connection(), &command).unwrap();

    assert_eq!(in_memory(&Memory::new(), &command).unwrap(), expected);
}

#[test]
fn a_script_is_known_by_its_hash_once_it_has_run() {
    let memory = Memory::new();
    let hash = "e0e1f9fabfc9d4800c877a703b823ac0578ff8db";

    let unknown = memory.command(&["EVALSHA", hash, "0"]).unwrap_err();
    assert_eq!(unknown.kind, ErrorKind::NoScript);

    memory.command(&["EVAL", "return 1", "0"]).unwrap();
    assert!(memory.command(&["EVALSHA", hash, "0"]).is_ok());
}

#[test]
fn the_error_of_a_script_has_its_place() {
    let memory = Memory::new();
    memory.set_foreign("k", "1", None);

    let script = "local first = 1\nredis.call('SCARD', 'k')";
    let error = memory.command(&["EVAL", script, "0"]).unwrap_err();

    assert_eq!(error.kind, ErrorKind::WrongType);
    assert!(error.message.ends_with("on @user_script:2."), "{error}");
}
