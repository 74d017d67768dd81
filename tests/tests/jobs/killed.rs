//! A host that is killed in the middle of a job.

use std::thread::sleep;
use std::time::Duration;

use end_to_end::{App, BASE, Caller, fill, keys};
use serde_json::json;

use crate::{actions, job, wait_for};

#[test]
fn another_host_ends_the_job_of_one_that_was_killed_and_counts_each_key_once() {
    let app = App::start();
    let mut redis = app.connection();
    fill(&mut redis, "accounts:", 0..20_000);
    fill(&mut redis, "other:", 0..30_000);
    let body = json!({ "pattern": "accounts:*", "async": true, "maxKeysPerSecond": 8000 });

    let killed = app.start_second_process();
    let accepted = killed.client(Caller::Admin).post("/clear", &body);
    let location = accepted.header("location").unwrap().to_owned();
    let path = location.strip_prefix(BASE).unwrap().to_owned();
    // About a third of the keys.
    while job(&app, &path)["keysRemoved"].as_u64().unwrap() < 5000 {
        sleep(Duration::from_millis(10));
    }
    drop(killed);

    let left = keys(&mut redis, "accounts:*").len();
    assert!((1..20_000).contains(&left), "{left}");
    assert_eq!(job(&app, &path)["state"], "running");
    // It waits until the lease of the killed host has ended.
    app.admin().post("/warmup/scheduled", &json!({})).ok();
    let done = wait_for(&app, &path, "done");

    assert_eq!(done["keysMatched"], 20_000, "{done:#}");
    assert_eq!(done["keysRemoved"], 20_000, "{done:#}");
    assert_eq!(done["takeovers"], 1, "{done:#}");
    assert!(keys(&mut redis, "accounts:*").is_empty());
    assert_eq!(keys(&mut redis, "other:*").len(), 30_000);
    let recorded = actions(&app);
    for action in ["job-begin", "job-takeover", "job-end"] {
        let found = recorded.contains(&(action.to_owned(), "ok".to_owned()));
        assert!(found, "{action}: {recorded:?}");
    }
}
