//! Reading request bodies, with their size limits.

use http_body_util::BodyExt;
use spin_sdk::wasip3::http::types::{self, ErrorCode};
use spin_sdk::wasip3::http_compat::IncomingRequestBody;

use crate::http::problem::Problem;

/// Largest body accepted, in bytes.
const MAX_BODY_BYTES: usize = 1 << 20;
/// Largest body read to its end, in bytes. A body between the two limits is read and dropped,
/// because a client that is still sending would not see the response.
const MAX_DRAINED_BYTES: usize = 16 << 20;

/// A body that was not read yet.
pub(crate) struct UnreadBody(types::Request);

/// Facts about a body that a client sends before the body itself.
pub(crate) struct AnnouncedBody {
    /// The `content-length`, if there is one.
    pub(crate) length: Option<usize>,
    /// True if the client waits for permission to send (`expect: 100-continue`).
    pub(crate) waits_for_permission: bool,
}

impl AnnouncedBody {
    /// True if the body need not be read to refuse it.
    fn is_refused_unread(&self) -> bool {
        let limit = if self.waits_for_permission {
            MAX_BODY_BYTES
        } else {
            MAX_DRAINED_BYTES
        };
        self.length.is_some_and(|length| length > limit)
    }
}

impl UnreadBody {
    pub(crate) fn new(request: types::Request) -> Self {
        Self(request)
    }

    /// Reads the whole body.
    ///
    /// # Errors
    /// 413 past 1 MiB, 400 if the body ends early.
    pub(crate) async fn read(self, announced: &AnnouncedBody) -> Result<Vec<u8>, Problem> {
        if announced.is_refused_unread() {
            return Err(Problem::body_too_large(MAX_BODY_BYTES));
        }

        let mut body = IncomingRequestBody::new(self.0).map_err(unreadable)?;
        let mut bytes = Vec::with_capacity(announced.length.unwrap_or(0).min(MAX_BODY_BYTES));
        let mut length = 0;
        while length <= MAX_DRAINED_BYTES
            && let Some(frame) = body.frame().await
        {
            let Ok(data) = frame.map_err(unreadable)?.into_data() else {
                continue;
            };
            length += data.len();
            if length <= MAX_BODY_BYTES {
                bytes.extend_from_slice(&data);
            } else {
                bytes.clear();
            }
        }

        if length > MAX_BODY_BYTES {
            return Err(Problem::body_too_large(MAX_BODY_BYTES));
        }
        Ok(bytes)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the signature of map_err")]
fn unreadable(error: ErrorCode) -> Problem {
    Problem::body_unreadable(&error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn announced(length: Option<usize>, waits_for_permission: bool) -> AnnouncedBody {
        AnnouncedBody {
            length,
            waits_for_permission,
        }
    }

    #[test]
    fn a_body_is_refused_unread_if_the_client_waits_or_sends_far_too_much() {
        assert!(!announced(None, true).is_refused_unread());
        assert!(!announced(Some(MAX_BODY_BYTES), true).is_refused_unread());
        assert!(announced(Some(MAX_BODY_BYTES + 1), true).is_refused_unread());
        assert!(!announced(Some(MAX_BODY_BYTES + 1), false).is_refused_unread());
        assert!(announced(Some(MAX_DRAINED_BYTES + 1), false).is_refused_unread());
    }
}
