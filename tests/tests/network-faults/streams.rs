//! Faults during a walk or a stream.

use std::time::{Duration, Instant};

use end_to_end::{App, Fault, MAX_RESPONSE_TIME, Options};
use serde_json::{Value, json};

use crate::{heal, proxied};

#[test]
fn a_walk_continues_after_a_broken_reply() {
    let app = proxied();
    let mut redis = app.connection();
    end_to_end::fill(&mut redis, "walk:", 0..500);
    let mut seen = std::collections::BTreeSet::new();
    let mut cursor = "0".to_owned();
    let mut failed = 0;

    for page in 0.. {
        if page % 3 == 1 {
            app.proxy().fail(Fault::Cut);
            app.viewer()
                .get(&format!("/keys?pattern=walk:*&limit=20&cursor={cursor}"))
                .with_status(503);
            app.proxy().heal();
            failed += 1;
        }
        let data = app
            .viewer()
            .get(&format!("/keys?pattern=walk:*&limit=20&cursor={cursor}"))
            .data();
        seen.extend(
            data["keys"]
                .as_array()
                .unwrap()
                .iter()
                .map(|key| key["key"].to_string()),
        );
        match &data["pagination"]["nextCursor"] {
            Value::String(next) => cursor.clone_from(next),
            _ => break,
        }
    }

    assert!(failed > 3, "{failed} failures, {} keys", seen.len());
    assert!(seen.len() == 500, "{failed} failures, {} keys", seen.len());
}

#[test]
fn a_stream_of_warmup_progress_ends_with_a_problem_when_redis_fails() {
    for fault in [
        Fault::Black,
        Fault::Cut,
        Fault::Error("LOADING Redis is loading the dataset in memory"),
    ] {
        let app = App::with(Options::new().proxied().variable("warmup_rate", "20"));
        std::thread::scope(|scope| {
            let warmup = scope.spawn(|| app.admin().post("/warmup", &json!({})));
            while app.viewer().get("/warmup").data()["state"] != "running" {
                std::thread::sleep(Duration::from_millis(20));
            }
            let watching = scope.spawn(|| (app.viewer().events("/warmup"), Instant::now()));
            std::thread::sleep(Duration::from_millis(600));
            let failing = Instant::now();
            app.proxy().fail(fault);
            let (events, ended) = watching.join().unwrap();
            // The stream reads four times a second, with the time limit of a command.
            let took = ended.saturating_duration_since(failing);
            assert!(
                took < MAX_RESPONSE_TIME + Duration::from_millis(500),
                "{fault:?}: {took:?}"
            );
            let names: Vec<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
            let (last, before) = names.split_last().unwrap();
            assert!(*last == "problem", "{names:?}");
            assert!(!before.is_empty(), "{names:?}");
            assert!(before.iter().all(|name| *name == "progress"), "{names:?}");
            assert!(
                events
                    .last()
                    .unwrap()
                    .1
                    .as_str()
                    .is_some_and(|words| !words.is_empty()),
                "{events:?}"
            );
            warmup.join().unwrap().with_status(503);
            // A new stream reports the problem at once.
            let [(name, _)] = app.viewer().events("/warmup").try_into().unwrap();
            assert_eq!(name, "problem", "{fault:?}");
        });
        heal(&app);
        assert_eq!(app.viewer().events("/warmup")[0].0, "progress", "{fault:?}");
    }
}
