//! Ten thousand random requests per route, with keys of each type: every response is documented,
//! and nothing breaks.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use end_to_end::{App, Random, Request, Wire, WireResponse, contract, fill_types};
use serde_json::Value;

/// Requests per route.
const REQUESTS: usize = 10_000;
/// Requests generated from one seed, on one connection.
const CHUNK: usize = 250;
const CLIENTS: usize = 4;

fn assert_documented(request: &Request, response: &WireResponse, seed: usize) {
    let what = || {
        format!(
            "seed {seed}: {}\n{response:?}",
            request.bytes.escape_ascii()
        )
    };
    assert!(response.status < 500, "{}", what());
    assert!(
        contract().allows(&request.method, &request.path, response.status),
        "undocumented: {}",
        what()
    );
    assert!(
        response.header("x-request-id").is_some(),
        "not a response of the application: {}",
        what()
    );

    let is_stream = response.header("content-type") == Some("text/event-stream");
    assert!(
        is_stream || response.status == 304 || response.header("content-length").is_some(),
        "no length: {}",
        what()
    );
}

/// Describes a successful request for a key: the method, the type of the value, and whether another
/// page follows.
fn reached(request: &Request, response: &WireResponse) -> Option<String> {
    let body: Value = serde_json::from_slice(&response.body)
        .ok()
        .filter(|_| response.status == 200)?;
    let kind = body["data"]["type"].as_str().unwrap_or_default();
    let more = if body["data"]["nextCursor"].is_string() {
        " paged"
    } else {
        ""
    };
    Some(format!("{} {kind}{more}", request.method))
}

#[test]
fn ten_thousand_random_requests_per_route_get_documented_responses() {
    let app = App::start();
    let targets: Vec<_> = contract().paths().into_iter().collect();
    assert!(targets.len() >= 37, "{targets:?}");

    let chunks = targets.len() * REQUESTS / CHUNK;
    let next = AtomicUsize::new(0);
    let answered = AtomicUsize::new(0);
    let successes: Mutex<BTreeMap<String, usize>> = Mutex::default();
    let run = || {
        let mut redis = app.connection();
        let mut wires: BTreeMap<String, Wire> = BTreeMap::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= chunks {
                return;
            }
            let mut random = Random::seeded(seed as u64);
            let (template, methods) = &targets[seed % targets.len()];
            let wire = wires
                .entry(app.address_of(template))
                .or_insert_with_key(|address| Wire::to(address));
            let of_keys = template.ends_with("/{key}");
            for number in 0..CHUNK {
                // Requests to other routes clear the cache, and those to this one expire its keys.
                if of_keys && number % 10 == 0 {
                    fill_types(&mut redis);
                }
                let request = random.request(template, methods);
                let response = wire.send(&request.bytes, request.method == "HEAD");
                let response = response
                    .unwrap_or_else(|error| panic!("{error}: {}", request.bytes.escape_ascii()));
                assert_documented(&request, &response, seed);
                if let Some(what) = reached(&request, &response).filter(|_| of_keys) {
                    *successes.lock().unwrap().entry(what).or_default() += 1;
                }
                answered.fetch_add(1, Ordering::Relaxed);
            }
        }
    };

    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(run)).collect();
        clients
            .into_iter()
            .for_each(|client| client.join().unwrap());
    });

    let successes = successes.into_inner().unwrap();
    for what in [
        "GET string",
        "GET hash paged",
        "GET list paged",
        "GET set paged",
        "GET zset paged",
        "GET stream paged",
        "PATCH ",
    ] {
        assert!(
            successes.get(what).is_some_and(|times| *times >= 10),
            "{what:?} was rarely reached: {successes:?}"
        );
    }

    assert_eq!(answered.load(Ordering::Relaxed), targets.len() * REQUESTS);

    app.nobody().get("/health").ok();
    app.viewer().get("/stats").ok();
    let log = app.log();

    for sign in [
        "panicked",
        "wasm trap",
        "wasm backtrace",
        "unreachable` instruction",
    ] {
        assert!(!log.contains(sign), "the log contains {sign}");
    }
}
