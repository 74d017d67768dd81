//! Calls every operation of openapi.yaml through the generated client: with success, without a valid
//! token, with a parameter that the operation does not have, and for something that does not exist.
//! Every error must be a `Problem`.
//!
//! ```text
//! call-every-route ORIGIN TOKEN
//! ```
//!
//! Started by `tests/tests/clients.rs`, which prepares Redis and checks in the application's log that no
//! operation was left out.

use std::env;
use std::future::Future;
use std::pin::Pin;

use progenitor_client::{ClientHooks, ClientInfo, Error, OperationInfo, ResponseValue};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use generated::Client;
use generated::types::{HealthFailure, Problem};

#[expect(warnings, clippy::all, reason = "generated")]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/client.rs"));
}

const KEY: &str = "clients:rust";
const MISSING: &str = "clients:missing";
const JOB: &str = "0123456789abcdef0123";
const DRY_RUN: &str = "0123456789abcdef0125";
const MISSING_JOB: &str = "0123456789abcdef0124";
/// The id of a recorded change, and that of none.
const OPERATION: &str = "4102444800000-0-1-0123456789abcdef";
const MISSING_OPERATION: &str = "4102444800000-0-1-0123456789abcdee";
/// The hashes of the values `1` and `2`.
const HASH_OF_ONE: &str = "356a192b7913b04c54574d18c28d46e6395428ab";
const HASH_OF_TWO: &str = "da4b9237bacccdf19c0760cab7aec4a8359010b0";

type Outcome = Result<u16, Problem>;
type Call = for<'a> fn(&'a Client) -> Pin<Box<dyn Future<Output = Outcome> + 'a>>;

/// An error of an operation.
trait TypedError {
    fn into_problem(self) -> Problem;
}

impl TypedError for Problem {
    fn into_problem(self) -> Problem {
        self
    }
}

impl TypedError for HealthFailure {
    fn into_problem(self) -> Problem {
        match self {
            Self::Problem(problem) => problem,
            Self::HealthDown(down) => panic!("unhealthy: {}", down.redis.error),
        }
    }
}

/// Adds a parameter that no operation has, if the client was built for that.
impl ClientHooks<bool> for Client {
    async fn pre<E>(
        &self,
        request: &mut reqwest::Request,
        _operation: &OperationInfo,
    ) -> Result<(), Error<E>> {
        if *self.inner() {
            request
                .url_mut()
                .query_pairs_mut()
                .append_pair("unknown", "1");
        }
        Ok(())
    }
}

fn outcome<T, E: TypedError + std::fmt::Debug>(
    result: Result<ResponseValue<T>, Error<E>>,
) -> Outcome {
    match result {
        Ok(response) => Ok(response.status().as_u16()),
        Err(Error::ErrorResponse(response)) => Err(response.into_inner().into_problem()),
        Err(other) => panic!("no documented response: {other:?}"),
    }
}

/// Reads a body of a request.
fn body<T: DeserializeOwned>(json: Value) -> T {
    serde_json::from_value(json).unwrap()
}

/// Makes a list of calls, each with the type of [`Call`].
macro_rules! calls {
    ($(|$client:ident| $call:expr,)*) => {
        vec![$({
            let call: Call = |$client| Box::pin(async move { outcome($call.await) });
            call
        }),*]
    };
}

fn public_calls() -> Vec<Call> {
    calls! {
        |client| client.get_health(),
        |client| client.get_liveness(),
        |client| client.get_readiness(),
    }
}

/// The protected operations, each with arguments for a success. `tests/tests/clients.rs` has created
/// what they need.
fn protected_calls() -> Vec<Call> {
    calls! {
        |client| client.get_stats(),
        |client| client.get_metrics(),
        |client| client.get_alerts(),
        |client| client.list_audit(None, None, None, None, None, None, None, None),
        |client| client.read_operation(OPERATION),
        |client| client.get_history(None, None, None, None),
        |client| client.analyse(None, &body(json!({ "depth": 2 }))),
        |client| client.get_analysis(None),
        |client| client.get_hot_keys(None, None),
        |client| client.list_slowlog(None, None),
        |client| client.list_keys(None, Some(true), None, None, None, None, Some("clients:*"), None, None),
        |client| client.inspect_key(None, None, Some(KEY), None, None),
        |client| client.inspect_long_key(&body(json!({ "key": KEY }))),
        |client| client.inspect_plain_key(KEY, None, None, None),
        |client| client.edit_key(None, &body(json!({ "key": KEY, "value": "2", "if": HASH_OF_ONE }))),
        |client| client.edit_plain_key(KEY, None, &body(json!({ "value": "1", "if": HASH_OF_TWO }))),
        |client| client.undo_operation(OPERATION, None),
        |client| client.change_key_expiry(None, &body(json!({ "key": KEY, "ttl": 600 }))),
        |client| client.change_plain_key_expiry(KEY, None, &body(json!({ "ttl": 600 }))),

        |client| client.set_ttl(None, &body(json!({ "prefix": "clients", "ttl": 60 }))),
        |client| client.get_ttl(),
        |client| client.reset_ttl(None, None, &body(json!({ "prefix": "clients" }))),
        |client| client.set_rule(None, &body(json!({ "event": "clients.changed", "keys": ["clients:{id}"] }))),
        |client| client.get_rules(),
        |client| client.reset_rule(None, None, &body(json!({ "event": "clients.changed" }))),

        |client| client.get_warmup_plan(),
        |client| client.get_warmup(),

        |client| client.get_catalog_invalidate_cache(None),
        |client| client.post_catalog_invalidate_cache(None),
        |client| client.post_manufacturers_cache_clear(None),
        |client| client.post_blog_refresh_cache(None),
        |client| client.post_products_cache_clear(None),
        |client| client.post_users_cache_clear(None),
        |client| client.post_vehicles_cache_clear(None),
        |client| client.post_config_cache_clear(None),
        |client| client.post_seo_cache_clear(None),
        |client| client.post_suppliers_cache_clear(None),
        |client| client.post_dashboard_cache_clear(None),

        // A warmup seems to be running until its lock is removed.
        |client| client.cancel_warmup(None),
        |client| client.remove_key(None, &body(json!({ "key": "lock:cache:warmup" }))),
        |client| client.warm_up(None, None, &body(json!({ "modules": ["users"] }))),
        |client| client.wake_schedule(None),
        |client| client.take_event(None, &body(json!({ "type": "product.updated", "id": "1" }))),

        |client| client.expire_keys(None, None, &body(json!({ "pattern": "clients:*", "ttl": 60 }))),
        |client| client.clear_cache(None, None, &body(json!({ "pattern": "clients:*", "dryRun": true }))),
        |client| client.invalidate(None, None, &body(json!({ "keys": [KEY] }))),
        |client| client.invalidate_by_post(None, None, &body(json!({ "tags": ["clients"] }))),

        // The stored job is paused, and no worker advances it: the test holds the lease.
        |client| client.list_jobs(None, None, None),
        |client| client.read_job(JOB),
        |client| client.resume_job(JOB, None),
        |client| client.pause_job(JOB, None),
        |client| client.cancel_job(JOB, None),
        |client| client.execute_dry_run(DRY_RUN, None, &body(json!({ "by": "pattern" }))),
    }
}

