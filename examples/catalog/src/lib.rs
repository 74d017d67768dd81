//! The sample shop: an example service that reads its catalogue through the cache.
//!
//! A response has the header `x-cache` with the outcome of the lookup, and `age` with the seconds
//! since the value was stored. A change of a price goes to the database first; then the event
//! `product.updated` invalidates what its rules name; then other services receive the event.

mod query;
mod sql;

use std::time::Duration;

use edge_cache::{Fetched, LookupOutcome, Options};
use edge_cache_admin::input::Fields;
use edge_cache_admin::{Error, Role};
use edge_cache_spin::{
    Call, Database, HandlerResult, HostResponse, Method, Problem, Request, Response, parse_event,
    publish_event, run_event, serve,
};
use serde_json::json;

use query::Query;

const READ_METHODS: &[Method] = &[Method::public("GET").with_query()];
const PRODUCT_METHODS: &[Method] = &[
    Method::public("GET").with_query(),
    Method::new("POST", Role::Operator).with_body(),
];
/// An unknown path returns 404 whatever the request contains.
const UNKNOWN_PATH_METHODS: &[Method] = &[Method::public("GET").with_query().with_body()];
/// Highest accepted price, in cents.
const MAX_PRICE_CENTS: u64 = 100_000_000;

edge_cache_spin::http_service!(handle);

async fn handle(request: Request) -> HostResponse {
    let path = request.route_path();
    let methods = if query::is_product(path) {
        PRODUCT_METHODS
    } else if let Ok(None) = Query::for_path(path, "") {
        UNKNOWN_PATH_METHODS
    } else {
        READ_METHODS
    };

    serve(request, methods, async |call: &Call| match call.method() {
        "POST" => change_price(call).await,
        _ => show(call).await,
    })
    .await
}

async fn show(call: &Call) -> HandlerResult {
    let query = Query::for_path(call.route_path(), call.query())?
        .ok_or_else(|| Problem::no_route(call.path()))?;
    let options = Options {
        grace: Duration::from_secs(300),
        negative_ttl: Some(Duration::from_secs(30)),
        tags: query.tags,
        near: call.config().near,
        ..Options::default()
    };

    let fetched = call
        .cache()?
        .get_or_set(&query.key, &options, async || {
            query.run(call.config()).await
        })
        .await
        .map_err(Problem::unavailable)?;
    let Fetched {
        value,
        outcome,
        age,
        ..
    } = fetched;
    if value.get() == "null" {
        return Err(Problem::not_found(call.path()));
    }

    let age_seconds = age.unwrap_or_default().as_secs().to_string();
    Ok(Response::json(value)
        .with_header("x-cache", describe(outcome))
        .with_header("age", age_seconds))
}

/// The outcome of a lookup as the header `x-cache` has it.
fn describe(outcome: LookupOutcome) -> &'static str {
    match outcome {
        LookupOutcome::Hit => "HIT",
        LookupOutcome::Near => "NEAR",
        LookupOutcome::Stale => "STALE",
        LookupOutcome::Miss | LookupOutcome::Bypass => "MISS",
    }
}

async fn change_price(call: &Call) -> HandlerResult {
    let id = query::product_id(call.route_path()).ok_or_else(|| Problem::not_found(call.path()))?;
    let price_cents = parse_price(&call.body().await?)?;
    // Parsed first: rules with a mistake must not leave a changed price cached.
    let message = json!({ "type": "product.updated", "id": id }).to_string();
    let event = parse_event(call, message.as_bytes()).await?;

    if !store_price(call, id, price_cents).await? {
        return Err(Problem::not_found(call.path()));
    }

    let report = run_event(call, &event).await.map_err(|error| {
        Problem::from(error).with_context(&format!(
            "the price is {price_cents} cents now, but cached entries may show the old one \
             until they expire; send the request again"
        ))
    })?;
    publish_event(call, &message).await;

    Ok(call.respond(json!({ "data": {
        "id": id,
        "priceCents": price_cents,
        "keysInvalidated": report.keys_invalidated(),
    } })))
}

fn parse_price(body: &[u8]) -> Result<u64, Error> {
    let mut fields = Fields::from_json(body)?;
    let price = fields.positive("priceCents", MAX_PRICE_CENTS)?;
    fields.reject_unknown("priceCents")?;
    price.ok_or_else(|| Error::invalid("priceCents", "is needed, in cents"))
}

/// Stores the price and returns whether the product exists.
async fn store_price(call: &Call, id: &str, price_cents: u64) -> Result<bool, Problem> {
    let database = Database::open(call.config())
        .await
        .map_err(Problem::unavailable)?;
    let updated = database
        .query(sql::SET_PRICE, &[&price_cents.to_string(), id])
        .await
        .map_err(Problem::unavailable)?;
    Ok(!updated.rows.is_empty())
}
