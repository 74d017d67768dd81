//! The rules of restricted servers, as data, and those of known services.

/// Rules of a server that allows less than Redis does. The default has none.
#[derive(Debug, Clone, Default)]
pub struct Restrictions {
    /// Refused commands: the first words, in upper case, and the error.
    pub refused: Vec<(&'static str, &'static str)>,
    /// Commands that are accepted although `refused` has them: the first words, in upper case.
    pub allowed: Vec<&'static str>,
    /// The treatment of `SELECT`.
    pub select: SelectRule,
    /// Scripts without keys are refused.
    pub keyless_scripts_are_refused: bool,
    /// Scripts may use only the keys that they declare. A key with white space also permits those that
    /// have another character in its place.
    pub undeclared_keys_are_refused: bool,
    /// The slots that the keys of one command may have.
    pub slots: SlotRule,
    /// The most words that a command may have after its name.
    pub max_arguments: Option<usize>,
    /// Cursors of scans are above 2^63.
    pub has_large_cursors: bool,
    /// The sections of `INFO`, in lower case; `None` for all.
    pub info_sections: Option<&'static [&'static str]>,
    /// Fields of `INFO` with other values.
    pub info_fields: Vec<(&'static str, &'static str)>,
    /// The server says that it is the only node of a cluster, at the address of the proxy.
    pub is_cluster: bool,
}

/// A treatment of `SELECT`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SelectRule {
    /// As the server does.
    #[default]
    Passed,
    /// Databases other than 0 are refused with this error.
    Refused(&'static str),
    /// `OK` is the reply, and the database stays 0.
    Ignored,
}

/// A rule for the slots of a command's keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SlotRule {
    /// Keys have any slots.
    #[default]
    Any,
    /// The keys that a script declares have one slot.
    OnePerScript,
    /// All keys of a command have one slot.
    OnePerCommand,
}

impl Restrictions {
    /// Upstash: a single database, opaque cursors, half of `INFO`, and few commands that report.
    pub fn upstash() -> Self {
        let missing = "ERR Command is not available";
        let names = ["CLUSTER", "CONFIG", "LATENCY", "OBJECT", "ROLE", "SLOWLOG"];
        Self {
            refused: names.map(|name| (name, missing)).to_vec(),
            allowed: vec!["CONFIG GET NOTIFY-KEYSPACE-EVENTS"],
            select: SelectRule::Refused("ERR Only 0th database is supported"),
            has_large_cursors: true,
            info_sections: Some(&[
                "server", "clients", "memory", "stats", "cluster", "keyspace",
            ]),
            ..Self::default()
        }
    }

    /// ElastiCache Serverless: a cluster whose only node owns all slots.
    pub fn serverless() -> Self {
        let unknown = "ERR unknown command";
        let names = [
            "CLIENT ID",
            "CLIENT INFO",
            "CLIENT LIST",
            "CONFIG",
            "DEBUG",
            "FCALL",
            "FUNCTION",
            "KEYS",
            "LATENCY",
            "MEMORY",
            "OBJECT",
            "PSUBSCRIBE",
            "SLOWLOG",
        ];

        Self {
            refused: names.map(|name| (name, unknown)).to_vec(),
            select: SelectRule::Refused("ERR SELECT is not allowed in cluster mode"),
            keyless_scripts_are_refused: true,
            undeclared_keys_are_refused: true,
            slots: SlotRule::OnePerCommand,
            max_arguments: Some(3_999),
            has_large_cursors: true,
            info_fields: vec![("redis_mode", "cluster"), ("cluster_enabled", "1")],
            is_cluster: true,
            ..Self::default()
        }
    }

    /// Redis Enterprise and Redis Cloud behind their own proxy: `SELECT` has no effect. There a script
    /// with undeclared keys sees one shard of several without an error; here it is refused.
    pub fn enterprise() -> Self {
        let names = ["ASKING", "CLUSTER", "LATENCY", "READONLY", "RESET", "ROLE"];
        let missing = "ERR unknown command";
        Self {
            refused: names.map(|name| (name, missing)).to_vec(),
            allowed: vec!["LATENCY HISTOGRAM"],
            select: SelectRule::Ignored,
            undeclared_keys_are_refused: true,
            slots: SlotRule::OnePerScript,
            ..Self::default()
        }
    }

    /// The rules for scripts that all services together have: declared keys, at least one, of one slot.
    pub fn strict_scripts() -> Self {
        Self {
            keyless_scripts_are_refused: true,
            undeclared_keys_are_refused: true,
            slots: SlotRule::OnePerScript,
            ..Self::default()
        }
    }
}
