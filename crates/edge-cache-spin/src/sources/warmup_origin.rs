//! The web server of the variable `warmup_origin`, as a source of warmups.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};
use http_body_util::BodyExt;
use serde_json::Value;
use spin_sdk::http::{EmptyBody, Response, send};

use crate::config::Config;
use crate::http::request::RequestHead;

/// Time limit of a response, including its body.
const RESPONSE_TIME_LIMIT: Duration = Duration::from_secs(20);
/// Largest body accepted, in bytes.
const MAX_BODY_BYTES: usize = 64 << 20;

/// The server of the variable `warmup_origin`.
pub(crate) struct WarmupOrigin<'a> {
    pub(crate) config: &'a Config,
    /// The request to whose trace those to the server belong.
    pub(crate) caused_by: &'a RequestHead,
}

impl WarmupOrigin<'_> {
    /// Requests a path, whose body must be JSON: at most 64 MiB, within 20 s.
    ///
    /// # Errors
    /// A message for the operator.
    pub(crate) async fn get(&self, path: &str) -> Result<Value, String> {
        let url = format!("{}{path}", self.config.warmup_origin);
        let body = async { read_body(self.request(&url).await?).await };
        let limit = spin_sdk::time::sleep(RESPONSE_TIME_LIMIT);
        let body = match select(pin!(body), pin!(limit)).await {
            Either::Left((body, _)) => body,
            Either::Right(_) => {
                let seconds = RESPONSE_TIME_LIMIT.as_secs();
                Err(format!("there was no complete response within {seconds} s"))
            }
        };

        let body = body.map_err(|problem| format!("{url}: {problem}"))?;
        serde_json::from_slice(&body)
            .map_err(|error| format!("{url}: the response is not JSON: {error}"))
    }

    /// Sends a request and waits for a successful status.
    async fn request(&self, url: &str) -> Result<Response, String> {
        let mut request = http::Request::get(url).header("accept", "application/json");
        let token = &self.config.warmup_origin_token;
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some(trace) = self.caused_by.trace() {
            request = request.header("traceparent", trace.parent);
            for state in self.caused_by.headers("tracestate") {
                request = request.header("tracestate", state);
            }
        }
        let request = request
            .body(EmptyBody::new())
            .map_err(|error| error.to_string())?;

        let response = send(request)
            .await
            .map_err(|error| format!("the request failed: {error}"))?;
        if !response.status().is_success() {
            return Err(format!("it responded with status {}", response.status()));
        }
        Ok(response)
    }
}

async fn read_body(response: Response) -> Result<Bytes, String> {
    let mut body = response.into_body();
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| format!("the response ended early: {error}"))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };

        if bytes.len() + data.len() > MAX_BODY_BYTES {
            let mebibytes = MAX_BODY_BYTES >> 20;
            return Err(format!("the response is larger than {mebibytes} MiB"));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.into())
}
