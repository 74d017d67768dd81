//! Limits for clients: time to send something, connections, and memory for responses that they do
//! not read.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::support::{Application, Host};

/// Much longer than the limits that tests set, much shorter than the default ones.
const SOON: Duration = Duration::from_secs(8);

fn connect(host: &Host) -> TcpStream {
    let stream = TcpStream::connect(&host.address).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    stream
}

fn connect_and_send(host: &Host, text: &str) -> TcpStream {
    let mut stream = connect(host);
    stream.write_all(text.as_bytes()).unwrap();
    stream
}

/// A request that keeps its connection open.
fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n")
}

/// A request after which the host closes the connection.
fn get_and_close(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
}

/// Reads until the host closes the connection, and fails if it does not.
fn read_until_closed(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => {
            panic!("the connection is still open: {error}")
        }
        _ => bytes,
    }
}

fn read_text_until_closed(stream: &mut TcpStream) -> String {
    String::from_utf8(read_until_closed(stream)).unwrap()
}

/// Reads the response to a request that keeps its connection open.
fn read_some(stream: &mut TcpStream) {
    let read = stream.read(&mut [0; 1000]).unwrap();
    assert!(read > 0);
}

/// Reads until more than `expected` bytes have arrived. Returns false if the connection ends before.
fn delivers(stream: &mut TcpStream, expected: usize) -> bool {
    let mut buffer = vec![0; 1 << 20];
    let mut total = 0;
    while let Ok(read @ 1..) = stream.read(&mut buffer) {
        total += read;
        if total > expected {
            return true;
        }
    }
    false
}

fn start_with_short_head_timeout() -> Host {
    let application = Application::with("");
    application.argument("--head-timeout=400ms").start()
}

fn start_with_short_stall_timeout() -> Host {
    let application = Application::with("");
    application.argument("--stall-timeout=400ms").start()
}

#[test]
fn a_client_that_does_not_finish_its_first_head_is_cut_off() {
    let host = start_with_short_head_timeout();
    for begun in [
        "",
        "GET",
        "GET / HTTP/1.1\r\nhost: a\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        read_until_closed(&mut connect_and_send(&host, begun));
    }
}

#[test]
fn a_client_that_does_not_finish_a_later_head_is_cut_off() {
    let host = start_with_short_head_timeout();
    let mut stream = connect_and_send(&host, &get("/first"));
    read_some(&mut stream);

    stream.write_all(b"GET / HT").unwrap();

    read_until_closed(&mut stream);
}

#[test]
fn a_client_that_sends_its_head_byte_by_byte_is_cut_off() {
    let host = start_with_short_head_timeout();
    let mut stream = connect_and_send(&host, "GET / HTTP/1.1\r\nx: ");

    let sent = (0..100).take_while(|_| {
        std::thread::sleep(Duration::from_millis(50));
        stream.write_all(b"G").is_ok()
    });

    assert!(sent.count() < 100, "each byte extends the time limit");
}

#[test]
fn an_idle_connection_is_closed() {
    let host = Application::with("")
        .argument("--idle-timeout=300ms")
        .start();

    let mut stream = connect_and_send(&host, &get("/first"));

    let response = read_text_until_closed(&mut stream);
    assert!(response.ends_with("/first"), "{response}");
}

#[test]
fn a_connection_with_a_request_in_flight_is_not_idle() {
    let host = Application::with("")
        .argument("--idle-timeout=300ms")
        .argument("--head-timeout=300ms")
        .start();

    let mut stream = connect_and_send(&host, &get("/sleep?1500"));

    let response = read_text_until_closed(&mut stream);
    assert!(response.contains("200 OK"), "{response}");
}

#[test]
fn a_client_that_does_not_read_is_cut_off() {
    let host = start_with_short_stall_timeout();

    let mut stream = connect_and_send(&host, &get("/large?60000000"));
    std::thread::sleep(Duration::from_secs(3));

    let buffered = read_until_closed(&mut stream).len();
    assert!(buffered < 60_000_000, "{buffered} bytes");
}

#[test]
fn a_client_that_reads_slowly_receives_everything() {
    let host = start_with_short_stall_timeout();

    let mut stream = connect_and_send(&host, &get_and_close("/large?6000000"));
    let mut buffer = vec![0; 500_000];
    let mut total = 0;
    while let Ok(read @ 1..) = stream.read(&mut buffer) {
        total += read;
        std::thread::sleep(Duration::from_millis(50));
    }

    assert!(total > 6_000_000, "{total} bytes");
}

#[test]
fn a_client_that_does_not_send_its_body_is_cut_off() {
    let host = start_with_short_stall_timeout();

    let started = Instant::now();
    let request = "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\nsome";
    read_until_closed(&mut connect_and_send(&host, request));

    assert!(started.elapsed() < SOON);
    assert_eq!(host.get("/next"), "/next");
}

