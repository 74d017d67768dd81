//! A restricted server refuses what its rules say, and passes the rest.

use std::collections::BTreeSet;

use edge_cache_testing::{Proxy, RedisServer, Restrictions, SelectRule, ServerKind, SlotRule};
use redis::{Connection, RedisResult, Value};

/// A script that reads its first key.
const READ_DECLARED: &str = "return redis.call('GET', KEYS[1])";
/// A script that reads its first argument, which is not declared.
const READ_UNDECLARED: &str = "return redis.call('GET', ARGV[1])";

/// A restricted server with a connection.
struct Restricted {
    connection: Connection,
    proxy: Proxy,
    server: RedisServer,
}

impl Restricted {
    fn of(kind: ServerKind, restrictions: Restrictions) -> Self {
        let server = RedisServer::of_kind(kind, &[]);
        let proxy = Proxy::restricted(server.port(), restrictions);
        Self {
            connection: connect(&proxy),
            proxy,
            server,
        }
    }

    fn start(restrictions: Restrictions) -> Self {
        Self::of(ServerKind::Redis7, restrictions)
    }

    fn run(&mut self, words: &[&str]) -> RedisResult<Value> {
        run(&mut self.connection, words)
    }

    #[track_caller]
    fn passes(&mut self, words: &[&str]) -> Value {
        self.run(words)
            .unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    #[track_caller]
    fn refuses(&mut self, words: &[&str], reason: &str) {
        let error = self.run(words).unwrap_err().to_string();
        assert!(error.contains(reason), "{words:?}: {error}");
    }
}

fn connect(proxy: &Proxy) -> Connection {
    let client = redis::Client::open(proxy.url(0)).unwrap();
    client.get_connection().unwrap()
}

fn run(connection: &mut Connection, words: &[&str]) -> RedisResult<Value> {
    redis::cmd(words[0]).arg(&words[1..]).query(connection)
}

fn text(text: &str) -> Value {
    Value::BulkString(text.as_bytes().to_vec())
}

#[test]
fn named_commands_are_refused_with_their_error() {
    let mut server = Restricted::start(Restrictions {
        refused: vec![
            ("CONFIG", "ERR no configuration"),
            ("CLIENT ID", "NOPERM x"),
        ],
        allowed: vec!["CONFIG GET MAXMEMORY"],
        ..Restrictions::default()
    });

    server.refuses(&["config", "set", "maxmemory", "1"], "no configuration");
    server.refuses(&["CLIENT", "ID"], "x");
    server.passes(&["CONFIG", "GET", "maxmemory"]);
    server.passes(&["CLIENT", "GETNAME"]);
    server.passes(&["SET", "a", "1"]);
}

#[test]
fn select_is_refused_or_without_effect() {
    let mut refusing = Restricted::start(Restrictions {
        select: SelectRule::Refused("ERR only one database"),
        ..Restrictions::default()
    });
    refusing.refuses(&["SELECT", "1"], "only one database");
    refusing.passes(&["SELECT", "0"]);

    let mut ignoring = Restricted::start(Restrictions::enterprise());
    assert_eq!(ignoring.passes(&["SELECT", "1"]), Value::Okay);
    ignoring.passes(&["SET", "a", "1"]);
    let direct = run(&mut ignoring.server.connection(), &["GET", "a"]);
    assert_eq!(direct.unwrap(), text("1"));
}

#[test]
fn scripts_must_declare_their_keys() {
    for kind in ServerKind::ALL {
        let mut server = Restricted::of(kind, Restrictions::strict_scripts());
        let key = "a b*[c]?\\:1";
        server.passes(&["SET", key, "1"]);
        server.passes(&["SET", "a bX", "2"]);

        server.refuses(&["EVAL", "return 1", "0"], "without any input keys");
        assert_eq!(server.passes(&["EVAL", READ_DECLARED, "1", key]), text("1"));
        server.refuses(&["EVAL", READ_UNDECLARED, "1", key, "a bX"], "access");
        server.refuses(&["EVAL", READ_DECLARED, "2", "a", "b"], "same slot");
        server.passes(&["EVAL", READ_DECLARED, "2", "{a}1", "{a}2"]);

        // Other commands are not narrowed, and other connections are not affected.
        assert_eq!(server.passes(&["GET", key]), text("1"));
        server.passes(&["DEL", "a", "b"]);
        run(&mut connect(&server.proxy), &["GET", "a bX"]).unwrap();
    }
}

#[test]
fn keys_of_several_slots_are_refused() {
    let mut server = Restricted::start(Restrictions {
        slots: SlotRule::OnePerCommand,
        ..Restrictions::default()
    });

    server.refuses(&["DEL", "a", "b"], "same slot");
    server.refuses(&["MSET", "a", "1", "b", "2"], "same slot");
    server.passes(&["MSET", "{a}1", "b", "{a}2", "c"]);
    server.passes(&["SET", "a", "b"]);
    server.passes(&["PUBLISH", "a", "b"]);
}

#[test]
fn too_many_arguments_are_refused() {
    let mut server = Restricted::start(Restrictions::serverless());
    let many = vec!["{a}"; 3_999];

    server.passes(&[&["DEL"], many.as_slice()].concat());
    server.refuses(&[&["DEL", "{a}"], many.as_slice()].concat(), "too many");
}

#[test]
fn large_cursors_lead_through_all_keys() {
    let mut server = Restricted::start(Restrictions::upstash());
    let names: BTreeSet<String> = (0..500).map(|number| format!("key:{number}")).collect();
    for name in &names {
        server.passes(&["SET", name, "1"]);
    }

    let mut found = BTreeSet::new();
    let mut cursor = 0_u64;
    loop {
        let reply = server.passes(&["SCAN", &cursor.to_string(), "COUNT", "50"]);
        let (next, keys): (u64, Vec<String>) = redis::from_redis_value(&reply).unwrap();
        found.extend(keys);
        assert!(next == 0 || next > 1 << 63, "{next}");
        cursor = next;
        if cursor == 0 {
            break;
        }
    }

    assert_eq!(found, names);
    server.refuses(&["SCAN", "17"], "invalid cursor");
    server.passes(&["HSCAN", "missing", "0"]);
}

#[test]
fn upstash_has_some_commands_and_some_of_info() {
    let mut server = Restricted::start(Restrictions::upstash());

    let info: String = redis::from_redis_value(&server.passes(&["INFO"])).unwrap();
    assert!(info.contains("used_memory:"));
    assert!(!info.contains("# Replication"));
    server.refuses(&["SELECT", "1"], "0th database");
    server.refuses(&["OBJECT", "ENCODING", "a"], "not available");
    server.refuses(&["CLUSTER", "SLOTS"], "not available");
    server.refuses(&["CONFIG", "GET", "maxmemory"], "not available");
    server.passes(&["CONFIG", "GET", "notify-keyspace-events"]);
    server.passes(&["EVAL", READ_UNDECLARED, "0", "a"]);
}

#[test]
fn serverless_is_a_cluster_with_one_node() {
    let mut server = Restricted::start(Restrictions::serverless());

    let slots = server.passes(&["CLUSTER", "SLOTS"]);
    let ranges: Vec<(u16, u16, (String, u16, String))> = redis::from_redis_value(&slots).unwrap();
    let (first, last, (host, port, _)) = &ranges[0];
    assert_eq!((*first, *last, ranges.len()), (0, 16_383, 1));
    assert_eq!((host.as_str(), *port), ("127.0.0.1", server.proxy.port()));
    let info: String = redis::from_redis_value(&server.passes(&["INFO"])).unwrap();
    assert!(info.contains("redis_mode:cluster"));

    server.refuses(&["EVAL", "return 1", "0"], "without any input keys");
    server.refuses(&["MEMORY", "USAGE", "a"], "unknown command");
    server.refuses(&["DEL", "a", "b"], "same slot");
    server.passes(&["SET", "a", "1"]);
}

#[test]
fn enterprise_lacks_commands_for_clusters() {
    let mut server = Restricted::start(Restrictions::enterprise());

    server.refuses(&["CLUSTER", "SLOTS"], "unknown command");
    server.refuses(&["ROLE"], "unknown command");
    server.passes(&["MSET", "a", "1", "b", "2"]);
    server.passes(&["EVAL", "return 1", "0"]);
    server.refuses(&["EVAL", READ_UNDECLARED, "0", "a"], "access");
}
