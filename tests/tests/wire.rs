//! Between the application and its Redis: replies late, cut, half, garbled or not there, and errors in their place.

use std::time::Duration;

use end_to_end::{
    App, Caller, Fault, Options, PROMISED, Route, ask_all, assert_all_recovered, assert_all_unavailable, kinds, prepare,
};
use serde_json::json;

/// Ends what a warmup left behind whose release never arrived.
fn unlock(app: &App) {
    let () = redis::cmd("DEL").arg("lock:cache:warmup").query(&mut app.redis().connection()).expect("DEL is answered");
}

#[test]
fn whatever_comes_in_place_of_replies_is_answered_in_time_and_gone_with_its_cause() {
    const UNREACHABLE: &str = "redis-unreachable";
    const TIMEOUT: &str = "redis-timeout";
    let faults = [
        (Fault::Dropped, UNREACHABLE),
        (Fault::Lost, UNREACHABLE),
        (Fault::Cut, UNREACHABLE),
        (Fault::Garbage, UNREACHABLE),
        (Fault::Truncated, TIMEOUT),
        (Fault::Black, TIMEOUT),
        (Fault::Mute, TIMEOUT),
        (Fault::Error("LOADING Redis is loading the dataset in memory"), "redis-loading"),
        (Fault::Error("MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."), "redis-loading"),
        (Fault::Error("BUSY Redis is busy running a script."), "redis-busy"),
        (Fault::Error("NOPERM User default has no permissions to run this command"), "redis-permission"),
        (Fault::Error("NOAUTH Authentication required."), "redis-authentication"),
        (Fault::Error("CLUSTERDOWN The cluster is down"), "redis-cluster"),
        (Fault::Error("ERR something new"), "redis-error"),
        (Fault::Error("SOMETHINGNEW that nobody knows"), "redis-error"),
    ];
    let app = App::with(Options::new().proxied());
    assert_all_recovered(&app);
    for (fault, kind) in faults {
        app.proxy().fail(fault);
        let answers = assert_all_unavailable(&app);
        app.proxy().heal();
        unlock(&app);
        assert_eq!(kinds(&answers), [format!("urn:edge-cache:problem:{kind}")], "{fault:?}");
        let soon = ["redis-unreachable", "redis-timeout", "redis-loading", "redis-busy"].contains(&kind);
        for (route, answer) in answers.iter().filter(|(_, answer)| answer.body["type"].is_string()) {
            assert_eq!(answer.header("retry-after").is_some(), soon, "{fault:?} {route:?}");
        }
        assert_all_recovered(&app);
    }
}
