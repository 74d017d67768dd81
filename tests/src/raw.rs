//! Bytes over a socket, for requests that no HTTP client would send.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

const CLOSE: &[u8] = b"connection: close";

/// Sends bytes and reads the response until the other side closes. A request without `connection:
/// close` ends the sending side. The response is empty if the application closes at once.
///
/// # Panics
/// If the application cannot be reached, or neither responds nor closes within 10 s.
pub fn raw(address: &str, request: &[u8]) -> String {
    raw_within(address, request, Duration::from_secs(10))
}

/// Does the same, with another limit than 10 s.
///
/// # Panics
/// As [`raw`].
pub(crate) fn raw_within(address: &str, request: &[u8], limit: Duration) -> String {
    let mut stream = TcpStream::connect(address).expect("the application listens");
    stream
        .set_read_timeout(Some(limit))
        .expect("a socket has a timeout");
    // The application may respond and close before it has read everything.
    let _ = stream.write_all(request);
    if !request.windows(CLOSE.len()).any(|window| window == CLOSE) {
        let _ = stream.shutdown(Shutdown::Write);
    }
    let mut response = Vec::new();

    match stream.read_to_end(&mut response) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => {
            panic!("the response does not end: {}", response.escape_ascii())
        }
        _ => String::from_utf8_lossy(&response).into_owned(),
    }
}
