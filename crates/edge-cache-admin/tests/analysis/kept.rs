//! Results that are kept: the list, growth, the lock, the schedule.

use std::time::Duration;

use edge_cache_admin::Error;
use edge_cache_admin::admin::analysis::{AnalysisPageRequest, AnalysisRequest, run_due_analysis};
use edge_cache_admin::admin::clear::ClearRequest;
use edge_cache_testing::{RedisServer, client};
use serde_json::{Value, json};

use crate::shared::{Client, analyse, fill, group, send};

const ANALYSES: &str = "cache:audit:analyses";

async fn read(trail: &Client, query: &str) -> Result<Value, Error> {
    let request = AnalysisPageRequest::parse(query)?;
    request.run(trail).await.map(|report| json!(report))
}

/// Moves the kept analyses into the past.
fn age(server: &RedisServer, hours: u64) {
    let mut connection = trail_connection(server);
    let kept: Vec<(String, Vec<Vec<u8>>)> = redis::cmd("XRANGE")
        .arg(&[ANALYSES, "-", "+"])
        .query(&mut connection)
        .unwrap();
    let () = redis::cmd("DEL")
        .arg(ANALYSES)
        .query(&mut connection)
        .unwrap();
    for (id, fields) in kept {
        let (ms, number) = id.split_once('-').unwrap();
        let ms = ms.parse::<u64>().unwrap() - hours * 3_600_000;
        let () = redis::cmd("XADD")
            .arg(ANALYSES)
            .arg(format!("{ms}-{number}"))
            .arg(fields)
            .query(&mut connection)
            .unwrap();
    }
}

fn trail_connection(server: &RedisServer) -> redis::Connection {
    let client = redis::Client::open(server.url(1)).unwrap();
    client.get_connection().unwrap()
}

#[tokio::test]
async fn the_last_30_are_kept_and_no_clear_removes_them() {
    let server = RedisServer::start();
    let (redis, trail) = (client(&server.url(0)), client(&server.url(1)));
    let none = read(&trail, "").await.unwrap_err();
    assert!(matches!(none, Error::NotFound(_)), "{none}");

    fill(&server, 10, 10, |n| format!("users:{n}"));
    let first = analyse(&redis, &trail, json!({})).await;
    for _ in 0..30 {
        analyse(&redis, &trail, json!({})).await;
    }
    let clear = ClearRequest::parse(br#"{"confirm":true}"#).unwrap();
    clear.run(&redis, false).await.unwrap();

    let newest = read(&trail, "").await.unwrap();
    let runs = newest["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 30);
    assert_eq!(runs[29]["id"], newest["id"]);
    assert_eq!(newest["by"], "ada");
    assert!(runs.iter().all(|run| run["id"] != first["id"]));

    let id = runs[3]["id"].as_str().unwrap();
    assert_eq!(read(&trail, &format!("id={id}")).await.unwrap()["id"], id);
    let gone = format!("id={}", first["id"].as_str().unwrap());
    assert!(matches!(read(&trail, &gone).await, Err(Error::NotFound(_))));
}

#[tokio::test]
async fn a_stored_analysis_has_at_most_100_kilobytes() {
    let server = RedisServer::start();
    let name = |n: usize| {
        format!(
            "module-with-a-rather-long-name-{}-{n}-x:{n}",
            "y".repeat(n % 90)
        )
    };
    fill(&server, 15_000, 10, name);
    let (redis, trail) = (client(&server.url(0)), client(&server.url(1)));

    analyse(&redis, &trail, json!({})).await;

    let bytes: u64 = redis::cmd("MEMORY")
        .arg(&["USAGE", ANALYSES, "SAMPLES", "0"])
        .query(&mut trail_connection(&server))
        .unwrap();
    assert!(bytes < 110_000, "{bytes}");
    let newest = read(&trail, "").await.unwrap();
    assert!(newest["groups"].as_array().unwrap().len() > 300);
    assert!(newest["other"]["keys"]["value"].as_u64().unwrap() > 1000);
}

#[tokio::test]
async fn growth_is_that_since_an_earlier_analysis() {
    let server = RedisServer::with(&["--maxmemory", "100mb"]);
    let (redis, trail) = (client(&server.url(0)), client(&server.url(1)));
    fill(&server, 1000, 100, |n| format!("users:{n}"));
    fill(&server, 500, 100, |n| format!("steady:{n}"));
    analyse(&redis, &trail, json!({})).await;
    let soon = analyse(&redis, &trail, json!({})).await;
    assert_eq!(soon["growth"], Value::Null, "both were made within an hour");

    age(&server, 24);
    fill(&server, 3000, 100, |n| format!("users:{n}"));
    let later = analyse(&redis, &trail, json!({})).await;

    let growth = &later["growth"];
    assert!(growth["keysPerDay"].as_i64().unwrap() > 1990, "{growth}");
    assert!(growth["bytesPerDay"].as_i64().unwrap() > 0, "{growth}");
    assert!(growth["daysUntilMaxmemory"].is_number(), "{growth}");
    assert!(
        group(&later, "users:")["growth"]["keysPerDay"]
            .as_i64()
            .unwrap()
            > 1990
    );
    assert_eq!(group(&later, "steady:")["growth"], Value::Null);

    send(&server, &["CONFIG", "SET", "maxmemory", "0"]);
    let unlimited = analyse(&redis, &trail, json!({})).await;
    assert_eq!(unlimited["growth"]["daysUntilMaxmemory"], Value::Null);
    assert_eq!(unlimited["growth"]["reason"], "no maxmemory is set");
}

#[tokio::test]
async fn one_sample_is_taken_at_a_time() {
    let server = RedisServer::start();
    fill(&server, 5000, 10, |n| format!("users:{n}"));
    let (redis, trail) = (client(&server.url(0)), client(&server.url(1)));
    let request = AnalysisRequest::parse(b"").unwrap();

    let (one, other) = futures_util::future::join(
        request.run(&redis, &trail, "ada"),
        request.run(&redis, &trail, "bob"),
    )
    .await;

    assert!(one.is_ok() != other.is_ok());
    let error = one.err().or(other.err()).unwrap();
    assert!(matches!(error, Error::Conflict(_)), "{error}");
    assert!(request.run(&redis, &trail, "ada").await.is_ok());
}

#[tokio::test]
async fn the_schedule_makes_one_when_the_newest_is_old() {
    let server = RedisServer::start();
    let (redis, trail) = (client(&server.url(0)), client(&server.url(1)));
    let hour = Duration::from_secs(3600);
    let wake = |interval| run_due_analysis(&redis, &trail, interval);

    assert!(!wake(Duration::ZERO).await.unwrap());
    assert!(wake(hour).await.unwrap());
    assert!(!wake(hour).await.unwrap());
    assert_eq!(read(&trail, "").await.unwrap()["by"], "schedule");

    age(&server, 1);
    let (one, other) = futures_util::future::join(wake(hour), wake(hour)).await;
    assert_eq!(
        [one.unwrap(), other.unwrap()]
            .iter()
            .filter(|made| **made)
            .count(),
        1
    );
}
