//! A service on axum with a cache: the example `axum`.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread;

use end_to_end::{RedisServer, raw};

/// Built by `scripts/build-examples`.
const PROGRAM: &str = "../target/examples/debug/axum-quotes";

struct AxumService {
    process: Child,
    address: String,
}

impl AxumService {
    fn start(redis: &RedisServer) -> Self {
        let mut process = Command::new(PROGRAM)
            .env("REDIS_URL", redis.url(0))
            .env("PORT", "0")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{PROGRAM}: {error}: run scripts/build-examples"));
        let mut line = String::new();
        let output = process.stdout.take().unwrap();
        BufReader::new(output).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").unwrap();

        Self {
            address: address.to_owned(),
            process,
        }
    }

    fn request(&self, line: &str) -> String {
        let address = &self.address;
        let request = format!(
            "{line} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
        );
        raw(address, request.as_bytes())
    }

    /// How many of these requests, sent at once, had this outcome.
    fn count(&self, requests: usize, line: &str, outcome: &str) -> usize {
        let header = format!("x-cache: {outcome}");
        let responses: Vec<String> = thread::scope(|scope| {
            let callers: Vec<_> = (0..requests)
                .map(|_| scope.spawn(|| self.request(line)))
                .collect();
            let joined = callers.into_iter().map(|caller| caller.join().unwrap());
            joined.collect()
        });
        responses
            .iter()
            .filter(|response| response.contains(&header))
            .count()
    }
}

impl Drop for AxumService {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn callers_of_two_processes_share_one_load() {
    let redis = RedisServer::start();
    let (one, two) = (AxumService::start(&redis), AxumService::start(&redis));

    let (of_one, of_two) = thread::scope(|scope| {
        let of_one = scope.spawn(|| one.count(50, "GET /quotes/ada", "miss"));
        let of_two = scope.spawn(|| two.count(50, "GET /quotes/ada", "miss"));
        (of_one.join().unwrap(), of_two.join().unwrap())
    });

    assert_eq!(of_one + of_two, 1);
    assert_eq!(one.count(5, "GET /quotes/ada", "hit"), 5);
}

#[test]
fn a_failure_of_the_source_is_an_answer_and_is_shared() {
    let redis = RedisServer::start();
    let service = AxumService::start(&redis);

    let response = service.request("GET /quotes/nobody");

    assert!(response.contains(" 502 "), "{response}");
    assert!(response.contains("nobody said nothing"), "{response}");
}

#[test]
fn an_invalidation_by_one_process_is_in_force_for_the_other() {
    let redis = RedisServer::start();
    let (one, two) = (AxumService::start(&redis), AxumService::start(&redis));
    assert_eq!(one.count(1, "GET /quotes/ada", "miss"), 1);

    let response = two.request("POST /invalidate");

    assert!(response.contains("1 removed"), "{response}");
    assert_eq!(one.count(1, "GET /quotes/ada", "miss"), 1);
}

#[test]
fn without_redis_the_service_answers_by_its_source() {
    let mut redis = RedisServer::start();
    let service = AxumService::start(&redis);
    redis.kill();

    assert_eq!(service.count(3, "GET /quotes/ada", "bypass"), 3);
}
