//! Ten thousand random requests a route: nothing undocumented is answered, and nothing breaks.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use end_to_end::{App, Heard, Random, Request, Wire, contract};

/// Requests to each route under `/api/cache`, and to all routes of another component together.
const REQUESTS: usize = 10_000;
/// Requests made from one seed, on one connection.
const CHUNK: usize = 250;
const CLIENTS: usize = 4;

/// A documented path with its methods.
type Target = (String, Vec<String>);

/// What the requests go to, each list in turn: a route, or those of a component that differ in name alone.
fn targets() -> Vec<Vec<Target>> {
    let (mut own, mut rest): (Vec<Vec<Target>>, [Vec<Target>; 3]) = (Vec::new(), Default::default());
    for (path, methods) in contract().paths() {
        match path.as_str() {
            path if path.starts_with("/api/cache/") => own.push(vec![(path.to_owned(), methods)]),
            path if path.starts_with("/admin") => rest[0].push((path.to_owned(), methods)),
            path if path.contains("cache") => rest[1].push((path.to_owned(), methods)),
            path => rest[2].push((path.to_owned(), methods)),
        }
    }
    own.extend(rest);
    own
}

fn assert_documented(request: &Request, heard: &Heard, seed: usize) {
    let what = || format!("seed {seed}: {}\n{heard:?}", request.bytes.escape_ascii());
    assert!(heard.status < 500, "{}", what());
    assert!(contract().allows(&request.method, &request.path, heard.status), "undocumented: {}", what());
    assert!(heard.header("x-request-id").is_some(), "not the application's answer: {}", what());
    let is_stream = heard.header("content-type") == Some("text/event-stream");
    assert!(is_stream || heard.status == 304 || heard.header("content-length").is_some(), "no length: {}", what());
}

#[test]
fn ten_thousand_random_requests_a_route_get_documented_answers_and_break_nothing() {
    let app = App::start();
    let targets = targets();
    assert!(targets.len() >= 19 && targets.iter().all(|target| !target.is_empty()));
    let chunks = targets.len() * REQUESTS / CHUNK;
    let (next, answered) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let run = || {
        let mut wire = Wire::to(app.address());
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= chunks {
                return;
            }
            let mut random = Random::seeded(seed as u64);
            let target = &targets[seed % targets.len()];
            for number in 0..CHUNK {
                let (template, methods) = &target[number % target.len()];
                let request = random.request(template, methods);
                let heard = wire.ask(&request.bytes, request.method == "HEAD");
                let heard = heard.unwrap_or_else(|error| panic!("{error}: {}", request.bytes.escape_ascii()));
                assert_documented(&request, &heard, seed);
                answered.fetch_add(1, Ordering::Relaxed);
            }
        }
    };
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(run)).collect();
        clients.into_iter().for_each(|client| client.join().unwrap());
    });
    assert_eq!(answered.load(Ordering::Relaxed), targets.len() * REQUESTS);
    app.nobody().get("/health").ok();
    app.viewer().get("/stats").ok();
    let log = app.log();
    for sign in ["panicked", "wasm trap", "wasm backtrace", "unreachable` instruction"] {
        assert!(!log.contains(sign), "the log speaks of {sign}");
    }
}
