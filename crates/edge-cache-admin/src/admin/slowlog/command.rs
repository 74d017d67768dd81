//! The part of a logged command that is kept: its name, keys, and the number of its arguments. Values
//! are not.

use edge_cache::KeyName;

/// The most names of keys that are kept of a command.
const MAX_KEYS: usize = 3;
/// The longest name of a key, in characters; the server cuts arguments at 128 bytes.
const MAX_KEY_CHARS: usize = 160;
/// The longest name of a command, in bytes.
const MAX_NAME_BYTES: usize = 32;
/// The length of a script's hash.
const HASH_CHARS: usize = 40;
/// The name of a command whose own name is no word.
const UNKNOWN: &str = "UNKNOWN";

/// Commands whose second word belongs to their name.
const CONTAINERS: &str = " ACL CLIENT CLUSTER COMMAND COMMANDLOG CONFIG DEBUG FUNCTION LATENCY MEMORY MODULE OBJECT PUBSUB SCRIPT \
     SLOWLOG XGROUP XINFO ";
/// Containers whose third word is a key.
const CONTAINERS_OF_KEYS: &str = " MEMORY OBJECT XGROUP XINFO ";
/// Commands of which every argument is a key.
const OF_KEYS: &str = " DEL EXISTS MGET PFCOUNT PFMERGE SDIFF SDIFFSTORE SINTER SINTERSTORE SUNION SUNIONSTORE TOUCH UNLINK WATCH ";
/// Commands of keys, each followed by its value.
const OF_PAIRS: &str = " MSET MSETNX ";
/// Commands with a number of keys as their second argument.
const OF_SCRIPTS: &str = " EVAL EVALSHA EVALSHA_RO EVAL_RO FCALL FCALL_RO ";
/// Commands whose first argument is a key. A command in none of these lists keeps no argument.
const OF_ONE_KEY: &str = " APPEND BITCOUNT BITFIELD BITFIELD_RO BITPOS DECR DECRBY DUMP EXPIRE EXPIREAT EXPIRETIME GEOADD GEODIST \
     GEOHASH GEOPOS GEOSEARCH GET GETBIT GETDEL GETEX GETRANGE GETSET HDEL HEXISTS HEXPIRE HGET HGETALL HGETDEL HGETEX HINCRBY \
     HINCRBYFLOAT HKEYS HLEN HMGET HMSET HPERSIST HPEXPIRE HPTTL HRANDFIELD HSCAN HSET HSETEX HSETNX HSTRLEN HTTL HVALS INCR \
     INCRBY INCRBYFLOAT LINDEX LINSERT LLEN LPOP LPOS LPUSH LPUSHX LRANGE LREM LSET LTRIM PERSIST PEXPIRE PEXPIREAT PEXPIRETIME \
     PFADD PSETEX PTTL RENAME RENAMENX RESTORE RPOP RPOPLPUSH RPUSH RPUSHX SADD SCARD SET SETBIT SETEX SETNX SETRANGE SISMEMBER \
     SMEMBERS SMISMEMBER SMOVE SORT SORT_RO SPOP SRANDMEMBER SREM SSCAN STRLEN SUBSTR TTL TYPE XACK XADD XAUTOCLAIM XCLAIM XDEL \
     XLEN XPENDING XRANGE XREVRANGE XTRIM ZADD ZCARD ZCOUNT ZINCRBY ZLEXCOUNT ZMSCORE ZPOPMAX ZPOPMIN ZRANDMEMBER ZRANGE \
     ZRANGEBYLEX ZRANGEBYSCORE ZRANK ZREM ZREMRANGEBYLEX ZREMRANGEBYRANK ZREMRANGEBYSCORE ZREVRANGE ZREVRANGEBYLEX \
     ZREVRANGEBYSCORE ZREVRANK ZSCAN ZSCORE ";

/// The kept part of a command.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct KeptCommand {
    /// `HSET`, or `CONFIG SET`.
    pub(super) name: String,
    /// The first keys, as text.
    pub(super) keys: Vec<String>,
    /// The number of arguments.
    pub(super) arguments: u64,
    /// The hash of a script: as it was sent, or of the logged beginning of its source.
    pub(super) script: Option<String>,
}

impl KeptCommand {
    /// Takes the words of a command as the server logged them.
    pub(super) fn new(words: &[Vec<u8>]) -> Self {
        let (first, arguments) = words
            .split_first()
            .map_or((&[][..], &[][..]), |(name, rest)| (name, rest));
        let name = word(first).unwrap_or_else(|| UNKNOWN.to_owned());
        let kept = Self {
            keys: keys(&name, arguments),
            arguments: count(arguments),
            script: script(&name, arguments),
            name,
        };
        kept.with_second_word(arguments)
    }

    fn with_second_word(self, arguments: &[Vec<u8>]) -> Self {
        let second = arguments.first().filter(|_| is_in(CONTAINERS, &self.name));
        let Some(second) = second.and_then(|second| word(second)) else {
            return self;
        };
        Self {
            name: format!("{} {second}", self.name),
            ..self
        }
    }
}

