//! A command on its way to Redis.

use super::slot_map::NodeAddress;

/// One argument of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arg {
    /// An integer, sent in decimal.
    Int(i64),
    /// Bytes, sent as they are.
    Bytes(Vec<u8>),
}

impl From<&str> for Arg {
    fn from(value: &str) -> Self {
        Self::Bytes(value.as_bytes().to_vec())
    }
}

impl From<String> for Arg {
    fn from(value: String) -> Self {
        Self::Bytes(value.into_bytes())
    }
}

impl From<&[u8]> for Arg {
    fn from(value: &[u8]) -> Self {
        Self::Bytes(value.to_vec())
    }
}

impl From<Vec<u8>> for Arg {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(value)
    }
}

impl From<i64> for Arg {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<u64> for Arg {
    fn from(value: u64) -> Self {
        Self::Bytes(value.to_string().into_bytes())
    }
}

impl From<usize> for Arg {
    fn from(value: usize) -> Self {
        Self::from(value as u64)
    }
}

/// A command with its arguments, and whether it may be sent twice.
#[derive(Debug, Clone)]
pub struct Command {
    /// The command's name, e.g. `GET`.
    pub name: &'static str,
    /// Its arguments in order.
    pub args: Vec<Arg>,
    /// Source of the script whose hash is the first argument, for a server that does not have it
    /// yet.
    pub source: Option<&'static str>,
    /// True if it may be sent again when it is unknown whether the server received it.
    pub repeatable: bool,
    /// True if the error should name the key where a value has another type than expected, which
    /// costs further round trips.
    pub(crate) explains_type: bool,
    /// The node that executes it; `None`: the one that has its first key.
    pub(crate) node: Option<NodeAddress>,
}

impl Command {
    /// Creates a command that changes something: it is sent once, unless [`Command::repeatable`] is
    /// called.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            args: Vec::new(),
            source: None,
            repeatable: false,
            explains_type: true,
            node: None,
        }
    }

    /// Creates a command that only reads, or that has the same effect and reply when it is sent
    /// twice.
    pub fn read(name: &'static str) -> Self {
        Self {
            name,
            args: Vec::new(),
            source: None,
            repeatable: true,
            explains_type: true,
            node: None,
        }
    }

    /// Appends an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<Arg>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Appends several arguments.
    #[must_use]
    pub fn args<A: Into<Arg>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Creates the `EVALSHA` of a script; its source is for a server that does not have it.
    pub fn script(sha: &str, source: &'static str) -> Self {
        Self {
            source: Some(source),
            ..Self::new("EVALSHA").arg(sha)
        }
    }

    /// Turns the `EVALSHA` of a script into its `EVAL`; false for any other command.
    pub(super) fn switch_to_eval(&mut self) -> bool {
        let Some(source) = self.source.take() else {
            return false;
        };
        self.name = "EVAL";
        if let Some(hash) = self.args.first_mut() {
            *hash = source.into();
        }
        true
    }

    /// Marks a command whose caller expects values of other types.
    #[must_use]
    pub fn of_any_type(mut self) -> Self {
        self.explains_type = false;
        self
    }

    /// Marks a command as safe to send twice.
    #[must_use]
    pub fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }
}
