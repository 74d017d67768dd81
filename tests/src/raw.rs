//! Bytes over a socket, for requests that no HTTP client would send.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Sends bytes, says that no more will come, and reads what is answered until the other side is done. An application that
/// closes without a word gives an empty answer.
///
/// # Panics
/// When the application cannot be reached, or neither answers nor closes within 10 s.
pub fn raw(address: &str, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).expect("the application listens");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a socket has a timeout");
    // It may answer and close before it has read everything.
    let _ = stream.write_all(request);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut answer = Vec::new();
    match stream.read_to_end(&mut answer) {
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
            panic!("no end of the answer: {}", answer.escape_ascii())
        }
        _ => String::from_utf8_lossy(&answer).into_owned(),
    }
}
