//! The HTTP trigger: routes, headers, bodies, time limits, and requests of components.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::support::{Application, Host, guest};

/// An application with the routes `/only` and `/fixed`, and a private component.
fn start_with_routes() -> Host {
    let manifest = format!(
        "spin_manifest_version = 2\napplication = {{ name = 'a' }}\n\
         [[trigger.http]]\nroute = '/only'\ncomponent = 'guest'\n\
         [[trigger.http]]\nroute = '/fixed'\nstatic_response = {{ status_code = 201, headers = {{ a = 'b' }}, body = 'c' }}\n\
         [[trigger.http]]\nroute = {{ private = true }}\ncomponent = 'guest'\n\
         [component.guest]\nsource = '{}'\n",
        guest().display()
    );
    Application::from_manifest(&manifest).start()
}

#[test]
fn a_path_without_a_route_is_404_with_an_empty_body() {
    let host = start_with_routes();
    assert_eq!(host.get("/only"), "/only");

    let missing = host.send("/other");

    assert_eq!(missing.status, 404);
    assert_eq!(missing.body, "");
}

#[test]
fn a_static_response_needs_no_component() {
    let host = start_with_routes();

    let fixed = host.send("/fixed");

    assert_eq!(fixed.status, 201);
    assert_eq!(fixed.headers["a"], "b");
    assert_eq!(fixed.body, "c");
}

#[test]
fn the_host_answers_its_own_paths() {
    let host = Application::with("").start();

    assert_eq!(host.get("/.well-known/spin/health"), "OK");
    let info = host.get("/.well-known/spin/info");
    assert!(info.contains("\"name\": \"test\""), "{info}");
    assert!(info.contains("\"version\": \"1.2.3\""), "{info}");
    assert_eq!(host.send("/.well-known/spin/other").status, 404);
}

#[test]
fn a_component_sees_how_it_was_reached() {
    let host = Application::with("").start();
    let address = &host.address;

    let headers = [("x-mine", "1"), ("connection", "close")];
    let seen = host.send_with("/headers?a=b", &headers).body;

    for line in [
        "x-mine: 1".to_owned(),
        format!("host: {address}"),
        "spin-path-info: /headers".to_owned(),
        format!("spin-full-url: http://{address}/headers?a=b"),
        "spin-matched-route: /...".to_owned(),
        "spin-raw-component-route: /...".to_owned(),
        "spin-component-route: ".to_owned(),
        "spin-base-path: /".to_owned(),
    ] {
        assert!(seen.lines().any(|seen| seen == line), "{line} in {seen}");
    }
    assert!(!seen.contains("connection:"), "{seen}");
    assert_eq!(host.get("/uri?a=b"), format!("http://{address}/uri?a=b"));
}

#[test]
fn the_client_address_of_the_host_follows_a_forged_one() {
    let host = Application::with("").start();

    let forged = [("spin-client-addr", "1.2.3.4:5")];
    let seen = host.send_with("/headers", &forged).body;

    let addresses: Vec<_> = seen
        .lines()
        .filter_map(|line| line.strip_prefix("spin-client-addr: "))
        .collect();
    assert_eq!(addresses.len(), 2, "{seen}");
    assert!(addresses[1].starts_with("127.0.0.1:"), "{seen}");
}

#[test]
fn a_request_needs_one_valid_host_and_headers_in_utf_8() {
    let host = Application::with("").start();

    for headers in [
        &b""[..],
        b"host: a\r\nhost: a\r\n",
        b"host: a b\r\n",
        b"host: a\r\nx: \xe9\r\n",
    ] {
        let request = [
            b"GET /uri HTTP/1.1\r\n",
            headers,
            b"connection: close\r\n\r\n",
        ]
        .concat();
        let mut stream = TcpStream::connect(&host.address).unwrap();
        stream.write_all(&request).unwrap();

        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        let headers = headers.escape_ascii();
        assert!(
            response.starts_with("HTTP/1.1 400 "),
            "{headers}: {response}"
        );
    }

    assert_eq!(host.get("/next"), "/next");
}

