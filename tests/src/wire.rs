//! HTTP over a socket that is kept, for requests by the thousand that no HTTP client would send.

use std::io::{BufRead, BufReader, Read, Result, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Longer than any answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection to the application, made anew when it closes.
pub struct Wire {
    address: String,
    open: Option<BufReader<TcpStream>>,
}

/// An answer, unchecked.
#[derive(Debug)]
pub struct Heard {
    /// The status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Heard {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl Wire {
    /// A connection to this address, opened when first used.
    pub fn to(address: &str) -> Self {
        Self { address: address.to_owned(), open: None }
    }

    /// Sends a request and hears its answer. A connection that was kept may have been closed meanwhile: then on a new one.
    ///
    /// # Errors
    /// When the application does not listen, or does not answer.
    pub fn ask(&mut self, request: &[u8], head_only: bool) -> Result<Heard> {
        if let Some(open) = self.open.take()
            && let Ok(heard) = self.ask_on(open, request, head_only)
        {
            return Ok(heard);
        }
        let stream = TcpStream::connect(&self.address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        self.ask_on(BufReader::new(stream), request, head_only)
    }

    fn ask_on(&mut self, mut open: BufReader<TcpStream>, request: &[u8], head_only: bool) -> Result<Heard> {
        open.get_mut().write_all(request)?;
        let mut line = String::new();
        let mut next = |open: &mut BufReader<TcpStream>| {
            line.clear();
            match open.read_line(&mut line)? {
                0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
                _ => Ok::<_, std::io::Error>(line.trim_end().to_owned()),
            }
        };
        let status = next(&mut open)?.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        let mut headers = Vec::new();
        loop {
            let line = next(&mut open)?;
            let Some((name, value)) = line.split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut heard = Heard { status, headers, body: Vec::new() };
        let length = heard.header("content-length").and_then(|length| length.parse().ok());
        if !head_only && ![204, 304].contains(&status) {
            match length {
                Some(length) => {
                    heard.body.resize(length, 0);
                    open.read_exact(&mut heard.body)?;
                }
                // A stream: its end is that of the connection, or does not matter.
                None => return Ok(heard),
            }
        }
        if heard.header("connection") != Some("close") {
            self.open = Some(open);
        }
        Ok(heard)
    }
}
