//! What components print: whole lines on the host's own stdout and stderr, so that components never mix within a line.

use std::io::Write as _;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// Longer lines are passed on in pieces.
const MAX_LINE_BYTES: usize = 64 * 1024;

/// One output of one instance. Clones share the line being written.
#[derive(Clone)]
pub struct Lines(Arc<Mutex<Line>>);

struct Line {
    to: Output,
    pending: Vec<u8>,
}

/// Where lines go.
#[derive(Clone, Copy)]
pub enum Output {
    Stdout,
    Stderr,
}

impl Lines {
    pub fn new(to: Output) -> Self {
        Self(Arc::new(Mutex::new(Line { to, pending: Vec::new() })))
    }
}

impl Line {
    fn add(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
        let end = match self.pending.iter().rposition(|byte| *byte == b'\n') {
            Some(at) => at + 1,
            None if self.pending.len() > MAX_LINE_BYTES => self.pending.len(),
            None => return,
        };
        self.to.write(&self.pending[..end]);
        self.pending.drain(..end);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if !self.pending.is_empty() {
            self.pending.push(b'\n');
            self.to.write(&self.pending);
        }
    }
}

impl Output {
    /// A closed terminal or pipe is no reason to fail a request.
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

impl IsTerminal for Lines {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Lines {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

/// Written at once instead of by a task of its own: what a component says just before it traps must not be lost.
impl OutputStream for Lines {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        if let Ok(mut line) = self.0.lock() {
            line.add(&bytes);
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
impl Pollable for Lines {
    async fn ready(&mut self) {}
}

impl AsyncWrite for Lines {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        if let Ok(mut line) = self.0.lock() {
            line.add(bytes);
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
