//! Limits for the clients of the host.

use std::time::Duration;

/// Bytes per second that a client has to read of its responses.
pub const MIN_READ_RATE: u64 = 1 << 10;

/// The resources that connections may use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Time from accepting a connection, or from the first byte of a later request, to the end of
    /// the request's head.
    pub head: Duration,
    /// Time between two requests.
    pub idle: Duration,
    /// How long a client may send nothing of a body that is awaited, or lag behind
    /// [`MIN_READ_RATE`].
    pub stall: Duration,
    /// Open connections.
    pub connections: usize,
    /// Bytes of responses that clients have not read, over all connections.
    pub unread_bytes: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documents_state_the_rate_at_which_a_client_has_to_read() {
        let document = include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../docs/RELIABILITY.md"
        ));
        let words: Vec<&str> = document.split_whitespace().collect();

        let kib = MIN_READ_RATE >> 10;
        let sentence = format!("read less than {kib} KiB of its responses a second");
        assert!(words.join(" ").contains(&sentence), "{sentence}");
    }
}
