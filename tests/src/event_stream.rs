//! Server-sent events, read one by one while their stream is open.

use std::io::{BufRead, BufReader, Lines, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

use crate::caller::Caller;
use crate::client::BASE;

/// Longer than any event may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// An open stream. Each item is the name and the data of an event; the last one is followed by the
/// end of the stream.
pub struct EventStream {
    lines: Lines<BufReader<TcpStream>>,
}

impl EventStream {
    /// Opens the stream of a path below [`BASE`], and reads its head.
    ///
    /// # Panics
    /// If there is no stream at this address.
    pub fn open(address: &str, path: &str, caller: Caller) -> Self {
        let token = caller.token().unwrap_or_default();
        // A body of HTTP/1.0 has no chunks: it ends with its connection.
        let request = format!(
            "GET {BASE}{path} HTTP/1.0\r\nhost: {address}\r\naccept: text/event-stream\r\n\
             authorization: Bearer {token}\r\n\r\n"
        );

        let mut stream = TcpStream::connect(address).expect("a connection");
        stream
            .set_read_timeout(Some(TIMEOUT))
            .expect("a socket has a timeout");
        stream
            .write_all(request.as_bytes())
            .expect("sending a request");

        let mut lines = BufReader::new(stream).lines();
        let mut next = || lines.next().expect("a whole head").expect("a line");
        let status = next();
        assert!(status.contains(" 200 "), "{status}");
        while !next().is_empty() {}
        Self { lines }
    }
}

impl Iterator for EventStream {
    type Item = (String, Value);

    fn next(&mut self) -> Option<Self::Item> {
        let mut name = String::new();
        loop {
            let line = self
                .lines
                .next()?
                .expect("an event, or the end of the stream");
            if let Some(given) = line.strip_prefix("event: ") {
                name = given.to_owned();
            }
            if let Some(data) = line.strip_prefix("data: ") {
                let data = serde_json::from_str(data).expect("JSON data");
                return Some((name, data));
            }
        }
    }
}
