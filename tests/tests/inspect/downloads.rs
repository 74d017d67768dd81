//! Downloads of whole values.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use end_to_end::{App, BASE, Caller};
use redis::Commands;

/// Bytes that are not UTF-8, each MiB different.
fn bytes(length: usize) -> Vec<u8> {
    (0..length)
        .map(|n| (n ^ (n >> 8) ^ (n >> 20)) as u8)
        .collect()
}

#[test]
fn a_value_of_50_mb_is_downloaded_byte_for_byte() {
    let app = App::start();
    let value = bytes(50_000_000);
    let () = app.connection().set("blob", &value).unwrap();

    for form in ["decoded", "stored"] {
        let (headers, downloaded) = app
            .operator()
            .download(&format!("/keys/blob?download={form}"));

        assert_eq!(headers["content-length"], "50000000");
        assert_eq!(headers["content-disposition"], "attachment");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert!(downloaded == value, "other bytes");
    }
}

#[test]
fn an_entry_is_downloaded_decoded_and_as_it_is_stored() {
    let app = App::start();
    app.nobody()
        .send("GET", "/api/products/4985", None)
        .with_status(200);
    let key = "products:4985:details";
    let stored: Vec<u8> = app.connection().get(key).unwrap();

    let (_, decoded) = app
        .operator()
        .download(&format!("/keys/{key}?download=decoded"));
    let (_, as_stored) = app
        .operator()
        .download(&format!("/keys/entry?key={key}&download=stored"));

    assert_eq!(as_stored, stored);
    let text = String::from_utf8(stored).unwrap();
    assert_eq!(String::from_utf8(decoded).unwrap(), text.trim_end());
    assert_ne!(text, text.trim_end(), "it has a trailer");
}

#[test]
fn a_value_that_is_replaced_meanwhile_ends_before_its_length() {
    let app = App::start();
    let mut redis = app.connection();
    let () = redis.set("blob", bytes(50_000_000)).unwrap();
    let mut stream = TcpStream::connect(app.address()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let request = format!(
        "GET {BASE}/keys/blob?download=stored HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {}\r\nconnection: close\r\n\r\n",
        Caller::Operator.token().unwrap()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut received = vec![0; 100_000];
    stream.read_exact(&mut received).unwrap();

    // Nobody reads now, so most of the value has not been read from Redis.
    let () = redis.set("blob", vec![b'x'; 50_000_000]).unwrap();
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);

    let total = received.len() + rest.len();
    assert!(total < 50_000_000, "{total} bytes arrived");
    assert!(app.logs(&["response.cut"]), "the failure is not in the log");
}

#[test]
fn what_cannot_be_downloaded_is_refused() {
    let app = App::start();
    let mut redis = app.connection();
    let () = redis.hset("hash", "f", "v").unwrap();
    let () = redis.set("key", "v").unwrap();
    let operator = app.operator();

    let problem = operator.get("/keys/hash?download=stored").with_status(409);
    assert_eq!(problem["type"], "urn:edge-cache:problem:not-downloadable");
    operator.get("/keys/none?download=stored").with_status(404);
    for query in ["download=raw", "download=stored&limit=5"] {
        let problem = operator.get(&format!("/keys/key?{query}")).with_status(422);
        assert_eq!(problem["field"], "download");
    }
    app.viewer()
        .get("/keys/key?download=stored")
        .with_status(403);
}
