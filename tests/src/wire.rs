//! HTTP over a persistent socket, for thousands of requests that no HTTP client would send.

use std::io::{BufRead, BufReader, Read, Result, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Longer than any response may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A connection to the application, which is opened again when it closes.
pub struct Wire {
    address: String,
    open: Option<BufReader<TcpStream>>,
}

/// An unchecked response.
#[derive(Debug)]
pub struct WireResponse {
    /// The status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl WireResponse {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

impl Wire {
    /// Returns a connection to this address, which is opened at its first use.
    pub fn to(address: &str) -> Self {
        Self {
            address: address.to_owned(),
            open: None,
        }
    }

    /// Sends a request and reads the response; on a new connection if the old one has been closed.
    ///
    /// # Errors
    /// If the application does not listen or does not respond.
    pub fn send(&mut self, request: &[u8], head_only: bool) -> Result<WireResponse> {
        if let Some(open) = self.open.take()
            && let Ok(response) = self.send_on(open, request, head_only)
        {
            return Ok(response);
        }
        let stream = TcpStream::connect(&self.address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        self.send_on(BufReader::new(stream), request, head_only)
    }

    fn send_on(
        &mut self,
        mut open: BufReader<TcpStream>,
        request: &[u8],
        head_only: bool,
    ) -> Result<WireResponse> {
        open.get_mut().write_all(request)?;
        let mut line = String::new();
        let mut next = |open: &mut BufReader<TcpStream>| {
            line.clear();
            match open.read_line(&mut line)? {
                0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
                _ => Ok::<_, std::io::Error>(line.trim_end().to_owned()),
            }
        };
        let status = next(&mut open)?
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .unwrap_or(0);
        let mut headers = Vec::new();

        loop {
            let line = next(&mut open)?;
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }

        let mut response = WireResponse {
            status,
            headers,
            body: Vec::new(),
        };
        let length = response
            .header("content-length")
            .and_then(|length| length.parse().ok());
        if !head_only && ![204, 304].contains(&status) {
            match length {
                Some(length) => {
                    response.body.resize(length, 0);
                    open.read_exact(&mut response.body)?;
                }
                // A stream without a length ends with its connection.
                None => return Ok(response),
            }
        }

        if response.header("connection") != Some("close") {
            self.open = Some(open);
        }
        Ok(response)
    }
}