fn is_in(list: &str, name: &str) -> bool {
    list.contains(&format!(" {name} "))
}

/// Returns a name in upper case; `None` if it is no word.
fn word(bytes: &[u8]) -> Option<String> {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
    let text = str::from_utf8(bytes).ok()?;
    let is_name = (1..=MAX_NAME_BYTES).contains(&text.len()) && bytes.iter().all(is_word);
    is_name.then(|| text.to_ascii_uppercase())
}

fn keys(name: &str, arguments: &[Vec<u8>]) -> Vec<String> {
    let (skip, step, count) = if is_in(OF_KEYS, name) {
        (0, 1, usize::MAX)
    } else if is_in(OF_PAIRS, name) {
        (0, 2, usize::MAX)
    } else if is_in(OF_SCRIPTS, name) {
        (2, 1, number(arguments.get(1)))
    } else if is_in(CONTAINERS_OF_KEYS, name) {
        (1, 1, 1)
    } else if is_in(OF_ONE_KEY, name) {
        (0, 1, 1)
    } else {
        return Vec::new();
    };

    let named = arguments.iter().skip(skip).step_by(step).take(count);
    let named = named.filter(|argument| left_out(argument).is_none());
    named.take(MAX_KEYS).map(|key| display(key)).collect()
}

fn display(key: &[u8]) -> String {
    let shown = KeyName::new(key).display();
    match shown.char_indices().nth(MAX_KEY_CHARS) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown,
    }
}

fn number(argument: Option<&Vec<u8>>) -> usize {
    let digits = argument.and_then(|digits| str::from_utf8(digits).ok());
    digits.and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// The number of arguments. The server logs 32 words, the last of which counts the rest.
fn count(arguments: &[Vec<u8>]) -> u64 {
    let rest = arguments.last().and_then(|last| left_out(last));
    let logged = arguments.len() as u64;
    rest.map_or(logged, |rest| (logged - 1).saturating_add(rest))
}

/// Reads `... (17 more arguments)`.
fn left_out(argument: &[u8]) -> Option<u64> {
    let text = str::from_utf8(argument).ok()?;
    let rest = text.strip_prefix("... (")?;
    rest.strip_suffix(" more arguments)")?.parse().ok()
}

fn script(name: &str, arguments: &[Vec<u8>]) -> Option<String> {
    let first = arguments.first()?;
    match name {
        "EVALSHA" | "EVALSHA_RO" => hash(first),
        "EVAL" | "EVAL_RO" => Some(sha1_smol::Sha1::from(first).digest().to_string()),
        _ => None,
    }
}

fn hash(bytes: &[u8]) -> Option<String> {
    let text = str::from_utf8(bytes).ok()?;
    let is_hash = text.len() == HASH_CHARS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then(|| text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(words: &[&str]) -> KeptCommand {
        let words: Vec<Vec<u8>> = words.iter().map(|word| word.as_bytes().to_vec()).collect();
        KeptCommand::new(&words)
    }

    #[test]
    fn names_of_keys_are_kept_and_values_are_not() {
        let cases: [(&[&str], &str, &[&str], u64); 9] = [
            (&["set", "users:1", "secret"], "SET", &["users:1"], 2),
            (&["mset", "a", "1", "b", "2"], "MSET", &["a", "b"], 4),
            (&["del", "a", "b", "c", "d"], "DEL", &["a", "b", "c"], 4),
            (&["evalsha", "0f", "1", "a", "secret"], "EVALSHA", &["a"], 4),
            (&["memory", "usage", "a"], "MEMORY USAGE", &["a"], 2),
            (
                &["config", "set", "requirepass", "secret"],
                "CONFIG SET",
                &[],
                3,
            ),
            (&["auth", "secret"], "AUTH", &[], 1),
            (&["publish", "channel", "secret"], "PUBLISH", &[], 2),
            (&["a secret in place of a command"], "UNKNOWN", &[], 0),
        ];

        for (words, name, keys, arguments) in cases {
            let kept = kept(words);
            assert_eq!(kept.name, name);
            assert_eq!(kept.keys, keys, "{name}");
            assert_eq!(kept.arguments, arguments, "{name}");
        }
    }

    #[test]
    fn arguments_that_the_server_left_out_count() {
        let kept = kept(&["del", "a", "... (998 more arguments)"]);

        assert_eq!(kept.arguments, 999);
        assert_eq!(kept.keys, ["a"]);
    }

    #[test]
    fn a_script_is_known_by_its_hash() {
        let hash = "0123456789ABCDEF0123456789abcdef01234567";

        let sent = kept(&["evalsha", hash, "0"]).script;
        assert_eq!(sent, Some(hash.to_ascii_lowercase()));
        let source = kept(&["eval", "return 1", "0"]).script;
        assert_eq!(
            source.as_deref(),
            Some("e0e1f9fabfc9d4800c877a703b823ac0578ff8db")
        );
        assert_eq!(kept(&["get", "a"]).script, None);
    }
}
