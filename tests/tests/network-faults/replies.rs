//! Faults in place of replies, on every route.

use std::time::{Duration, Instant};

use end_to_end::{
    App, Fault, MAX_RESPONSE_TIME, Options, assert_all_recovered, assert_all_unavailable,
    create_route_data, problem_types, send_all,
};

use crate::{heal, proxied};

const UNREACHABLE: &str = "redis-unreachable";

const TIMEOUT: &str = "redis-timeout";

/// The default of `command_timeout_ms`.
const COMMAND_TIMEOUT: Duration = Duration::from_millis(1500);

/// Delay of a late reply.
const LATE: Duration = Duration::from_millis(120);

/// Faults during which every route returns 503, with the problem type.
const FAULTS: [(Fault, &str); 15] = [
    (Fault::Dropped, UNREACHABLE),
    (Fault::Lost, UNREACHABLE),
    (Fault::Cut, UNREACHABLE),
    (Fault::Garbage, UNREACHABLE),
    (Fault::Truncated, TIMEOUT),
    (Fault::Black, TIMEOUT),
    (Fault::Mute, TIMEOUT),
    (
        Fault::Error("LOADING Redis is loading the dataset in memory"),
        "redis-loading",
    ),
    (
        Fault::Error(
            "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
        ),
        "redis-loading",
    ),
    (
        Fault::Error("BUSY Redis is busy running a script."),
        "redis-busy",
    ),
    (
        Fault::Error("NOPERM User default has no permissions to run this command"),
        "redis-permission",
    ),
    (
        Fault::Error("NOAUTH Authentication required."),
        "redis-authentication",
    ),
    (
        Fault::Error("CLUSTERDOWN The cluster is down"),
        "redis-cluster",
    ),
    (Fault::Error("ERR something new"), "redis-error"),
    (
        Fault::Error("SOMETHINGNEW that nobody knows"),
        "redis-error",
    ),
];

#[test]
fn every_fault_is_a_503_in_time_until_it_ends() {
    let app = proxied();
    for (fault, kind) in FAULTS {
        app.proxy().fail(fault);
        let responses = assert_all_unavailable(&app);
        heal(&app);
        assert_eq!(
            problem_types(&responses),
            [format!("urn:edge-cache:problem:{kind}")],
            "{fault:?}"
        );
        let can_retry = [UNREACHABLE, TIMEOUT, "redis-loading", "redis-busy"].contains(&kind);
        for (route, response) in responses
            .iter()
            .filter(|(_, response)| response.body["type"].is_string())
        {
            assert_eq!(
                response.header("retry-after").is_some(),
                can_retry,
                "{fault:?} {route:?}"
            );
        }
        assert_all_recovered(&app);
    }
}

/// The audit trail has a logical database of its own, which is selected while connecting.
#[test]
fn a_refused_connection_has_the_problem_type_of_a_refused_command() {
    let app = App::with(Options::new().proxied().default_user());
    let errors = FAULTS
        .into_iter()
        .filter(|(fault, _)| matches!(fault, Fault::Error(_)));
    for (fault, kind) in errors {
        app.proxy().fail(fault);
        let refused = app.admin().get("/audit").with_status(503);
        assert_eq!(
            refused["type"],
            format!("urn:edge-cache:problem:{kind}"),
            "{fault:?}"
        );
    }

    heal(&app);
    app.admin().get("/audit").ok();
}

#[test]
fn a_service_reads_its_source_during_every_fault() {
    let app = proxied();
    let reads: Vec<_> = app
        .all_routes()
        .iter()
        .filter(|(route, _)| route.reads_through())
        .collect();
    for (fault, _) in FAULTS {
        app.proxy().fail(fault);
        for (route, client) in &reads {
            let response = route.send(client);
            assert!(
                response.took < MAX_RESPONSE_TIME,
                "{fault:?}: {response:#?}"
            );
            assert_eq!(
                response.header("x-cache"),
                Some("MISS"),
                "{fault:?}: {response:#?}"
            );
            response.ok();
        }
        heal(&app);
    }

    // The circuit breaker of an instance closes again after 5 s.
    let deadline = Instant::now() + Duration::from_secs(20);
    let (route, client) = reads[0];
    while route.send(client).header("x-cache") != Some("HIT") {
        assert!(Instant::now() < deadline, "the cache is not used again");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn late_replies_only_delay_responses() {
    let app = proxied();
    app.proxy().fail(Fault::Slow(LATE));
    let health = app.nobody().get("/health").ok();

    assert_eq!(health["status"], "degraded", "{health:#}");

    for (route, client) in app.all_routes() {
        create_route_data(&mut app.connection());
        app.proxy().fail(Fault::Slow(LATE));
        let response = route.send(client);
        assert_eq!(response.status, route.expected(), "{response:#?}");
        let commands = app.proxy().commands();
        let bound = MAX_RESPONSE_TIME + LATE * u32::try_from(commands.len()).unwrap();
        assert!(
            response.took < bound,
            "{route:?} took {:?} with {commands:?}",
            response.took
        );
    }

    heal(&app);
    assert_eq!(app.nobody().get("/health").ok()["status"], "healthy");
}

#[test]
fn slow_replies_are_awaited_within_the_time_limit() {
    let app = proxied();
    // The reply to INFO takes longer than the time limit of a probe.
    app.proxy().fail(Fault::Drip(Duration::from_millis(10)));
    app.nobody().get("/health/ready").with_status(503);
    app.proxy().fail(Fault::Drip(Duration::from_millis(2)));
    let responses = send_all(&app);
    heal(&app);
    let stats = responses
        .iter()
        .find(|(route, _)| route.path == "/stats")
        .map(|(_, response)| response.status);

    assert_eq!(stats, Some(503));

    for (route, response) in &responses {
        // Before the command that exceeds its time limit, others were answered late, behind the
        // replies to other requests. A change also writes its intent. A cached read that misses has
        // three commands: look up, acquire, store.
        let bound = if route.reads_through() {
            COMMAND_TIMEOUT * 3
        } else {
            MAX_RESPONSE_TIME
        };
        assert!(
            response.took < bound + Duration::from_secs(4),
            "{route:?}: {response:#?}"
        );
        let kind = response.body["type"]
            .as_str()
            .map(|kind| kind == format!("urn:edge-cache:problem:{TIMEOUT}"));
        // One warmup finds the other one running.
        assert!(
            [200, 202, 404, 409].contains(&response.status)
                || response.status == 503 && kind != Some(false),
            "{response:#?}"
        );
    }

    assert_all_recovered(&app);
}
