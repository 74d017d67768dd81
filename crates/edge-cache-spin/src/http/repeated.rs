//! Repeated requests: with an `Idempotency-Key`, a change is carried out once, and further requests with
//! the key get the answer of the first (draft-ietf-httpapi-idempotency-key-header).

use std::pin::pin;

use edge_cache::Redis;
use edge_cache_admin::admin::idempotency::{
    Claim, IdempotencyClaim, IdempotencyKey, KeptAnswer, RENEWAL_INTERVAL,
};
use futures_util::future::{Either, select};
use serde::{Deserialize, Serialize};

use crate::http::call::Call;
use crate::http::problem::Problem;
use crate::http::request_id::random_id;
use crate::http::response::{Body, Response};
use crate::http::route::Method;
use crate::http::serve::HandlerResult;
use crate::log;

/// The header of the request, and the one by which a kept answer is recognised.
const KEY_HEADER: &str = "idempotency-key";
const REPLAYED_HEADER: &str = "idempotency-replayed";
/// Headers of an answer that are kept with it.
const KEPT_HEADERS: [&str; 2] = ["location", "preference-applied"];
/// Seconds until a retry while the first request is running.
const RETRY_AFTER_SECONDS: &str = "1";

/// The parts of an answer that are kept beside its body.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    status: u16,
    headers: Vec<(String, String)>,
    operation_id: Option<String>,
}

impl Call {
    /// Runs the handler of a method. A change with an `Idempotency-Key` is carried out once: two round
    /// trips more, and one every 20 s while it runs. Without the header none.
    ///
    /// The handler's future is boxed, because the layout of the nested ones would be too deep.
    pub(crate) async fn run_handler(
        &self,
        method: &Method,
        handler: impl AsyncFnOnce(&Call) -> HandlerResult,
    ) -> HandlerResult {
        if !method.is_change() {
            return Box::pin(handler(self)).await;
        }
        let keys = self.head.raw_headers(KEY_HEADER);
        let key = match keys.as_slice() {
            [] => return Box::pin(handler(self)).await,
            [key] => self.idempotency_key(key).await?,
            _ => {
                return Err(Problem::idempotency_key_invalid(
                    "the header Idempotency-Key is given twice",
                ));
            }
        };

        match key.claim(&self.audit_redis(), random_id()).await? {
            Claim::Begun(claim) => self.run_claimed(claim, handler).await,
            Claim::Answered(answer) => self.repeat(&answer),
            Claim::Running => Err(Problem::idempotency_running(RETRY_AFTER_SECONDS)),
            Claim::OtherRequest => Err(Problem::idempotency_key_reused()),
        }
    }

    /// The key with the request that it names: method, path, query and body.
    async fn idempotency_key(&self, key: &[u8]) -> Result<IdempotencyKey, Problem> {
        let body = self.peek_body().await?;
        let request = [
            self.method().as_bytes(),
            self.route_path().as_bytes(),
            self.query().as_bytes(),
            &body,
        ];
        IdempotencyKey::new(&self.caller_name(), key, &request)
            .map_err(|error| Problem::idempotency_key_invalid(error.to_string()))
    }

    /// Runs the handler and renews its claim meanwhile. Keeps a success; frees the key after a failure.
    async fn run_claimed(
        &self,
        claim: IdempotencyClaim,
        handler: impl AsyncFnOnce(&Call) -> HandlerResult,
    ) -> HandlerResult {
        let redis = self.audit_redis();
        let result = {
            let renewing = pin!(renew_until_dropped(&claim, &redis));
            match select(Box::pin(handler(self)), renewing).await {
                Either::Left((result, _)) => result,
                Either::Right((never, _)) => never,
            }
        };

        let kept = match &result {
            Ok(response) => match self.head_and_body(response) {
                Some((head, body)) => claim.keep(&redis, &head, &body).await,
                None => claim.free(&redis).await,
            },
            Err(_) => claim.free(&redis).await,
        };
        if let Err(error) = kept {
            log::failure(self.request_id(), "idempotency.not_kept", &error.message);
        }
        result
    }

    /// The parts of an answer that are kept; `None` for a stream.
    fn head_and_body(&self, response: &Response) -> Option<(String, String)> {
        let Body::Complete(bytes) = &response.body else {
            return None;
        };
        let is_kept = |name: &str| KEPT_HEADERS.contains(&name);
        let kept = response.headers.iter().filter(|(name, _)| is_kept(name));
        let head = Head {
            status: response.status,
            headers: kept
                .map(|(name, value)| ((*name).to_owned(), value.clone()))
                .collect(),
            operation_id: self.operation_id(),
        };
        let head = serde_json::to_string(&head).ok()?;
        Some((head, String::from_utf8_lossy(bytes).into_owned()))
    }

    /// Answers like the first request.
    fn repeat(&self, answer: &KeptAnswer) -> HandlerResult {
        let Ok(head) = serde_json::from_str::<Head>(&answer.head) else {
            return Err(Problem::idempotency_answer_lost());
        };
        self.operation_id.replace(head.operation_id);
        if answer.is_cut {
            return Err(Problem::idempotency_answer_lost());
        }

        let mut response = Response::kept(head.status, answer.body.clone());
        for name in KEPT_HEADERS {
            let found = head.headers.iter().find(|(kept, _)| kept == name);
            if let Some((_, value)) = found {
                response = response.with_header(name, value.as_str());
            }
        }
        Ok(response.with_header(REPLAYED_HEADER, "true"))
    }
}

/// Renews a claim for as long as it is polled. A renewal that fails is tried again in time.
async fn renew_until_dropped(claim: &IdempotencyClaim, redis: &impl Redis) -> HandlerResult {
    loop {
        spin_sdk::time::sleep(RENEWAL_INTERVAL).await;
        let _ = claim.renew(redis).await;
    }
}
