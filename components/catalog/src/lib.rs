//! An example service: the sample catalogue over HTTP, each answer read through the cache.
//!
//! `x-cache` tells how the look-up ended, `age` how many seconds ago the value was stored. A change of a price goes to the
//! database, then invalidates what its event's rules name, then tells other services.

mod query;

use std::time::Duration;

use edge_cache::access::Role;
use edge_cache::body::Fields;
use edge_cache::invalidate::Report;
use edge_cache::{Fetched, Options, Outcome as Lookup};
use edge_cache_spin::{Answer, Call, Database, Outcome, Problem, Request, Response, event, publish, serve};
use serde_json::{Value, json};

use query::Query;

/// Dearer than this nothing in the shop is, in cents.
const MAX_PRICE: u64 = 100_000_000;

edge_cache_spin::http_service!(handle);

async fn handle(request: Request) -> Response {
    let is_product = query::is_product(request.path());
    serve(request, if is_product { &["GET", "POST"] } else { &["GET"] }, async |call: &Call| {
        if call.method() == "POST" { update(call).await } else { show(call).await }
    })
    .await
}

async fn show(call: &Call) -> Outcome {
    let query = Query::of(call.path(), call.query())?.ok_or_else(|| Problem::no_route(call.path()))?;
    let options = Options {
        grace: Duration::from_secs(300),
        negative_ttl: Some(Duration::from_secs(30)),
        tags: query.tags,
        ..Options::default()
    };
    let found = call.read_through().get_or_set(&query.key, &options, async || query.run(call.config()).await).await;
    let Fetched { value, outcome, age } = found.map_err(Problem::unavailable)?;
    if value.get() == "null" {
        return Err(Problem::nothing_there(call.path()));
    }
    let shown = match outcome {
        Lookup::Hit => "HIT",
        Lookup::Stale => "STALE",
        Lookup::Miss | Lookup::Bypass => "MISS",
    };
    let age = age.unwrap_or_default().as_secs().to_string();
    Ok(Answer::bare(value).header("x-cache", shown).header("age", age))
}

async fn update(call: &Call) -> Outcome {
    call.require(Role::Operator).await?;
    let id = query::product_id(call.path()).ok_or_else(|| Problem::nothing_there(call.path()))?;
    let mut fields = Fields::from_json(&call.body().await?)?;
    let price = fields.positive("priceCents", MAX_PRICE)?;
    fields.finish("priceCents")?;
    let price = price.ok_or_else(|| edge_cache::Error::invalid("priceCents", "is needed, in cents"))?;
    let message = json!({ "type": "product.updated", "id": id }).to_string();
    let event = event(call, message.as_bytes()).await?;
    let database = Database::open(call.config()).await.map_err(Problem::unavailable)?;
    let sql =
        "UPDATE products SET price_cents = CAST(? AS BIGINT) WHERE id = CAST(? AS BIGINT) RETURNING id, price_cents";
    let rows = database.ask(sql, &[&price.to_string(), id]).await.map_err(Problem::unavailable)?;
    if rows.rows.is_empty() {
        return Err(Problem::nothing_there(call.path()));
    }
    let cache = call.cache();
    let invalidated = call.audited(event.record(), event.run(&cache), Report::keys_invalidated).await;
    let report = invalidated.map_err(|error| {
        Problem::from(error).after(&format!(
            "the price is {price} cents now, but what is cached may show the old one until it expires; send the request again"
        ))
    })?;
    publish(call, &message).await;
    let body: Value = json!({ "id": id, "priceCents": price, "keysInvalidated": report.keys_invalidated() });
    Ok(call.report(json!({ "data": body })))
}
