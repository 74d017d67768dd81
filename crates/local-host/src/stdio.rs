//! The output of components, written to the host's stdout and stderr in whole lines, so that two
//! components never share a line.

use std::io::Write as _;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// Longest line that is written in one piece.
const MAX_LINE_BYTES: usize = 64 * 1024;

/// One output of one instance. Clones share the line being written.
#[derive(Clone)]
pub struct LineWriter(Arc<Mutex<Line>>);

struct Line {
    output: Output,
    pending: Vec<u8>,
}

/// The stream of the host that lines go to.
#[derive(Clone, Copy)]
pub enum Output {
    Stdout,
    Stderr,
}

impl LineWriter {
    pub fn new(output: Output) -> Self {
        Self(Arc::new(Mutex::new(Line {
            output,
            pending: Vec::new(),
        })))
    }
}

impl Line {
    fn append(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);

        let last_newline = self.pending.iter().rposition(|byte| *byte == b'\n');
        let end = match last_newline {
            Some(index) => index + 1,
            None if self.pending.len() > MAX_LINE_BYTES => self.pending.len(),
            None => return,
        };

        self.output.write(&self.pending[..end]);
        self.pending.drain(..end);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if !self.pending.is_empty() {
            self.pending.push(b'\n');
            self.output.write(&self.pending);
        }
    }
}

impl Output {
    /// Writes `bytes` at once. A closed terminal or pipe does not fail a request.
    fn write(self, bytes: &[u8]) {
        let _ = match self {
            Self::Stdout => {
                let mut stdout = std::io::stdout().lock();
                stdout.write_all(bytes).and_then(|()| stdout.flush())
            }
            Self::Stderr => std::io::stderr().lock().write_all(bytes),
        };
    }
}

impl IsTerminal for LineWriter {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for LineWriter {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

/// Writes at once instead of in a task of its own, so that the last output before a trap is kept.
impl OutputStream for LineWriter {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        if let Ok(mut line) = self.0.lock() {
            line.append(&bytes);
        }
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(MAX_LINE_BYTES)
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for LineWriter {
    async fn ready(&mut self) {}
}

impl AsyncWrite for LineWriter {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        if let Ok(mut line) = self.0.lock() {
            line.append(bytes);
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
