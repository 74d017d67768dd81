//! Connections to the Redis of an application that do not use the code under test.

use edge_cache_testing::{Cluster, RedisServer};
use redis::{Cmd, ConnectionLike, ErrorKind, RedisError, RedisResult, Value};

use crate::nodes::Nodes;

/// A connection to one server, or to all nodes of a Cluster. On a Cluster, edge-cache's singleton
/// keys have their short names here, so that a test works on both.
pub enum Connection {
    /// To one server.
    Server(Box<redis::Connection>),
    /// To the primaries of a Cluster.
    Cluster(Nodes),
}

impl Connection {
    /// Connects to a server.
    ///
    /// # Panics
    /// If the server does not accept it.
    pub fn to(server: &RedisServer) -> Self {
        server.connection().into()
    }

    /// Returns a section of `INFO` of each server.
    ///
    /// # Panics
    /// If a server does not report it.
    pub fn info(&mut self, section: &str) -> Vec<String> {
        let of_server = |server: &mut redis::Connection| {
            let info = redis::cmd("INFO").arg(section).query(server);
            info.expect("a section of INFO")
        };
        match self {
            Self::Server(server) => vec![of_server(server)],
            Self::Cluster(nodes) => nodes.connections().iter_mut().map(of_server).collect(),
        }
    }

    /// Runs a command on each server.
    ///
    /// # Panics
    /// If a server refuses it.
    pub fn on_each_node(&mut self, command: &Cmd) {
        let run = |server: &mut redis::Connection| {
            let () = command.query(server).expect("a server accepts the command");
        };
        match self {
            Self::Server(server) => run(server),
            Self::Cluster(nodes) => nodes.connections().iter_mut().for_each(run),
        }
    }

    pub(crate) fn to_cluster(cluster: &Cluster) -> Self {
        Self::Cluster(Nodes::connect(cluster))
    }
}

impl From<redis::Connection> for Connection {
    fn from(connection: redis::Connection) -> Self {
        Self::Server(Box::new(connection))
    }
}

impl ConnectionLike for Connection {
    fn req_packed_command(&mut self, packed: &[u8]) -> RedisResult<Value> {
        match self {
            Self::Server(server) => server.req_packed_command(packed),
            Self::Cluster(nodes) => nodes.run(&words_of(packed)?),
        }
    }

    fn req_packed_commands(
        &mut self,
        packed: &[u8],
        offset: usize,
        count: usize,
    ) -> RedisResult<Vec<Value>> {
        match self {
            Self::Server(server) => server.req_packed_commands(packed, offset, count),
            Self::Cluster(_) if offset > 0 => Err(refusal("a transaction on a Cluster")),
            Self::Cluster(nodes) => nodes.run_all(commands_of(packed)?),
        }
    }

    fn req_command(&mut self, command: &Cmd) -> RedisResult<Value> {
        self.req_packed_command(&command.get_packed_command())
    }

    fn get_db(&self) -> i64 {
        match self {
            Self::Server(server) => server.get_db(),
            Self::Cluster(_) => 0,
        }
    }

    fn check_connection(&mut self) -> bool {
        match self {
            Self::Server(server) => server.check_connection(),
            Self::Cluster(nodes) => nodes.reply(),
        }
    }

    fn is_open(&self) -> bool {
        match self {
            Self::Server(server) => server.is_open(),
            Self::Cluster(_) => true,
        }
    }
}

pub(crate) fn refusal(what: &'static str) -> RedisError {
    let kind = ErrorKind::ClientError;
    RedisError::from((
        kind,
        "the tests' connection does not support it",
        what.to_owned(),
    ))
}

/// Returns the words of a command as sent.
fn words_of(packed: &[u8]) -> RedisResult<Vec<Vec<u8>>> {
    let mut commands = commands_of(packed)?;
    commands.pop().ok_or_else(|| refusal("an empty command"))
}

/// Returns the words of each command, as sent: `*<words>`, then `$<bytes>` and the bytes for each.
fn commands_of(mut packed: &[u8]) -> RedisResult<Vec<Vec<Vec<u8>>>> {
    let mut commands = Vec::new();
    while !packed.is_empty() {
        let count = number(&mut packed)?;
        let mut words = Vec::with_capacity(count);
        for _ in 0..count {
            let length = number(&mut packed)?;
            let (word, rest) = packed.split_at(length);
            words.push(word.to_vec());
            packed = &rest[2..];
        }
        commands.push(words);
    }
    Ok(commands)
}

/// Takes a line: a type byte and a number.
fn number(packed: &mut &[u8]) -> RedisResult<usize> {
    let end = packed.iter().position(|byte| *byte == b'\r');
    let line = end.and_then(|end| str::from_utf8(&packed[1..end]).ok());
    let number = line.and_then(|line| line.parse().ok());
    let (Some(end), Some(number)) = (end, number) else {
        return Err(refusal("a command that is not packed"));
    };

    *packed = &packed[end + 2..];
    Ok(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_commands_are_taken_apart() {
        let mut pipe = redis::pipe();
        pipe.cmd("SET").arg("a\r\nb").arg("").cmd("DBSIZE");

        let commands = commands_of(&pipe.get_packed_pipeline()).unwrap();

        let expected: [&[&[u8]]; 2] = [&[b"SET", b"a\r\nb", b""], &[b"DBSIZE"]];
        assert_eq!(commands, expected);
    }
}
