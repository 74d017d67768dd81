//! Bodies in transfer: each knows whether it waits for the client, and how much of a response the
//! client has not read yet.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http::{Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use wasmtime_wasi_http::{Error, WasiBody};

use super::activity::{Activity, ClientWait, RequestInFlight};
use super::connections::Connections;
use super::problem::{REQUEST_ID, unavailable};
use super::unread::UnreadBytes;

/// The body of a request, which the client has to send.
struct ReceivedBody {
    body: Incoming,
    wait: ClientWait,
}

/// The body of a response, which the client has to read.
pub struct ResponseBody {
    body: WasiBody,
    /// Its length is unknown; each part adds to the unread bytes.
    is_open_ended: bool,
    unread: Arc<UnreadBytes>,
    wait: ClientWait,
    _request: RequestInFlight,
}

/// A part of a response that is not written yet.
pub struct UnwrittenPart {
    bytes: Bytes,
    unread: Arc<UnreadBytes>,
}

/// Wraps the body of a request for components.
pub fn track_request(request: Request<Incoming>, activity: &Arc<Activity>) -> Request<WasiBody> {
    request.map(|body| {
        let wait = ClientWait::for_sending(activity);
        ReceivedBody { body, wait }.boxed_unsync()
    })
}

/// Wraps the body of a response for the connection. Replaces the response by a 503 if clients have
/// too many unread bytes.
pub fn track_response(
    response: Response<WasiBody>,
    in_flight: RequestInFlight,
    activity: &Arc<Activity>,
    all: &Arc<Connections>,
) -> Response<ResponseBody> {
    let response = if all.has_memory() {
        response
    } else {
        let detail = "too many responses wait for their clients to read them; try again shortly";
        unavailable(detail, response.headers().get(REQUEST_ID))
    };

    response.map(|body| {
        let length = body.size_hint().exact();
        let length = length.and_then(|length| usize::try_from(length).ok());
        let unread = UnreadBytes::new(length.unwrap_or_default(), activity, all);

        let mut wait = ClientWait::for_reading(activity);
        // HTTP/2 asks for the body only after the client grants a window for it.
        wait.set_waiting(!body.is_end_stream());

        ResponseBody {
            body,
            is_open_ended: length.is_none(),
            unread,
            wait,
            _request: in_flight,
        }
    })
}

impl Body for ReceivedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        match &frame {
            Poll::Pending => self.wait.set_waiting(true),
            // An empty frame gains the client no time.
            Poll::Ready(Some(Ok(frame))) if frame.data_ref().is_some_and(Bytes::is_empty) => {}
            Poll::Ready(_) => self.wait.record_arrival(),
        }
        frame.map_err(Error::from)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Body for ResponseBody {
    type Data = UnwrittenPart;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<UnwrittenPart>, Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        self.wait
            .set_waiting(matches!(frame, Poll::Ready(Some(Ok(_)))));

        frame.map_ok(|frame| {
            frame.map_data(|bytes| {
                if self.is_open_ended {
                    self.unread.add(bytes.len());
                }
                self.unread.record_unwritten(bytes.len());
                UnwrittenPart {
                    bytes,
                    unread: self.unread.clone(),
                }
            })
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Buf for UnwrittenPart {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
        self.unread.record_written(count);
    }
}

impl Drop for UnwrittenPart {
    fn drop(&mut self) {
        if !self.bytes.is_empty() {
            self.unread.record_written(self.bytes.len());
        }
    }
}
