//! Passing a response to the host: its headers at once, its body from a task of its own.

use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{Either, select};
use spin_sdk::wasip3::http::types::{ErrorCode, Fields, Response as HostResponse};
use spin_sdk::wasip3::wit_bindgen::StreamWriter;
use spin_sdk::wasip3::{wit_bindgen, wit_future, wit_stream};

use crate::http::response::{Body, TextStream};

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
        let is_whole = write_body(&mut writer, body).await;
        drop(writer);
        let failed = ErrorCode::InternalError(None);
        let _ = end
            .write(if is_whole { Ok(None) } else { Err(failed) })
            .await;
    });
    response
}

/// Writes a body; false if it failed before its end. A client that disconnects is not an error.
async fn write_body(writer: &mut StreamWriter<u8>, body: Body) -> bool {
    match body {
        Body::Complete(bytes) => {
            write_piece(writer, bytes.into()).await;
        }

        Body::Events(mut events) => {
            while let Some(event) =
                next_or_comment(&mut events, spin_sdk::time::sleep(MAX_SILENCE)).await
            {
                if !write_piece(writer, event.into()).await {
                    break;
                }
            }
        }

        Body::Pieces(mut pieces) => {
            while let Some(piece) = pieces.next().await {
                if !write_piece(writer, piece.into()).await {
                    break;
                }
            }
        }

        Body::Bytes(_, mut pieces) => {
            while let Some(piece) = pieces.next().await {
                let Some(piece) = piece else {
                    return false;
                };
                if !write_piece(writer, piece).await {
                    break;
                }
            }
        }
    }
    true
}

/// Writes a piece of a body, which may be empty; false if the client has disconnected.
async fn write_piece(writer: &mut StreamWriter<u8>, piece: Vec<u8>) -> bool {
    piece.is_empty() || writer.write_all(piece).await.is_empty()
}

/// Returns the next event, or a comment if `silence` ends first: proxies close idle connections,
/// and only a write shows that the client has disconnected. `None` after the last event.
async fn next_or_comment(
    events: &mut TextStream,
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
        let mut silent: TextStream = Box::pin(stream::pending());

        let waiting = next_or_comment(&mut silent, pending()).now_or_never();
        assert_eq!(waiting, None, "the silence has not lasted long enough");

        for _ in 0..2 {
            let next = next_or_comment(&mut silent, ready(())).now_or_never();
            assert_eq!(next, Some(Some(COMMENT.to_owned())));
        }
    }

    #[test]
    fn a_stream_ends_after_its_last_event() {
        let mut events: TextStream = Box::pin(stream::iter(["event".to_owned()]));

        let first = next_or_comment(&mut events, ready(())).now_or_never();
        let second = next_or_comment(&mut events, ready(())).now_or_never();

        assert_eq!(first, Some(Some("event".to_owned())));
        assert_eq!(second, Some(None));
    }
}