/// Calls for something that does not exist.
fn calls_for_nothing() -> Vec<Call> {
    calls! {
        |client| client.inspect_key(None, None, Some(MISSING), None, None),
        |client| client.inspect_long_key(&body(json!({ "key": MISSING }))),
        |client| client.inspect_plain_key(MISSING, None, None, None),
        |client| client.edit_key(None, &body(json!({ "key": MISSING, "value": "2", "if": HASH_OF_ONE }))),
        |client| client.edit_plain_key(MISSING, None, &body(json!({ "value": "1", "if": HASH_OF_TWO }))),
        |client| client.undo_operation(MISSING_OPERATION, None),
        |client| client.change_key_expiry(None, &body(json!({ "key": MISSING, "ttl": 600 }))),
        |client| client.change_plain_key_expiry(MISSING, None, &body(json!({ "ttl": 600 }))),
        |client| client.remove_key(None, &body(json!({ "key": MISSING }))),
        |client| client.reset_ttl(None, None, &body(json!({ "prefix": "missing" }))),
        |client| client.reset_rule(None, None, &body(json!({ "event": "missing" }))),
        |client| client.cancel_warmup(None),
        |client| client.read_job(MISSING_JOB),
        |client| client.read_operation(MISSING_OPERATION),
        |client| client.get_analysis(Some("1-0")),
        |client| client.resume_job(MISSING_JOB, None),
        |client| client.pause_job(MISSING_JOB, None),
        |client| client.cancel_job(MISSING_JOB, None),
        |client| client.execute_dry_run(MISSING_JOB, None, &body(json!({}))),
        |client| client.get_dashboard_file("missing.js"),
    }
}

/// The calls of the dashboard, which accepts any parameter.
fn dashboard_calls() -> Vec<Call> {
    calls! {
        |client| client.get_dashboard(),
        |client| client.get_dashboard_file("index.html"),
    }
}

/// A client that sends this token from an address behind a proxy.
fn client(origin: &str, token: &str, address: &str, is_careless: bool) -> Client {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
    headers.insert(
        HeaderName::from_static("x-forwarded-for"),
        address.parse().unwrap(),
    );

    let http = reqwest::Client::builder().default_headers(headers);
    Client::new_with_client(origin, http.build().unwrap(), is_careless)
}

fn expect_success(outcome: &Outcome) {
    assert!(matches!(outcome, Ok(200 | 202)), "{outcome:?}");
}

fn expect_problem(outcome: Outcome, status: i64, name: &str) -> Problem {
    let problem = outcome.expect_err("a problem");
    assert_eq!(i64::from(problem.status), status, "{problem:?}");
    assert_eq!(
        problem.type_,
        format!("urn:edge-cache:problem:{name}"),
        "{problem:?}"
    );
    problem
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [origin, token] = arguments.as_slice() else {
        panic!("call-every-route ORIGIN TOKEN");
    };
    let admin = client(origin, token, "203.0.113.255", false);
    let careless = client(origin, token, "203.0.113.255", true);

    for call in public_calls().into_iter().chain(protected_calls()) {
        expect_success(&call(&admin).await);
        let problem = expect_problem(call(&careless).await, 422, "invalid-field");
        assert_eq!(problem.field.as_deref(), Some("unknown"));
    }

    for (number, call) in protected_calls().into_iter().enumerate() {
        // After 20 attempts from one address, the answer is 429.
        let stranger = client(origin, "not-a-token", &format!("203.0.113.{number}"), false);
        expect_problem(call(&stranger).await, 401, "unauthenticated");
    }

    for call in calls_for_nothing() {
        expect_problem(call(&admin).await, 404, "not-found");
    }
    for call in dashboard_calls() {
        expect_success(&call(&admin).await);
    }
}
