//! Posting alerts to webhooks. Hosts allow the addresses of the variables `alert_hosts`.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use edge_cache_admin::admin::alerts::{PostRequest, Poster};
use futures_util::future::{Either, select};
use http_body_util::Full;
use spin_sdk::http::send;

/// The time limit of a request. Deliveries are claimed for longer.
const TIME_LIMIT: Duration = Duration::from_secs(5);

/// Posts to webhooks from the component that serves a request.
#[derive(Debug, Default)]
pub struct Webhooks;

impl Poster for Webhooks {
    async fn post(&self, request: PostRequest<'_>) -> Result<u16, String> {
        let origin = request.origin();
        let limit = spin_sdk::time::sleep(TIME_LIMIT);
        match select(pin!(post(request)), pin!(limit)).await {
            Either::Left((result, _)) => result.map_err(|error| explain(&error, &origin)),
            Either::Right(_) => {
                let seconds = TIME_LIMIT.as_secs();
                Err(format!("there was no answer within {seconds} s"))
            }
        }
    }
}

/// Fails with the host's name of the failure.
async fn post(request: PostRequest<'_>) -> Result<u16, String> {
    let mut builder = http::Request::post(request.url());
    for (name, value) in &request.headers {
        builder = builder.header(*name, value);
    }
    let length = request.body.len();
    let body = Full::new(Bytes::from(request.body));
    let request = builder
        .header("content-type", "application/json")
        .header("content-length", length)
        .body(body)
        .map_err(|_| "the address is not a URL".to_owned())?;
    let response = send(request).await.map_err(|error| format!("{error:?}"))?;
    Ok(response.status().as_u16())
}

/// Explains a failure. The host's text may have the address, which may be a secret.
fn explain(failure: &str, origin: &str) -> String {
    let variant = failure.split('(').next().unwrap_or_default();
    let name = variant.rsplit("::").next().unwrap_or_default();
    if name.contains("Denied") {
        return format!("the host does not allow {origin}: set `alert_hosts` to it");
    }
    format!("there was no answer ({name})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forbidden_address_is_explained_without_its_path() {
        let failure = "ErrorCode::HttpRequestDenied";
        let text = explain(failure, "https://hooks.example.com");
        assert!(text.contains("set `alert_hosts`"), "{text}");

        let failure = "ErrorCode::InternalError(Some(\"https://hooks.example.com/secret\"))";
        let text = explain(failure, "https://hooks.example.com");
        assert_eq!(text, "there was no answer (InternalError)");
    }
}
