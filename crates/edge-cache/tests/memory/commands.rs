//! Random commands have the replies that a server gives.

use edge_cache::testing::Memory;
use edge_cache_testing::RedisServer;

use crate::{comparable, in_memory, on_server};

/// Commands whose parts are made up: `K` a key, `V` a value, `F` a field, `N` a number, `P` a pattern,
/// `I` the id of a stream's entry.
const COMMANDS: &str = "
    GET K|SET K V|SET K V NX|SET K V XX|SET K V EX 1000|SET K V KEEPTTL|SET K V PX 0|SET K V GET|SET K V NX XX|SET K V EX
    MGET K K K|MSET K V K V|MSET K V K|STRLEN K|GETRANGE K N N|SETRANGE K N V|INCR K|INCRBY K N|INCRBY K V
    DEL K K|UNLINK K|EXISTS K K|TYPE K|EXPIRE K 1000|PEXPIRE K -1|EXPIRE K V|PERSIST K|TTL K|PTTL nothing|RENAME K K
    OBJECT ENCODING nothing|MEMORY USAGE nothing|KEYS P|SCAN 0 MATCH P COUNT 1000|SCAN 0 COUNT 1000 TYPE list|SCAN x
    RPUSH K V V|LPUSH K V|LLEN K|LINDEX K N|LRANGE K N N|LSET K N V
    SADD K V V|SREM K V|SCARD K|SISMEMBER K V|SMEMBERS K|SSCAN K 0 COUNT 1000
    HSET K F V|HSET K F V F|HGET K F|HMGET K F F|HDEL K F|HEXISTS K F|HLEN K|HINCRBY K F N|HGETALL K|HKEYS K|HVALS K
    ZADD K N V|ZADD K V V|ZADD K GT N V|ZADD K NX N V N V|ZADD K XX N V|ZADD K GT|ZCARD K|ZSCORE K V|ZRANGE K N N|ZRANGE K N N WITHSCORES
    XADD K I F V|XADD K MAXLEN 2 I F V|XADD K NOMKSTREAM I F V|XADD K I F|XADD K 5-* F V|XLEN K|XRANGE K - +|XRANGE K I +
    XRANGE K (I + COUNT 2|XREVRANGE K + -|XREVRANGE K + - COUNT 1|XRANGE K N N|XDEL K I|XTRIM K MAXLEN 1
    GET|GET K K|NOSUCH K|PING|PING V|DBSIZE|SELECT 0|FLUSHDB";

/// Commands whose reply has no order.
const UNORDERED: [&str; 4] = ["KEYS", "SCAN", "SMEMBERS", "SSCAN"];

struct Random(u64);

impl Random {
    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        from[(self.0 >> 33) as usize % from.len()]
    }

    fn command(&mut self, templates: &[&str]) -> Vec<Vec<u8>> {
        let template = self.pick(templates);

        let parts = template.split(' ').map(|part| match part {
            "K" => self.pick(&["a", "b", "c", "ab", "d*"]).into(),
            "V" => self
                .pick(&["x", "", "7", "-2", "a long text", "3.5"])
                .into(),
            "F" => self.pick(&["f", "g", "h"]).into(),
            "N" => self.pick(&["0", "1", "3", "-1", "-2", "5", "-9"]).into(),
            "P" => self.pick(&["*", "a*", "?", "[ab]", r"d\*", "[^a]*"]).into(),
            "I" | "(I" => {
                let id = self.pick(&["1-1", "2-1", "2-5", "3-0", "5", "x", "0-0"]);
                part.replace('I', id)
            }
            part => part.to_owned(),
        });

        parts.map(String::into_bytes).collect()
    }
}

/// Puts the names of an unordered reply into an order.
fn sorted(value: redis::Value) -> redis::Value {
    match value {
        redis::Value::Array(elements) => {
            let mut elements: Vec<_> = elements.into_iter().map(sorted).collect();
            elements.sort_by_key(|element| format!("{element:?}"));
            redis::Value::Array(elements)
        }
        other => other,
    }
}

/// Executes random commands on both, until replies differ; returns the last command and its replies.
fn find_difference(
    connection: &mut redis::Connection,
    random: &mut Random,
    templates: &[&str],
) -> Option<String> {
    let memory = Memory::new();
    redis::cmd("FLUSHALL").exec(connection).unwrap();
    let mut before = Vec::new();

    for _ in 0..40 {
        let parts = random.command(templates);
        let shown = String::from_utf8_lossy(&parts.join(&b' ')).into_owned();

        let mut expected = comparable(on_server(connection, &parts));
        let mut found = comparable(in_memory(&memory, &parts));
        if UNORDERED.iter().any(|name| shown.starts_with(name)) {
            (expected, found) = (expected.map(sorted), found.map(sorted));
        }

        if found != expected {
            let key = parts.get(1).cloned().unwrap_or_default();
            let key = String::from_utf8_lossy(&key).into_owned();
            before.retain(|earlier: &String| earlier.contains(&key));
            return Some(format!(
                "{shown}: {found:?}, on a server {expected:?}, after {before:?}"
            ));
        }
        before.push(shown);
    }
    None
}

#[test]
fn replies_are_those_of_a_server() {
    let server = RedisServer::start();
    let mut connection = server.connection();
    let templates = COMMANDS.split(['|', '\n']).map(str::trim);
    let templates: Vec<&str> = templates.filter(|template| !template.is_empty()).collect();
    let mut random = Random(7);

    let differences: Vec<String> = (0..400)
        .filter_map(|_| find_difference(&mut connection, &mut random, &templates))
        .collect();

    assert!(differences.is_empty(), "{differences:#?}");
}

#[test]
fn steps_through_many_keys_find_each_once() {
    let memory = Memory::new();
    for number in 0..1000 {
        memory.set_foreign(&format!("k:{number}"), "1", None);
    }

    let (mut cursor, mut names) = (b"0".to_vec(), Vec::new());
    loop {
        let scan = [b"SCAN".to_vec(), cursor, b"MATCH".to_vec(), b"k:*".to_vec()];
        let reply = in_memory(&memory, &scan).unwrap();
        let (next, some): (Vec<u8>, Vec<String>) = redis::from_redis_value(&reply).unwrap();
        names.extend(some);
        cursor = next;
        if cursor == b"0" {
            break;
        }
    }

    names.sort();
    names.dedup();
    assert_eq!(names.len(), 1000);
}