#[test]
fn large_bodies_pass_in_both_directions() {
    let host = Application::with("").start();

    let sent = vec![1_u8; 20 << 20];
    let echo = host.post("/echo", &sent).body;

    assert_eq!(echo, format!("{0} bytes, sum {0}", sent.len()));
    assert_eq!(host.get("/large?20000000").len(), 20_000_000);
}

#[test]
fn a_trap_is_a_500_problem_and_the_next_request_is_served() {
    let host = Application::with("").start();

    let response = host.send_with("/trap", &[("x-request-id", "r-1")]);

    assert_eq!(response.status, 500);
    assert_eq!(response.headers["content-type"], "application/problem+json");
    let problem: serde_json::Value = serde_json::from_str(&response.body).unwrap();
    assert_eq!(problem["success"], false);
    assert_eq!(problem["requestId"], "r-1");
    host.wait_for_log("asked to trap");
    assert_eq!(host.get("/next"), "/next");
}

#[test]
fn a_component_that_exceeds_its_time_limit_is_a_504_problem() {
    let host = Application::with("")
        .argument("--request-timeout=300ms")
        .start();

    for path in ["/sleep?5000", "/loop"] {
        let started = Instant::now();
        let response = host.send(path);

        assert_eq!(response.status, 504, "{path}: {response:?}");
        assert!(response.body.contains("\"success\":false"), "{path}");
        assert!(started.elapsed() < Duration::from_secs(3), "{path}");
        assert_eq!(host.get("/next"), "/next", "after {path}");
    }
}

#[test]
fn an_endless_loop_does_not_delay_other_requests() {
    let host = Application::with("")
        .argument("--request-timeout=2")
        .start();

    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| host.send("/loop"));
        }
        std::thread::sleep(Duration::from_millis(200));

        let started = Instant::now();
        assert_eq!(host.get("/next"), "/next");
        assert!(started.elapsed() < Duration::from_secs(1));
    });
}

#[test]
fn a_component_reaches_only_allowed_hosts() {
    let other = Application::with("").start();
    let allowed = &other.address;
    let host = Application::with(&format!("allowed_outbound_hosts = ['http://{allowed}']")).start();

    let response = host.get(&format!("/send?http://{allowed}/over-there"));
    assert_eq!(response, "200 /over-there");

    for url in [
        "http://127.0.0.1:1/",
        "https://example.com/",
        "http://self.alt/",
    ] {
        let error = host.get(&format!("/send?{url}"));
        assert!(error.contains("HttpRequestDenied"), "{url}: {error}");
    }
}

#[test]
fn an_application_reaches_itself() {
    let host = Application::with("allowed_outbound_hosts = ['http://self']").start();

    // WASI 0.3 has no relative requests. Components of Spin write `self.alt` instead.
    let relative = host.get("/send?/relative");
    assert!(relative.contains("HttpRequestUriInvalid"), "{relative}");
    assert_eq!(host.get("/send?http://self.alt/named"), "200 /named");
}

#[test]
fn a_component_reaches_another_by_its_id() {
    let host = Application::with("allowed_outbound_hosts = ['http://*.spin.internal']").start();

    let chained = host.get("/send?http://guest.spin.internal/chained");
    assert_eq!(chained, "200 /chained");

    let headers = host.get("/send?http://guest.spin.internal/headers");
    assert!(headers.contains("spin-client-addr: 0.0.0.0:0"), "{headers}");
    assert!(headers.contains("spin-path-info: /headers"), "{headers}");

    let unknown = host.get("/send?http://none.spin.internal/");
    assert!(unknown.contains("error"), "{unknown}");
}

#[test]
fn sockets_reach_only_allowed_hosts() {
    let other = Application::with("").start();
    let allowed = &other.address;
    let host = Application::with(&format!("allowed_outbound_hosts = ['*://{allowed}']")).start();

    assert_eq!(host.get(&format!("/tcp?{allowed}")), "connected");
    assert!(host.get("/tcp?127.0.0.1:1").starts_with("error"));
}
