//! The HTTP trigger: routes, headers, bodies, time limits, and requests components send themselves.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::support::{Application, guest};

#[test]
fn a_path_without_a_route_is_404_with_an_empty_body() {
    let manifest = format!(
        "spin_manifest_version = 2\napplication = {{ name = 'a' }}\n\
         [[trigger.http]]\nroute = '/only'\ncomponent = 'guest'\n\
         [[trigger.http]]\nroute = '/fixed'\nstatic_response = {{ status_code = 201, headers = {{ a = 'b' }}, body = 'c' }}\n\
         [[trigger.http]]\nroute = {{ private = true }}\ncomponent = 'guest'\n\
         [component.guest]\nsource = '{}'\n",
        guest().display()
    );
    let host = Application::from_manifest(&manifest).start();
    assert_eq!(host.get("/only"), "/only");
    let missing = host.ask("/other");
    assert_eq!((missing.status, missing.body.as_str()), (404, ""));
    let fixed = host.ask("/fixed");
    assert_eq!((fixed.status, fixed.body.as_str(), &fixed.headers["a"]), (201, "c", &"b".parse().unwrap()));
}

#[test]
fn the_hosts_own_paths_answer() {
    let host = Application::with("").start();
    assert_eq!(host.get("/.well-known/spin/health"), "OK");
    let info = host.get("/.well-known/spin/info");
    assert!(info.contains("\"name\": \"test\"") && info.contains("\"version\": \"1.2.3\""), "{info}");
    assert_eq!(host.ask("/.well-known/spin/other").status, 404);
}

#[test]
fn a_component_is_told_how_it_was_reached() {
    let host = Application::with("").start();
    let seen = host.ask_with("/headers?a=b", &[("x-mine", "1"), ("connection", "close")]).body;
    for line in [
        "x-mine: 1".to_owned(),
        format!("host: {}", host.address),
        "spin-path-info: /headers".to_owned(),
        format!("spin-full-url: http://{}/headers?a=b", host.address),
        "spin-matched-route: /...".to_owned(),
        "spin-raw-component-route: /...".to_owned(),
        "spin-component-route: ".to_owned(),
        "spin-base-path: /".to_owned(),
    ] {
        assert!(seen.lines().any(|seen| seen == line), "{line} in {seen}");
    }
    assert!(!seen.contains("connection:"), "{seen}");
    assert_eq!(host.get("/uri?a=b"), format!("http://{}/uri?a=b", host.address));
}

#[test]
fn the_last_client_address_is_the_hosts_whatever_the_client_sends() {
    let host = Application::with("").start();
    let seen = host.ask_with("/headers", &[("spin-client-addr", "1.2.3.4:5")]).body;
    let addresses: Vec<_> = seen.lines().filter_map(|line| line.strip_prefix("spin-client-addr: ")).collect();
    assert_eq!(addresses.len(), 2, "{seen}");
    assert!(addresses[1].starts_with("127.0.0.1:"), "{seen}");
}

#[test]
fn a_request_without_a_host_is_not_answered() {
    let host = Application::with("").start();
    let mut stream = TcpStream::connect(&host.address).unwrap();
    stream.write_all(b"GET /uri HTTP/1.1\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "");
    assert_eq!(host.get("/next"), "/next");
}

#[test]
fn large_bodies_pass_both_ways() {
    let host = Application::with("").start();
    let sent = vec![1_u8; 20 << 20];
    assert_eq!(host.post("/echo", &sent).body, format!("{0} bytes, sum {0}", sent.len()));
    assert_eq!(host.get("/large?20000000").len(), 20_000_000);
}

#[test]
fn a_trap_is_a_500_problem_and_the_next_request_is_served() {
    let host = Application::with("").start();
    let answer = host.ask_with("/trap", &[("x-request-id", "r-1")]);
    assert_eq!(answer.status, 500);
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!((&body["success"], &body["requestId"]), (&false.into(), &"r-1".into()));
    host.logs("asked to trap");
    assert_eq!(host.get("/next"), "/next");
}

#[test]
fn a_component_that_takes_too_long_is_a_504_problem() {
    let host = Application::with("").argument("--request-timeout=300ms").start();
    for path in ["/sleep?5000", "/loop"] {
        let started = std::time::Instant::now();
        let answer = host.ask(path);
        assert_eq!(answer.status, 504, "{path}: {answer:?}");
        assert!(answer.body.contains("\"success\":false"), "{path}: {answer:?}");
        assert!(started.elapsed() < std::time::Duration::from_secs(3), "{path}");
        assert_eq!(host.get("/next"), "/next", "after {path}");
    }
}

#[test]
fn a_component_that_loops_does_not_hold_up_others() {
    let host = Application::with("").argument("--request-timeout=2").start();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| host.ask("/loop"));
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
        let started = std::time::Instant::now();
        assert_eq!(host.get("/next"), "/next");
        assert!(started.elapsed() < std::time::Duration::from_secs(1));
    });
}

#[test]
fn outbound_requests_reach_what_is_allowed() {
    let other = Application::with("").start();
    let host = Application::with(&format!("allowed_outbound_hosts = ['http://{}']", other.address)).start();
    assert_eq!(host.get(&format!("/send?http://{}/over-there", other.address)), "200 /over-there");
    for url in ["http://127.0.0.1:1/", "https://example.com/", "http://self.alt/"] {
        let text = host.get(&format!("/send?{url}"));
        assert!(text.contains("HttpRequestDenied"), "{url}: {text}");
    }
}

#[test]
fn an_application_reaches_itself_by_self_and_by_component() {
    let host = Application::with("allowed_outbound_hosts = ['http://self', 'http://*.spin.internal']").start();
    // WASI 0.3 has no relative requests; `self.alt` is how Spin has its components write them.
    assert!(host.get("/send?/relative").contains("HttpRequestUriInvalid"));
    assert_eq!(host.get("/send?http://self.alt/named"), "200 /named");
    assert_eq!(host.get("/send?http://guest.spin.internal/chained"), "200 /chained");
    let headers = host.get("/send?http://guest.spin.internal/headers");
    assert!(
        headers.contains("spin-client-addr: 0.0.0.0:0") && headers.contains("spin-path-info: /headers"),
        "{headers}"
    );
    assert!(host.get("/send?http://none.spin.internal/").contains("error"));
}

#[test]
fn sockets_follow_the_allowed_hosts_too() {
    let other = Application::with("").start();
    let host = Application::with(&format!("allowed_outbound_hosts = ['*://{}']", other.address)).start();
    assert_eq!(host.get(&format!("/tcp?{}", other.address)), "connected");
    assert!(host.get("/tcp?127.0.0.1:1").starts_with("error"));
}
