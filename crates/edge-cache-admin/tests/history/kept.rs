//! How long rows are kept, and in how much memory.

use edge_cache_testing::{RedisServer, client};

use crate::shared::{MINUTE_MS, NOON_MS, Timed, add_lookups, on_trail, wake};

#[tokio::test]
async fn quarters_of_an_hour_outlive_minutes() {
    let timed = Timed::start();
    for minute in 0..33 {
        timed.wake(minute).await;
    }
    let by_minutes = timed.history("step=900").await.rows;
    // A day later the rows of minutes are gone, but for the newest.
    let () = redis::cmd("XTRIM")
        .arg(&["cache:audit:history:minutes", "MAXLEN", "3"])
        .query(&mut on_trail(&timed.server))
        .unwrap();

    let rows = timed.history("step=900").await.rows;

    let covered: Vec<(&str, u64)> = rows
        .iter()
        .map(|row| (&row.at[11..16], row.seconds))
        .collect();
    assert_eq!(
        covered,
        [("12:00", 14 * 60), ("12:15", 15 * 60), ("12:30", 3 * 60)]
    );
    assert_eq!(rows, by_minutes);
}

#[tokio::test]
async fn a_full_history_takes_less_than_three_megabytes() {
    let timed = Timed::start();
    let mut trail = on_trail(&timed.server);
    let longest_row = vec![0xa7_u8; 500];
    for (key, rows, step) in [
        ("minutes", 1440, MINUTE_MS),
        ("quarters", 2880, 15 * MINUTE_MS),
    ] {
        let mut adding = redis::pipe();
        for row in 0..2 * rows {
            adding
                .cmd("XADD")
                .arg(format!("cache:audit:history:{key}"))
                .arg(&["MAXLEN", &rows.to_string()])
                .arg(format!("{}-0", NOON_MS + row * step))
                .arg("row")
                .arg(&longest_row)
                .ignore();
        }
        adding.exec(&mut trail).unwrap();
    }
    // The state that 100 modules leave behind.
    for module in 0..100 {
        for kind in [
            "hit",
            "near",
            "stale",
            "miss",
            "bypass",
            "loads",
            "load_us",
            "load_errors",
        ] {
            add_lookups(&timed.server, &format!("module-{module}"), kind, 1 << 40);
        }
    }
    let newest = NOON_MS + 2 * 1440 * MINUTE_MS;
    assert!(timed.wake_at(newest).await);

    let mut bytes = 0;
    for key in ["minutes", "quarters", "state"] {
        let used: u64 = redis::cmd("MEMORY")
            .arg(&[
                "USAGE",
                &format!("cache:audit:history:{key}"),
                "SAMPLES",
                "0",
            ])
            .query(&mut trail)
            .unwrap();
        bytes += used;
    }
    assert!(bytes < 3_000_000, "{bytes} bytes");
}

#[tokio::test]
async fn a_full_server_keeps_its_history() {
    let server = RedisServer::with(&["--maxmemory", "1mb"]);
    let redis = client(&server.url(0));
    let trail = client(&server.url(1));

    assert!(wake(&redis, &trail).await);
}
