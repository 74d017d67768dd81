//! A connection to the real server.

use std::io::{BufReader, Error, Result, Write};
use std::net::TcpStream;

use crate::resp::{self, encode};

/// A connection on which each command waits for its reply.
#[derive(Debug)]
pub(super) struct Upstream {
    server: TcpStream,
    replies: BufReader<TcpStream>,
}

impl Upstream {
    /// Connects to the server on this port.
    pub(super) fn connect(port: u16) -> Result<Self> {
        let server = TcpStream::connect(("127.0.0.1", port))?;
        server.set_nodelay(true)?;
        let replies = BufReader::new(server.try_clone()?);
        Ok(Self { server, replies })
    }

    /// Sends the bytes of a command; returns those of its reply.
    pub(super) fn ask(&mut self, command: &[u8]) -> Result<Vec<u8>> {
        self.server.write_all(command)?;
        resp::read_reply(&mut self.replies)
    }

    /// Runs a command that the server must accept.
    ///
    /// # Errors
    /// The server refuses it, or the connection is broken.
    pub(super) fn run(&mut self, words: &[&[u8]]) -> Result<()> {
        let reply = self.ask(&encode(words))?;
        if reply.starts_with(b"-") {
            let text = String::from_utf8_lossy(&reply).into_owned();
            return Err(Error::other(text));
        }
        Ok(())
    }

    /// The port of this end, which no other connection to the server has.
    pub(super) fn local_port(&self) -> Result<u16> {
        Ok(self.server.local_addr()?.port())
    }
}
