//! Passing a response to the host: its headers at once, its body from a task of its own.

use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{Either, select};
use spin_sdk::wasip3::http::types::{ErrorCode, Fields, Response as HostResponse};
use spin_sdk::wasip3::wit_bindgen::StreamWriter;
use spin_sdk::wasip3::{wit_bindgen, wit_future, wit_stream};

use crate::http::response::{Body, EventStream};

/// Longest silence in a stream of events.
const MAX_SILENCE: Duration = Duration::from_secs(15);
/// A comment in the format of server-sent events, which readers skip.
const COMMENT: &str = ":\n\n";

/// Creates the host's response, and starts the task that writes its body.
pub(crate) fn send(status: u16, fields: &[(String, Vec<u8>)], body: Body) -> HostResponse {
    // All names and values are valid. A response without any is the fallback that cannot fail.
    let headers = Fields::from_list(fields).unwrap_or_else(|_| Fields::new());
    let (mut writer, reader) = wit_stream::new();
    let (end, trailers) = wit_future::new(|| Err(ErrorCode::InternalError(None)));
    let (response, _sent) = HostResponse::new(headers, Some(reader), trailers);
    if status != 200 {
        let _ = response.set_status_code(status);
    }

    wit_bindgen::spawn(async move {
        write_body(&mut writer, body).await;
        drop(writer);
        let _ = end.write(Ok(None)).await;
    });
    response
}

/// Writes a body. A client that disconnects before the end is not an error.
async fn write_body(writer: &mut StreamWriter<u8>, body: Body) {
    match body {
        Body::Complete(bytes) => {
            if !bytes.is_empty() {
                let _ = writer.write_all(bytes.into()).await;
            }
        }
        Body::Events(mut events) => {
            while let Some(event) =
                next_or_comment(&mut events, spin_sdk::time::sleep(MAX_SILENCE)).await
            {
                let unwritten = writer.write_all(event.into()).await;
                if !unwritten.is_empty() {
                    break;
                }
            }
        }
    }
}

/// Returns the next event, or a comment if `silence` ends first: proxies close idle connections,
/// and only a write shows that the client has disconnected. `None` after the last event.
async fn next_or_comment(
    events: &mut EventStream,
    silence: impl Future<Output = ()>,
) -> Option<String> {
    match select(events.next(), pin!(silence)).await {
        Either::Left((event, _)) => event,
        Either::Right(_) => Some(COMMENT.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use futures_util::{FutureExt, stream};

    use super::*;

    #[test]
    fn a_silent_stream_gets_comments_until_its_next_event() {
        let mut silent: EventStream = Box::pin(stream::pending());

        let waiting = next_or_comment(&mut silent, pending()).now_or_never();
        assert_eq!(waiting, None, "the silence has not lasted long enough");

        for _ in 0..2 {
            let next = next_or_comment(&mut silent, ready(())).now_or_never();
            assert_eq!(next, Some(Some(COMMENT.to_owned())));
        }
    }

    #[test]
    fn a_stream_ends_after_its_last_event() {
        let mut events: EventStream = Box::pin(stream::iter(["event".to_owned()]));

        let first = next_or_comment(&mut events, ready(())).now_or_never();
        let second = next_or_comment(&mut events, ready(())).now_or_never();

        assert_eq!(first, Some(Some("event".to_owned())));
        assert_eq!(second, Some(None));
    }
}
