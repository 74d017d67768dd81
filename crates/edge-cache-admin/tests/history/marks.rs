//! Marks: changes, restarts and waves.

use std::time::{Duration, UNIX_EPOCH};

use edge_cache_admin::admin::audit::AuditRecord;
use edge_cache_admin::admin::history::HistoryRequest;

use crate::shared::{MINUTE_MS, NOON_MS, Timed, on_trail};

#[tokio::test]
async fn a_restart_is_a_mark_and_no_increase_is_negative() {
    let timed = Timed::start();
    timed.proxy.set_field("keyspace_hits", "1000000");
    timed.wake(0).await;

    timed.proxy.set_field("run_id", "another");
    timed.proxy.set_field("keyspace_hits", "17");
    timed.wake(1).await;
    timed.proxy.set_field("keyspace_hits", "5");
    timed.wake(2).await;

    let report = timed.history("step=60").await;
    let hits: Vec<Option<u64>> = report.rows.iter().map(|row| row.total.hits).collect();
    assert_eq!(hits[0], None);
    assert!(hits[1].unwrap() <= 17 && hits[2].unwrap() <= 5, "{hits:?}");
    let restarted: Vec<bool> = report.rows.iter().map(|row| row.total.restarted).collect();
    assert_eq!(restarted, [false, true, false]);
    assert_eq!(report.marks.len(), 1);
    assert_eq!(report.marks[0].action, "restart");
    assert_eq!(report.marks[0].at, "2026-01-31T12:01:00.000Z");
}

#[tokio::test]
async fn a_wave_of_expiry_is_a_mark_that_is_compared_with_the_time_before() {
    let timed = Timed::start();
    let expired = [1000, 1010, 1030, 1040, 6160, 6170];
    for (minute, expired) in (0..).zip(expired) {
        timed.proxy.set_field("expired_keys", &expired.to_string());
        timed.wake(minute).await;
    }

    let report = timed.history("step=60").await;

    let marks: Vec<(&str, &str, &str)> = report
        .marks
        .iter()
        .map(|mark| (mark.action.as_str(), &mark.at[11..16], mark.text.as_str()))
        .collect();
    let text = "5,120 keys expired in a minute, 13 a minute before";
    assert_eq!(marks, [("expiry-wave", "12:04", text)]);
    assert_eq!(report.marks[0].keys_deleted, 5120);

    // The minutes before are not in the response, and known all the same.
    let request = "from=2026-01-31T12:04:00Z&to=2026-01-31T12:10:00Z&step=60";
    let now = UNIX_EPOCH + Duration::from_millis(NOON_MS + 60 * MINUTE_MS);
    let request = HistoryRequest::parse(request, now).unwrap();
    let report = request.run(&timed.trail).await.unwrap();
    assert_eq!(report.rows.len(), 2);
    assert_eq!(report.marks[0].text, text);
}

#[tokio::test]
async fn marks_are_changes_of_the_time_without_addresses() {
    let timed = Timed::start();
    let at = |at: &str, action: &str| AuditRecord {
        at: at.to_owned(),
        who: "ada".to_owned(),
        role: "operator".to_owned(),
        pattern: Some("products:*".to_owned()),
        keys_deleted: 5166,
        ip: "192.0.2.7".to_owned(),
        ..AuditRecord::new(action)
    };
    let records = [
        (
            "cache:audit",
            NOON_MS + 1,
            at("2026-01-31T12:00:00.001Z", "clear"),
        ),
        (
            "cache:audit",
            NOON_MS + 2,
            at("2026-01-31T12:00:00.002Z", "job-begin"),
        ),
        (
            "cache:audit",
            NOON_MS + 90 * MINUTE_MS,
            at("2026-01-31T13:30:00.000Z", "clear"),
        ),
        (
            "cache:audit:automatic",
            NOON_MS + 3,
            at("2026-01-31T12:00:00.003Z", "warmup"),
        ),
    ];
    for (stream, ms, record) in records {
        let () = redis::cmd("XADD")
            .arg(&[
                stream,
                &format!("{ms}-0"),
                "record",
                &serde_json::to_string(&record).unwrap(),
            ])
            .query(&mut on_trail(&timed.server))
            .unwrap();
    }

    let report = timed.history("").await;

    let actions: Vec<&str> = report
        .marks
        .iter()
        .map(|mark| mark.action.as_str())
        .collect();
    assert_eq!(actions, ["clear", "warmup"]);
    assert_eq!(report.marks[0].text, "ada cleared products:*, 5,166 keys");
    assert!(!report.marks_left_out);
    let json = serde_json::to_string(&report).unwrap();
    assert!(!json.contains("192.0.2.7"), "{json}");
}
