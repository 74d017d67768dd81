//! The answers the host gives itself when a component gives none: RFC 9457 problem details.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use serde_json::json;
use wasmtime_wasi_http::WasiBody;

/// The header that names a request in logs and answers.
pub const REQUEST_ID: &str = "x-request-id";

/// A body that is all there.
pub fn body(bytes: impl Into<Bytes>) -> WasiBody {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// An answer without a body.
pub fn empty(status: StatusCode) -> Response<WasiBody> {
    let mut response = Response::new(body(""));
    *response.status_mut() = status;
    response
}

/// An answer that says what went wrong. `success` and `requestId` are members for clients that read them; others ignore
/// them, as the RFC asks.
pub fn problem(status: StatusCode, detail: &str, request_id: Option<&HeaderValue>) -> Response<WasiBody> {
    let mut members = json!({
        "type": "about:blank",
        "title": status.canonical_reason(),
        "status": status.as_u16(),
        "detail": detail,
        "success": false,
    });
    if let Some(id) = request_id.and_then(|id| id.to_str().ok()) {
        members["requestId"] = id.into();
    }
    let text = members.to_string();
    let length = HeaderValue::from(text.len());
    let mut response = Response::new(body(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(CONTENT_LENGTH, length);
    if let Some(id) = request_id {
        headers.insert(REQUEST_ID, id.clone());
    }
    response
}
