//! The commands that clients send to a Redis, in order (`MONITOR`).

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use edge_cache_testing::{Node, RedisServer};

/// Commands that open a connection. They do not count as the cost of a request.
const OPENING: [&str; 4] = ["auth", "client", "hello", "select"];

/// A connection that receives the commands of a server.
pub struct Monitor {
    other: redis::Connection,
    lines: BufReader<TcpStream>,
}

impl Monitor {
    /// Starts receiving the commands of a server.
    ///
    /// # Panics
    /// If the server refuses.
    pub fn start(server: &RedisServer) -> Self {
        Self::at(server.port(), server.connection())
    }

    /// Starts receiving the commands of a Cluster's node.
    ///
    /// # Panics
    /// If the node refuses.
    pub fn of_node(node: &Node) -> Self {
        Self::at(node.port(), node.connection())
    }

    fn at(port: u16, other: redis::Connection) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection to Redis");
        stream.write_all(b"MONITOR\r\n").expect("sending MONITOR");
        let mut lines = BufReader::new(stream);
        let mut response = String::new();
        lines.read_line(&mut response).expect("a reply to MONITOR");

        assert_eq!(response, "+OK\r\n");

        Self { other, lines }
    }

    /// Returns the names of the commands since the start or the last call, in lower case and order,
    /// without those of scripts.
    ///
    /// # Panics
    /// If the connection breaks.
    pub fn commands(&mut self) -> Vec<String> {
        const END: &str = "end of the monitored commands";

        let () = redis::cmd("PING")
            .arg(END)
            .query::<String>(&mut self.other)
            .map(drop)
            .expect("PING");
        let mut commands = Vec::new();
        loop {
            let mut line = String::new();
            self.lines.read_line(&mut line).expect("a line of MONITOR");
            if line.contains(END) {
                return commands;
            }
            // Each instance finds the audit trail with a marker once. Which instance responds is up
            // to the host.
            if line.contains("\"cache:audit:place:") {
                continue;
            }
            commands.extend(command(&line).filter(|name| !OPENING.contains(&name.as_str())));
        }
    }
}

/// `+1700000000.123456 [0 127.0.0.1:5000] "GET" "key"`; a script's calls have `[0 lua]`.
fn command(line: &str) -> Option<String> {
    let (_, rest) = line.split_once('[')?;
    let (source, arguments) = rest.split_once("] \"")?;
    let (name, _) = arguments.split_once('"')?;
    (!source.ends_with(" lua")).then(|| name.to_ascii_lowercase())
}
