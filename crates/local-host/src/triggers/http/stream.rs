//! The bytes of a connection: records its activity, and gives the responses of hyper a body.

use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::StatusCode;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::activity::Activity;
use super::problem::members;

/// A client's connection.
pub struct ClientStream {
    stream: TcpStream,
    activity: Arc<Activity>,
    /// Bytes to write before all others: a response that replaces one of hyper.
    replacement: Vec<u8>,
}

impl ClientStream {
    pub fn new(stream: TcpStream, activity: Arc<Activity>) -> Self {
        Self {
            stream,
            activity,
            replacement: Vec::new(),
        }
    }

    /// Writes the rest of the replacement.
    fn poll_replacement(&mut self, context: &mut Context<'_>) -> Poll<Result<()>> {
        while !self.replacement.is_empty() {
            let written = Pin::new(&mut self.stream).poll_write(context, &self.replacement);
            self.activity.record_write(written.is_ready());

            let written = ready!(written)?;
            if written == 0 {
                return Poll::Ready(Err(std::io::ErrorKind::WriteZero.into()));
            }
            self.replacement.drain(..written);
        }
        Poll::Ready(Ok(()))
    }

    /// Returns true if `bytes` count as written because a replacement is sent for them.
    fn replaces(&mut self, bytes: &[u8]) -> bool {
        if !self.activity.is_unserved() {
            return false;
        }
        match with_problem(bytes) {
            Some(replacement) => {
                self.replacement = replacement;
                true
            }
            None => false,
        }
    }
}

/// Adds a problem document to hyper's response to an unreadable request, which has no body. `None`
/// for any other bytes.
fn with_problem(bytes: &[u8]) -> Option<Vec<u8>> {
    let head = std::str::from_utf8(bytes).ok()?.strip_suffix("\r\n\r\n")?;
    let (status_line, headers) = head.split_once("\r\n")?;
    let status = status_line.strip_prefix("HTTP/1.1 ")?.get(..3)?;
    let status = StatusCode::from_bytes(status.as_bytes()).ok()?;
    let detail = detail_of(status)?;

    let mut kept = vec![status_line];
    let mut has_no_body = false;
    for line in headers.lines() {
        match line.split_once(": ")? {
            ("content-length", "0") => has_no_body = true,
            ("connection" | "date", _) => kept.push(line),
            _ => return None,
        }
    }
    if !has_no_body {
        return None;
    }

    let body = members(status, detail, None).to_string();
    let length = format!("content-length: {}", body.len());
    kept.push("content-type: application/problem+json");
    kept.push(&length);
    Some(format!("{}\r\n\r\n{body}", kept.join("\r\n")).into_bytes())
}

/// Returns the detail for a status that hyper sends by itself.
fn detail_of(status: StatusCode) -> Option<&'static str> {
    match status {
        StatusCode::BAD_REQUEST => Some("the request is not valid HTTP"),
        StatusCode::URI_TOO_LONG => {
            Some("the path with its query must be shorter than 65,535 bytes")
        }
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
            Some("at most 100 headers with at most 400 KiB in total are allowed")
        }
        _ => None,
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        if buffer.filled().len() > before {
            self.activity.record_received();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        ready!(self.poll_replacement(context))?;
        if self.replaces(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.activity.record_write(written.is_ready());
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        ready!(self.poll_replacement(context))?;
        if let [only] = slices
            && self.replaces(only)
        {
            return Poll::Ready(Ok(only.len()));
        }

        let written = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.activity.record_write(written.is_ready());
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        ready!(self.poll_replacement(context))?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        ready!(self.poll_replacement(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_of_hyper_gets_a_problem_document() {
        let bare = "HTTP/1.1 414 URI Too Long\r\nconnection: close\r\ncontent-length: 0\r\ndate: today\r\n\r\n";

        let replaced = String::from_utf8(with_problem(bare.as_bytes()).unwrap()).unwrap();

        let (head, body) = replaced.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("connection: close"), "{head}");
        let length = format!("content-length: {}", body.len());
        assert!(head.contains(&length), "{head}");
        assert!(body.contains("\"status\":414"), "{body}");
        assert!(body.contains("65,535"), "{body}");
    }

    #[test]
    fn any_other_response_is_unchanged() {
        for other in [
            "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nx-request-id: a\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\nHTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n",
        ] {
            assert_eq!(with_problem(other.as_bytes()), None, "{other}");
        }
    }
}