#[test]
fn silent_clients_do_not_lock_others_out() {
    let host = Application::with("")
        .argument("--max-connections=8")
        .start();
    let _silent: Vec<_> = (0..60).map(|_| connect(&host)).collect();

    for number in 0..20 {
        let path = format!("/{number}");
        let mut stream = connect_and_send(&host, &get_and_close(&path));
        let response = read_text_until_closed(&mut stream);
        assert!(response.ends_with(&path), "{response}");
    }
}

#[test]
fn a_new_client_receives_503_while_every_connection_is_busy() {
    let host = Application::with("")
        .argument("--max-connections=2")
        .start();
    let mut busy: Vec<_> = (0..2)
        .map(|_| connect_and_send(&host, &get("/sleep?3000")))
        .collect();
    std::thread::sleep(Duration::from_millis(500));

    let refused = read_text_until_closed(&mut connect_and_send(&host, &get("/")));

    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
    assert!(refused.contains("retry-after: 1"), "{refused}");
    let (_, body) = refused.split_once("\r\n\r\n").unwrap();
    let problem: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(problem["status"], 503);
    assert_eq!(problem["success"], false);

    for stream in &mut busy {
        let mut status = [0; 12];
        stream.read_exact(&mut status).unwrap();
        assert_eq!(&status, b"HTTP/1.1 200");
    }
}

#[test]
fn unread_responses_do_not_use_up_the_memory() {
    let host = Application::with("")
        .argument("--max-unsent-megabytes=16")
        .start();
    let mut unread: Vec<_> = (0..12)
        .map(|_| {
            std::thread::sleep(Duration::from_millis(300));
            connect_and_send(&host, &get("/large?20000000"))
        })
        .collect();
    std::thread::sleep(Duration::from_millis(1500));

    assert_eq!(host.get("/next"), "/next", "others are served");

    let complete = unread.iter_mut().map(|stream| delivers(stream, 20_000_000));
    assert!(
        complete.filter(|complete| *complete).count() <= 2,
        "those that fit into 16 MiB, and the one that exceeded them"
    );
}

#[test]
fn an_unreadable_request_receives_a_problem() {
    let host = Application::with("").start();
    let long_path = format!("/{}", "a".repeat(66_000));
    let long_header = "a".repeat(500_000);
    let many_headers = "x: 1\r\n".repeat(101);

    for (status, request) in [
        (
            400,
            "GET / HTTP/1.1\r\nhost: a\r\nno colon\r\n\r\n".to_owned(),
        ),
        (414, get(&long_path)),
        (
            431,
            format!("GET / HTTP/1.1\r\nhost: a\r\nx: {long_header}\r\n\r\n"),
        ),
        (
            431,
            format!("GET / HTTP/1.1\r\nhost: a\r\n{many_headers}\r\n"),
        ),
    ] {
        let mut stream = connect(&host);
        // The host may respond and close before it has read everything.
        let _ = stream.write_all(request.as_bytes());
        let response = read_text_until_closed(&mut stream);

        let (head, body) = response
            .split_once("\r\n\r\n")
            .unwrap_or_else(|| panic!("{status}: {response:?}"));
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{head}");
        let content_type = "content-type: application/problem+json";
        assert!(head.contains(content_type), "{head}");

        let problem: serde_json::Value = serde_json::from_str(body).unwrap();
        assert_eq!(problem["status"], status);
        assert_eq!(problem["success"], false);
        assert_ne!(problem["detail"].as_str().unwrap(), "");
    }
}

/// An application whose routes `/400`, `/414` and `/431` respond with that status and no body.
fn start_with_bodiless_errors() -> Host {
    let triggers = [400, 414, 431].map(|status| {
        format!("[[trigger.http]]\nroute = '/{status}'\nstatic_response = {{ status_code = {status} }}\n")
    });
    let manifest = format!(
        "spin_manifest_version = 2\napplication = {{ name = 'a' }}\n{}",
        triggers.concat()
    );
    Application::from_manifest(&manifest).start()
}

#[test]
fn a_bodiless_error_of_the_application_is_unchanged() {
    let host = start_with_bodiless_errors();
    for status in [400, 414, 431] {
        for (method, body) in [
            ("GET", "\r\n"),
            ("HEAD", "\r\n"),
            ("POST", "content-length: 4\r\n\r\nsome"),
        ] {
            let request =
                format!("{method} /{status} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{body}");
            let response = read_text_until_closed(&mut connect_and_send(&host, &request));

            let expected = format!("HTTP/1.1 {status} ");
            assert!(response.starts_with(&expected), "{method}: {response}");
            assert!(response.ends_with("\r\n\r\n"), "{method}: {response}");
            assert!(!response.contains("problem+json"), "{method}: {response}");
        }
    }
}

#[test]
fn an_unreadable_request_after_a_bodiless_error_receives_a_problem() {
    let host = start_with_bodiless_errors();
    let mut stream = connect_and_send(&host, &get("/400"));
    read_some(&mut stream);

    stream.write_all(b"no request\r\n\r\n").unwrap();

    let response = read_text_until_closed(&mut stream);
    assert!(response.starts_with("HTTP/1.1 400 "), "{response}");
    assert!(response.contains("problem+json"), "{response}");
}
