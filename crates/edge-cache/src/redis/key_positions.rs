//! The keys among a command's arguments: they decide which node of a Cluster executes it.

use std::ops::Range;

use super::command::{Arg, Command};
use super::script::namespaced;
use crate::keyspace::namespace::Namespace;
use crate::keyspace::own_slot;

/// Commands without keys.
const WITHOUT_KEYS: [&str; 13] = [
    "ASKING",
    "CLUSTER",
    "COMMANDLOG",
    "DBSIZE",
    "HELLO",
    "INFO",
    "PING",
    "PUBLISH",
    "ROLE",
    "SCAN",
    "SENTINEL",
    "SLOWLOG",
    "TIME",
];
/// Commands of which every argument is a key.
const OF_KEYS: [&str; 4] = ["DEL", "EXISTS", "MGET", "UNLINK"];

impl Command {
    /// The positions of its keys among the arguments.
    pub(crate) fn key_positions(&self) -> Range<usize> {
        let end = self.args.len();
        match self.name {
            "EVAL" | "EVALSHA" => {
                let count = self.args.get(1).and_then(Arg::as_count).unwrap_or(0);
                2..end.min(2 + count)
            }
            "MEMORY" | "OBJECT" => 1..end.min(2),
            name if OF_KEYS.contains(&name) => 0..end,
            name if WITHOUT_KEYS.contains(&name) => 0..0,
            _ => 0..end.min(1),
        }
    }

    /// Gives its singleton keys the names that they have on a Cluster.
    pub(super) fn name_keys_for_cluster(&mut self) {
        let positions = self.key_positions();
        let keys = self.args.get_mut(positions).unwrap_or_default();
        for key in keys {
            if let Some(named) = key.as_bytes().and_then(own_slot::on_cluster) {
                *key = Arg::Bytes(named);
            }
        }
    }

    /// Renames its internal keys, and those in its script, to their names in this namespace.
    pub(super) fn enter(&mut self, namespace: &Namespace) {
        if namespace.is_default() {
            return;
        }
        let positions = self.key_positions();
        for key in self.args.get_mut(positions).unwrap_or_default() {
            if let Some(full) = key.as_bytes().and_then(|key| namespace.full_name(key)) {
                *key = Arg::Bytes(full);
            }
        }
        if let Some(source) = self.source {
            let text = namespaced::text(namespace, source);
            self.source = Some(&text.source);
            if let Some(hash) = self.args.first_mut() {
                *hash = text.sha1.as_str().into();
            }
        }
    }

    /// Its first key.
    pub(crate) fn first_key(&self) -> Option<&[u8]> {
        self.args.get(self.key_positions())?.first()?.as_bytes()
    }
}

impl Arg {
    /// The bytes of an argument that is not an integer.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Int(_) => None,
        }
    }

    fn as_count(&self) -> Option<usize> {
        match self {
            Self::Int(number) => usize::try_from(*number).ok(),
            Self::Bytes(bytes) => str::from_utf8(bytes).ok()?.parse().ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_where_each_command_has_them() {
        let first = |command: Command| {
            let key = command.first_key().map(<[u8]>::to_vec);
            key.map(|key| String::from_utf8(key).unwrap())
        };
        let script = Command::script("0f", "return 1")
            .arg(2_usize)
            .args(["a", "b", "c"]);

        assert_eq!(script.key_positions(), 2..4);
        assert_eq!(first(script).as_deref(), Some("a"));
        assert_eq!(
            first(Command::script("0f", "return 1").arg(0_usize).arg("c")),
            None
        );
        assert_eq!(first(Command::read("GET").arg("k")).as_deref(), Some("k"));
        assert_eq!(
            first(Command::read("MEMORY").args(["USAGE", "k"])).as_deref(),
            Some("k")
        );
        assert_eq!(first(Command::read("INFO").arg("memory")), None);
        assert_eq!(Command::read("MGET").args(["a", "b"]).key_positions(), 0..2);
    }
}
