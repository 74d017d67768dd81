//! Names the key in a `WRONGTYPE` error: Redis does not say which one it means.

use super::command::{Arg, Command};
use crate::error::{ErrorKind, RedisError};
use crate::keyspace::key::{self, KeyName};
use crate::keyspace::namespace::{self, Namespace};

/// Keys that scripts use in addition to those they are given, with the types that edge-cache keeps
/// there.
const OWN_KEYS: [(&str, &str); 20] = [
    (key::TTL_OVERRIDES, "hash"),
    (key::RULE_OVERRIDES, "hash"),
    (key::WARMUP_STATUS, "string"),
    (key::WARMUP_MODULES, "hash"),
    (key::WARMUP_CANCEL, "string"),
    (key::WARMUP_SCHEDULE, "hash"),
    (key::WARMUP_LOCK, "string"),
    (key::AUDIT, "stream"),
    (key::JOBS, "hash"),
    (key::JOB_STATES, "hash"),
    (namespace::NAMESPACES, "set"),
    (key::TURNS, "stream"),
    (key::FENCES, "stream"),
    (key::NEAR, "string"),
    (key::NEAR_FENCES, "stream"),
    (key::LOOKUPS, "hash"),
    ("cache:alerts", "hash"),
    (key::EVENTS, "hash"),
    (key::COUNTERS, "hash"),
    (key::SAMPLES, "stream"),
];
/// Beginnings of further own keys, with their types.
const OWN_PREFIXES: [(&str, &str); 26] = [
    (key::HOT_KEYS_PREFIX, "hash"),
    ("cache:undo:", "string"),
    ("cache:tags:", "set"),
    ("cache:tags-aside:", "set"),
    ("cache:chunk:", "list"),
    ("cache:waiting:", "string"),
    ("cache:denied", "string"),
    ("cache:job-names:", "hash"),
    ("cache:job-part:", "hash"),
    ("cache:negative:", "string"),
    ("cache:{walks}:", "string"),
    ("cache:audit:denied", "stream"),
    ("cache:audit:automatic", "stream"),
    ("cache:audit:open", "stream"),
    ("cache:audit:sizes", "hash"),
    ("cache:audit:sums", "hash"),
    ("cache:audit:analyses:lock", "string"),
    ("cache:audit:analyses", "stream"),
    ("cache:audit:history:state", "string"),
    ("cache:audit:history:", "stream"),
    ("cache:audit:hotkeys:", "stream"),
    ("cache:audit:slowlog:nodes", "hash"),
    ("cache:audit:slowlog", "stream"),
    ("cache:audit:minute:", "string"),
    ("cache:audit:day:", "string"),
    ("lock:", "string"),
];
/// Most keys of a command that are checked.
const MAX_SUSPECTS: usize = 200;

/// A key that the error may mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Suspect {
    pub(crate) key: KeyName,
    /// The type that edge-cache keeps there; `None` for a service's key.
    expected: Option<&'static str>,
}

/// Returns the type that edge-cache keeps under this name.
fn expected_type(name: &[u8]) -> Option<&'static str> {
    let name = &*namespace::without(name);
    let exact = OWN_KEYS.iter().find(|(key, _)| key.as_bytes() == name);
    let by_prefix = || {
        OWN_PREFIXES
            .iter()
            .find(|(prefix, _)| name.starts_with(prefix.as_bytes()))
    };
    exact.or_else(by_prefix).map(|(_, expected)| *expected)
}

/// Lists the keys that the error of this command may mean: the keys it names, and for a script also
/// those that it may have used.
pub(crate) fn suspects(command: &Command, namespace: &Namespace) -> Vec<Suspect> {
    if !command.name.starts_with("EVAL") {
        return named_keys(&command.args, 1).collect();
    }

    // The arguments of a script begin with its hash or source and the number of keys.
    let count = number(command.args.get(1));
    let keys = command.args.get(2..).unwrap_or_default();
    let named = named_keys(keys, count).filter(|suspect| suspect.expected.is_some());
    let used = OWN_KEYS.iter().map(|(name, expected)| Suspect {
        key: KeyName::new(
            namespace
                .full_name(name.as_bytes())
                .unwrap_or_else(|| (*name).into()),
        ),
        expected: Some(expected),
    });
    named.take(MAX_SUSPECTS).chain(used).collect()
}

fn named_keys(args: &[Arg], count: usize) -> impl Iterator<Item = Suspect> {
    let names = args.iter().take(count).filter_map(|arg| match arg {
        Arg::Bytes(name) => Some(name),
        Arg::Int(_) => None,
    });
    names.map(|name| Suspect {
        key: KeyName::new(name.as_slice()),
        expected: expected_type(name),
    })
}

fn number(arg: Option<&Arg>) -> usize {
    match arg {
        Some(Arg::Int(number)) => usize::try_from(*number).unwrap_or(0),
        Some(Arg::Bytes(digits)) => std::str::from_utf8(digits)
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(0),
        None => 0,
    }
}

/// Returns the error with the key's name, if the key has another type than expected.
pub(crate) fn name_key(error: &RedisError, suspect: &Suspect, found: &str) -> Option<RedisError> {
    if found == "none" || suspect.expected == Some(found) {
        return None;
    }

    let name = suspect.key.display();
    let problem = match suspect.expected {
        Some(expected) => {
            format!("`{name}` is a {found}, and edge-cache keeps a {expected} there")
        }
        None => format!("`{name}` is a {found}: {}", error.message),
    };
    Some(RedisError {
        key: Some(name),
        ..RedisError::new(ErrorKind::WrongType, problem)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(command: &Command) -> Vec<String> {
        let suspects = suspects(command, &Namespace::default());
        suspects
            .iter()
            .map(|suspect| suspect.key.display())
            .collect()
    }

    #[test]
    fn a_command_is_suspected_of_its_key() {
        assert_eq!(names(&Command::read("GET").arg("users:1")), ["users:1"]);
    }

    #[test]
    fn a_script_is_suspected_of_its_own_keys_and_of_those_that_all_scripts_use() {
        let script = Command::script("sha", "")
            .arg(2_usize)
            .arg("cache:tags:t")
            .arg("users:1")
            .arg("cache:tags:x");

        let names = names(&script);

        assert_eq!(names[0], "cache:tags:t");
        assert!(names.contains(&"cache:fences".to_owned()));
        assert!(!names.contains(&"users:1".to_owned()));
        assert!(!names.contains(&"cache:tags:x".to_owned()));
    }

    #[test]
    fn keys_of_a_namespace_are_known_too() {
        let shop = Namespace::parse("shop").unwrap();
        let suspects = suspects(&Command::script("sha", "").arg(0_usize), &shop);

        assert!(suspects.contains(&Suspect {
            key: KeyName::new("cache:@shop:fences"),
            expected: Some("stream"),
        }));
        assert_eq!(expected_type(b"cache:@shop:tags:t"), Some("set"));
    }

    #[test]
    fn only_a_key_of_another_type_is_named() {
        let error = RedisError::new(ErrorKind::WrongType, "WRONGTYPE Operation");
        let suspect = Suspect {
            key: KeyName::new("cache:ttl"),
            expected: expected_type(b"cache:ttl"),
        };

        assert_eq!(name_key(&error, &suspect, "hash"), None);
        assert_eq!(name_key(&error, &suspect, "none"), None);

        let named = name_key(&error, &suspect, "string").unwrap();
        assert_eq!(
            named.message,
            "`cache:ttl` is a string, and edge-cache keeps a hash there"
        );
        assert_eq!(named.key.as_deref(), Some("cache:ttl"));
    }
}
