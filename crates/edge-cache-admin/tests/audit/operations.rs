//! Changes by the ids of their operations.

use std::time::Duration;

use edge_cache::Redis;
use edge_cache_admin::admin::audit::{AuditRecord, OperationRequest};
use edge_cache_admin::{Error, Role};
use edge_cache_testing::{RedisServer, client};
use serde_json::{Value, json};

use crate::{change, first_entry, page, trail_connection};

const RANDOM: &str = "5f0c2a9e5f0c2a9e5f0c2a9e5f0c2a9e";

/// Records the beginning of a change. Returns its record with the complete id.
async fn begin(
    redis: &impl Redis,
    record: AuditRecord,
) -> (AuditRecord, edge_cache_admin::admin::audit::IntentId) {
    let mut record = record.as_operation(RANDOM);
    let intent = record.write_intent(redis).await.unwrap();
    record.operation_id = intent.operation_id(&record);
    (record, intent)
}

async fn find(redis: &impl Redis, record: &AuditRecord) -> Result<Value, Error> {
    let request = OperationRequest::parse(record.operation_id.as_deref().unwrap())?;
    let report = request.run(redis, Role::Admin).await?;
    Ok(serde_json::to_value(report).unwrap())
}

#[tokio::test]
async fn a_change_is_found_while_it_runs_and_when_it_has_ended() {
    let server = RedisServer::start();
    let redis = client(&server.url(1));
    for record in [change("ops", "one"), change("channel", "two").automatic()] {
        let (mut record, intent) = begin(&redis, record).await;

        let running = find(&redis, &record).await.unwrap();
        let listed = page(&redis, "").await.running.remove(0).record;
        assert_eq!(running["record"]["outcome"], "running");
        assert_eq!(running["record"]["operationId"], running["operationId"]);
        assert_eq!(listed.operation_id, record.operation_id);

        record.finish(Duration::from_millis(3), Ok(5));
        record.in_force_at = Some("2026-01-01T00:00:00.000Z".into());
        record.write_outcome(&intent, &redis).await.unwrap();

        let ended = find(&redis, &record).await.unwrap();
        assert_eq!(ended["record"]["outcome"], "ok");
        assert_eq!(ended["record"]["keysDeleted"], 5);
        assert_eq!(ended["record"]["requestId"], json!(record.request_id));
        assert_eq!(ended["inForceAt"], "2026-01-01T00:00:00.000Z");
    }
}

#[tokio::test]
async fn a_change_is_found_behind_thousands_that_ended_before_it() {
    let server = RedisServer::start();
    let (redis, mut other) = (client(&server.url(1)), trail_connection(&server));
    let (record, intent) = begin(&redis, change("ops", "slow")).await;
    let json = serde_json::to_string(&change("ops", "quick")).unwrap();
    let mut pipe = redis::pipe();
    for _ in 0..3000 {
        pipe.cmd("XADD")
            .arg(&["cache:audit", "*", "record", &json])
            .ignore();
    }
    let () = pipe.query(&mut other).unwrap();
    record.write_outcome(&intent, &redis).await.unwrap();

    let found = find(&redis, &record).await.unwrap();

    assert_eq!(found["record"]["requestId"], "slow");
}

#[tokio::test]
async fn an_interrupted_change_keeps_its_id() {
    let server = RedisServer::start();
    let (redis, mut other) = (client(&server.url(1)), trail_connection(&server));
    let (record, _) = begin(&redis, change("ops", "lost")).await;
    let id = record.operation_id.clone().unwrap();
    let (ms, rest) = id.split_once('-').unwrap();
    // As if it had begun 16 minutes ago.
    let ms = ms.parse::<u64>().unwrap() - 960_000;
    let (sequence, _) = rest.split_once('-').unwrap();
    let began = format!("{ms}-{sequence}");
    let entry = first_entry(&mut other, "cache:audit:open");
    let () = redis::cmd("DEL")
        .arg("cache:audit:open")
        .query(&mut other)
        .unwrap();
    let () = redis::cmd("XADD")
        .arg("cache:audit:open")
        .arg(began)
        .arg(entry)
        .query(&mut other)
        .unwrap();

    let old = AuditRecord {
        operation_id: Some(format!("{ms}-{rest}")),
        ..record
    };
    let found = find(&redis, &old).await.unwrap();

    assert_eq!(found["record"]["outcome"], "interrupted");
    assert_eq!(found["record"]["operationId"], found["operationId"]);
}

#[tokio::test]
async fn a_change_beyond_the_quota_says_why_it_has_no_record() {
    let server = RedisServer::start();
    let redis = client(&server.url(1));
    for _ in 0..300 {
        let (record, intent) = begin(&redis, change("ops", "many")).await;
        record.write_outcome(&intent, &redis).await.unwrap();
    }
    let mut summed = None;
    // The quota is one of a minute, in which the changes above may not all be.
    for _ in 0..600 {
        let (record, intent) = begin(&redis, change("ops", "many")).await;
        record.write_outcome(&intent, &redis).await.unwrap();
        if record
            .operation_id
            .as_deref()
            .unwrap()
            .starts_with("summed")
        {
            summed = Some(record);
            break;
        }
    }

    let Err(Error::NotFound(reason)) = find(&redis, &summed.unwrap()).await else {
        panic!("found");
    };

    assert!(reason.contains("quota"), "{reason}");
}
