//! Responses of the host itself, when a component gives none: RFC 9457 problem details.

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};
use wasmtime_wasi_http::WasiBody;

/// The header that identifies a request in logs and responses.
pub const REQUEST_ID: &str = "x-request-id";

/// Returns a complete body.
pub fn body(bytes: impl Into<Bytes>) -> WasiBody {
    Full::new(bytes.into())
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// Returns a response without a body.
pub fn empty(status: StatusCode) -> Response<WasiBody> {
    let mut response = Response::new(body(""));
    *response.status_mut() = status;
    response
}

/// Returns the members of a problem document. `success` and `requestId` are extensions; clients that
/// do not know them ignore them, as the RFC requires.
pub fn members(status: StatusCode, detail: &str, request_id: Option<&HeaderValue>) -> Value {
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
    members
}

/// Returns a response with a problem document.
pub fn problem(
    status: StatusCode,
    detail: &str,
    request_id: Option<&HeaderValue>,
) -> Response<WasiBody> {
    let text = members(status, detail, request_id).to_string();
    let length = HeaderValue::from(text.len());

    let mut response = Response::new(body(text));
    *response.status_mut() = status;

    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    headers.insert(CONTENT_LENGTH, length);
    if let Some(id) = request_id {
        headers.insert(REQUEST_ID, id.clone());
    }
    response
}

/// Returns a 503 that the client can retry after a second.
pub fn unavailable(detail: &str, request_id: Option<&HeaderValue>) -> Response<WasiBody> {
    let mut response = problem(StatusCode::SERVICE_UNAVAILABLE, detail, request_id);
    let headers = response.headers_mut();
    headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    response
}
