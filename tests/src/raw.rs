//! Bytes over a socket, for requests that no HTTP client would send.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

const CLOSE: &[u8] = b"connection: close";

/// Sends bytes and reads what is answered until the other side is done. A request that does not ask to close is broken off
/// at its end. An application that closes without a word gives an empty answer.
///
/// # Panics
/// When the application cannot be reached, or neither answers nor closes within 10 s.
pub fn raw(address: &str, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).expect("the application listens");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a socket has a timeout");
    // It may answer and close before it has read everything.
    let _ = stream.write_all(request);
    if !request.windows(CLOSE.len()).any(|window| window == CLOSE) {
        let _ = stream.shutdown(Shutdown::Write);
    }
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => {
            panic!("no end of the answer: {}", answer.escape_ascii())
        }
        _ => String::from_utf8_lossy(&answer).into_owned(),
    }
}
