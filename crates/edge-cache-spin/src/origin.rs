//! A web server as a source of warmups.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};
use http_body_util::BodyExt;
use serde_json::Value;
use spin_sdk::http::{EmptyBody, Response, send};

use crate::config::Config;

/// How long an answer may take, its body included.
const WITHIN: Duration = Duration::from_secs(20);
/// The longest answer taken, in bytes.
const MOST: usize = 64 << 20;

/// The server of the variable `warmup_origin`.
pub(crate) struct Origin<'a>(pub(crate) &'a Config);

impl Origin<'_> {
    /// Gets a path, whose answer must be JSON: at most 64 MiB, within 20 s.
    pub(crate) async fn get(&self, path: &str) -> Result<Value, String> {
        let url = format!("{}{path}", self.0.warmup_origin);
        let answer = async { read(self.ask(&url).await?).await };
        let answer = match select(pin!(answer), pin!(spin_sdk::time::sleep(WITHIN))).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => Err(format!("there was no whole answer within {} s", WITHIN.as_secs())),
        };
        let body = answer.map_err(|problem| format!("{url}: {problem}"))?;
        serde_json::from_slice(&body).map_err(|error| format!("{url}: the answer is not JSON: {error}"))
    }

    async fn ask(&self, url: &str) -> Result<Response, String> {
        let mut request = http::Request::get(url).header("accept", "application/json");
        if !self.0.warmup_origin_token.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.0.warmup_origin_token));
        }
        let request = request.body(EmptyBody::new()).map_err(|error| error.to_string())?;
        let response = send(request).await.map_err(|error| format!("it cannot be asked: {error}"))?;
        if !response.status().is_success() {
            return Err(format!("it answered with the status {}", response.status()));
        }
        Ok(response)
    }
}

async fn read(response: Response) -> Result<Bytes, String> {
    let (mut body, mut read) = (response.into_body(), Vec::new());
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|error| format!("its answer broke off: {error}"))?.into_data() else { continue };
        if read.len() + data.len() > MOST {
            return Err(format!("its answer is longer than {} MiB", MOST >> 20));
        }
        read.extend_from_slice(&data);
    }
    Ok(read.into())
}
