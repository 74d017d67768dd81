//! Warming up against a real server.

mod running;
mod written;

use std::cell::Cell;

use edge_cache::warmup::{Limits, Plan, Request, Rows, Source, Status, Warmup};
use edge_cache::{Client, Error};
use edge_cache_testing::NativeTransport;
use futures_util::stream::{self, LocalBoxStream, StreamExt};
use serde_json::{Value, json};
use tokio::sync::Notify;

type Native = Client<NativeTransport>;

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

/// Rows that need no database; the query's text chooses. Web addresses echo a document.
#[derive(Default)]
struct Fixed {
    asked: Cell<usize>,
    loading: Notify,
    go_on: Notify,
}

impl Source for Fixed {
    async fn query(&self, sql: &str) -> Result<Rows, String> {
        self.asked.set(self.asked.get() + 1);
        let columns = vec!["id".to_owned(), "score".to_owned()];
        match sql {
            "one" => Ok(Rows { columns, rows: vec![vec![json!(7), json!(1)]] }),
            "held" => {
                self.loading.notify_one();
                self.go_on.notified().await;
                Ok(Rows { columns, rows: (0..3).map(|n| vec![json!(n), json!(1)]).collect() })
            }
            "rows" => Ok(Rows { columns, rows: (0..2500).map(|n| vec![json!(n), json!(n * 2)]).collect() }),
            "large" => Ok(Rows { columns, rows: (0..20_000).map(|n| vec![json!(n), json!("x".repeat(20))]).collect() }),
            "huge" => {
                // Nothing in it repeats, so that compression leaves it as large.
                let noise = |n: u64| {
                    json!(format!("{:032x}", u128::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)))
                };
                Ok(Rows { columns, rows: (0..400_000).map(|n| vec![json!(n), noise(n)]).collect() })
            }
            _ => Err("no such table".into()),
        }
    }

    fn batches<'a>(&'a self, sql: &'a str) -> LocalBoxStream<'a, Result<Rows, String>> {
        let batch = |ids: std::ops::Range<u32>| {
            Ok(Rows { columns: vec!["id".to_owned()], rows: ids.map(|id| vec![json!(id)]).collect() })
        };
        match sql {
            "broken half-way" => stream::iter([batch(0..1000), Err("the connection was lost".into())]).boxed_local(),
            "repeated" => stream::iter([batch(0..1000), batch(999..2000), batch(3000..4000)]).boxed_local(),
            _ => stream::once(self.query(sql)).boxed_local(),
        }
    }

    async fn get(&self, path: &str) -> Result<Value, String> {
        match path {
            "/products?top=2" => {
                Ok(json!({ "data": { "items": [{ "id": "a", "score": 1 }, { "id": "b", "score": 2 }] } }))
            }
            _ => Err(format!("{path} answered with the status 404")),
        }
    }
}

fn plan(text: &str) -> Plan {
    Plan::read(&Plan::compile(text).unwrap()).unwrap()
}

async fn run_plan(redis: &Native, text: &str, limits: Limits, source: &Fixed, body: &str) -> Result<Status, Error> {
    let plan = plan(text);
    let request = Request::parse(body.as_bytes(), &plan).unwrap();
    request.run(Warmup { redis, source, plan: &plan, limits, by: "tester", owner: "unique" }).await
}

async fn run(redis: &Native, body: &str) -> Result<Status, Error> {
    run_plan(redis, PLAN, Limits::default(), &Fixed::default(), body).await
}

/// A plan of one entry.
fn entry(entry: &str) -> String {
    format!("[[module]]\nname = \"m\"\npriority = 1\nentry = [{{ {entry} }}]")
}
