//! Warmups against a real server.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod job;
mod running;
mod stopping;
mod written;

use edge_cache::RedisClient;
use edge_cache::keyspace::ttl::TtlTable;
use edge_cache::tokio::TokioTransport;
use edge_cache_admin::Error;
use edge_cache_admin::configuration::Configuration;
use edge_cache_admin::warmup::{
    Plan, Rows, Source, Warmup, WarmupLimits, WarmupRequest, WarmupStatus,
};

use futures_util::stream::{self, LocalBoxStream, StreamExt};
use serde_json::{Value, json};
use tokio::sync::Notify;

type Native = RedisClient<TokioTransport>;

const PLAN: &str = r#"
    [[module]]
    name = "products"
    priority = 2
    entry = [
      { key = "products:{id}:details", query = "rows", shape = "row", tags = ["catalog"], ttl_seconds = 900 },
      { key = "products:all", query = "rows", shape = "zset" },
    ]
    [[module]]
    name = "config"
    priority = 1
    entry = [
      { key = "config:bad", query = "broken", shape = "scalar" },
      { key = "config:main", query = "one", shape = "scalar" },
    ]
"#;

/// A source without a database: the text of a query selects its rows.
#[derive(Default)]
struct FixedSource {
    /// Notified when the query `held` has begun.
    loading: Notify,
    /// Ends the query `held`.
    go_on: Notify,
}

impl Source for FixedSource {
    async fn query(&self, sql: &str) -> Result<Rows, String> {
        match sql {
            "one" => Ok(id_and_score([(json!(7), json!(1))])),
            "held" => {
                self.loading.notify_one();
                self.go_on.notified().await;
                Ok(id_and_score((0..3).map(|n| (json!(n), json!(1)))))
            }
            "rows" => Ok(id_and_score((0..2500).map(|n| (json!(n), json!(n * 2))))),
            "large" => {
                let text = json!("x".repeat(20));
                Ok(id_and_score((0..20_000).map(|n| (json!(n), text.clone()))))
            }
            "huge" => Ok(id_and_score((0..400_000).map(|n| (json!(n), noise(n))))),
            _ => Err("no such table".into()),
        }
    }

    fn batches<'a>(&'a self, sql: &'a str) -> LocalBoxStream<'a, Result<Rows, String>> {
        let batch = |ids: std::ops::Range<u32>| {
            Ok(Rows {
                columns: vec!["id".to_owned()],
                rows: ids.map(|id| vec![json!(id)]).collect(),
            })
        };
        match sql {
            "broken half-way" => {
                stream::iter([batch(0..1000), Err("the connection was lost".into())]).boxed_local()
            }
            "repeated" => {
                stream::iter([batch(0..1000), batch(999..2000), batch(3000..4000)]).boxed_local()
            }
            _ => stream::once(self.query(sql)).boxed_local(),
        }
    }

    async fn get(&self, path: &str) -> Result<Value, String> {
        match path {
            "/products?top=2" => Ok(
                json!({ "data": { "items": [{ "id": "a", "score": 1 }, { "id": "b", "score": 2 }] } }),
            ),
            _ => Err(format!("{path} returned status 404")),
        }
    }
}

fn id_and_score(rows: impl IntoIterator<Item = (Value, Value)>) -> Rows {
    Rows {
        columns: vec!["id".to_owned(), "score".to_owned()],
        rows: rows
            .into_iter()
            .map(|(id, score)| vec![id, score])
            .collect(),
    }
}

/// Text without repetitions, which compression does not make smaller.
fn noise(n: u64) -> Value {
    let number = u128::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    json!(format!("{number:032x}"))
}

fn read_plan(text: &str) -> Plan {
    let file = Configuration::parse("edge-cache.toml", text).unwrap();
    file.plan().unwrap()
}

/// A plan of one entry.
fn plan_of(entry: &str) -> String {
    format!("[[module]]\nname = \"m\"\npriority = 1\nentry = [{{ {entry} }}]")
}

/// A plan of one entry, whose three keys `m:0`, `m:1` and `m:2` (tag `t`) are loaded when the test
/// lets them.
fn held_plan() -> String {
    plan_of(r#"key = "m:{id}", query = "held", shape = "row", tags = ["t"]"#)
}

async fn run_with(
    redis: &Native,
    source: &FixedSource,
    plan: &str,
    limits: WarmupLimits,
    body: &str,
) -> Result<WarmupStatus, Error> {
    let plan = read_plan(plan);
    let request = WarmupRequest::parse(body.as_bytes(), &plan).unwrap();
    let warmup = Warmup {
        redis,
        source,
        plan: &plan,
        ttl_table: &TtlTable::default(),
        limits,
        by: "tester",
        id: "unique",
    };
    request.run(warmup).await
}

/// Runs a plan without limits.
async fn run_plan(redis: &Native, plan: &str) -> Result<WarmupStatus, Error> {
    let source = FixedSource::default();
    run_with(redis, &source, plan, WarmupLimits::default(), "").await
}

/// Runs [`PLAN`] with the body of a request.
async fn run(redis: &Native, body: &str) -> Result<WarmupStatus, Error> {
    let source = FixedSource::default();
    run_with(redis, &source, PLAN, WarmupLimits::default(), body).await
}

/// Runs [`held_plan`] with a source that the test holds.
async fn run_held(redis: &Native, source: &FixedSource) -> Result<WarmupStatus, Error> {
    run_with(redis, source, &held_plan(), WarmupLimits::default(), "").await
}

fn first_error(status: &WarmupStatus) -> &str {
    status.modules[0].first_error.as_deref().unwrap()
}
