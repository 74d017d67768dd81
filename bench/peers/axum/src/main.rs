//! The administration of a Redis cache, and one cached read, on axum and the `redis` crate.
//!
//! It implements the routes that `scripts/bench` measures, without WebAssembly, audit trail, fences
//! or roles, as the limit of what is possible. Settings come from the environment: `PORT`,
//! `REDIS_PORT`, `TOKEN_SHA256` (hex), `CATALOGUE` (a file of SQL).

mod admin;
mod answer;
mod catalogue;
mod read_through;
mod status;

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Query, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use redis::aio::ConnectionManager;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use answer::{Failure, envelope, timed};

/// State shared by all handlers.
#[derive(Clone)]
struct App {
    redis: ConnectionManager,
    catalogue: Arc<catalogue::Catalogue>,
    loads: Arc<read_through::Loads>,
    token_sha256: Arc<str>,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let variable = |name: &str| std::env::var(name).map_err(|_| format!("{name} is not set"));
    let client = redis::Client::open(format!("redis://127.0.0.1:{}/", variable("REDIS_PORT")?))?;
    let app = App {
        redis: client.get_connection_manager().await?,
        catalogue: Arc::new(catalogue::Catalogue::open(&variable("CATALOGUE")?)?),
        loads: Arc::default(),
        token_sha256: variable("TOKEN_SHA256")?.into(),
    };

    let guarded = Router::new()
        .route("/stats", get(stats))
        .route("/keys", get(keys))
        .route("/clear", post(clear))
        .route("/invalidate", post(invalidate))
        .route("/warmup", post(warmup))
        .route("/scan", get(scan))
        .layer(middleware::from_fn_with_state(app.clone(), authenticate));

    let open = Router::new()
        .route("/health", get(health))
        .route("/health/live", get(live));
    let router = Router::new()
        .nest("/api/cache", guarded.merge(open))
        .route("/api/products/search", get(search))
        .with_state(app);
    let listener =
        tokio::net::TcpListener::bind(format!("127.0.0.1:{}", variable("PORT")?)).await?;
    let listener =
        axum::serve::ListenerExt::tap_io(listener, |stream| drop(stream.set_nodelay(true)));
    axum::serve(listener, router)
        .with_graceful_shutdown(async { drop(tokio::signal::ctrl_c().await) })
        .await?;

    Ok(())
}

async fn authenticate(State(app): State<App>, request: Request, next: Next) -> Response {
    let given = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let token = given
        .and_then(|value| value.strip_prefix("Bearer "))
        .unwrap_or_default();
    let hash: String = Sha256::digest(token)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let differing = hash
        .bytes()
        .zip(app.token_sha256.bytes())
        .fold(0, |sum, (a, b)| sum | (a ^ b));

    if differing != 0 || hash.len() != app.token_sha256.len() {
        let problem = json!({ "success": false, "status": 401, "title": "Unauthorized" });
        return (
            StatusCode::UNAUTHORIZED,
            [(header::WWW_AUTHENTICATE, "Bearer")],
            Json(problem),
        )
            .into_response();
    }

    next.run(request).await
}

async fn live() -> Json<Value> {
    Json(json!({ "status": "live", "timestamp": answer::timestamp() }))
}

async fn health(State(app): State<App>) -> Response {
    let (status, body) = status::health(&app.redis).await;
    (status, Json(body)).into_response()
}

async fn stats(State(app): State<App>) -> Result<Json<Value>, Failure> {
    Ok(envelope(
        json!({ "data": status::stats(&app.redis).await? }),
    ))
}

async fn keys(
    State(app): State<App>,
    Query(query): Query<admin::Page>,
) -> Result<Json<Value>, Failure> {
    Ok(envelope(
        json!({ "data": admin::list(&app.redis, &query).await? }),
    ))
}

#[derive(Deserialize)]
struct ClearBody {
    pattern: String,
}

async fn clear(
    State(app): State<App>,
    Json(body): Json<ClearBody>,
) -> Result<Json<Value>, Failure> {
    let started = Instant::now();
    let removed = admin::clear(&app.redis, &body.pattern).await?;
    let message = format!("Cache cleared for pattern: {}", body.pattern);
    Ok(envelope(
        json!({ "message": message, "stats": timed(started, json!({ "keysDeleted": removed })) }),
    ))
}

#[derive(Deserialize)]
struct InvalidateBody {
    tags: Vec<String>,
}

async fn invalidate(
    State(app): State<App>,
    Json(body): Json<InvalidateBody>,
) -> Result<Json<Value>, Failure> {
    let started = Instant::now();
    let mut tags = serde_json::Map::new();
    let mut removed = 0;

    for tag in body.tags {
        let count = admin::invalidate(&app.redis, &tag).await?;
        removed += count;
        tags.insert(tag, count.into());
    }

    let stats = timed(
        started,
        json!({ "keysInvalidated": removed, "tagsProcessed": tags.len() }),
    );

    Ok(envelope(
        json!({ "message": "Cache invalidated", "stats": stats, "details": { "tags": tags } }),
    ))
}

async fn warmup(State(app): State<App>) -> Result<Json<Value>, Failure> {
    let started = Instant::now();
    let created = app.catalogue.warm_up(&app.redis).await?;
    let stats = timed(started, json!({ "keysCreated": created, "errors": 0 }));
    Ok(envelope(
        json!({ "message": "Cache warmup completed", "stats": stats }),
    ))
}

/// Runs a bare SCAN pass over all keys, to compare removals with. Only this contestant has it.
async fn scan(
    State(app): State<App>,
    Query(query): Query<admin::Scan>,
) -> Result<Json<Value>, Failure> {
    let started = Instant::now();
    let seen = admin::scan_all(&app.redis, query.pattern.as_deref()).await?;
    Ok(envelope(
        json!({ "stats": timed(started, json!({ "keysSeen": seen })) }),
    ))
}

#[derive(Deserialize)]
struct SearchQuery {
    q: String,
}

async fn search(
    State(app): State<App>,
    Query(query): Query<SearchQuery>,
) -> Result<Response, Failure> {
    let words = query.q.trim().to_lowercase();
    let key = format!("products:search:{words}");
    let load = async || app.catalogue.search(words).await;
    let (json, outcome) = app
        .loads
        .get_or_set(&app.redis, &key, 900, "product-catalog", load)
        .await?;
    let headers = [("content-type", "application/json"), ("x-cache", outcome)];
    Ok((headers, json).into_response())
}
