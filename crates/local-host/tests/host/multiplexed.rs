//! Limits for clients over HTTP/2, where they can send PINGs for as long as they like.

use std::time::Duration;

use bytes::Bytes;
use h2::client::{Builder, SendRequest};
use h2::{Ping, RecvStream};
use http::{Method, Request};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use crate::support::{Application, Host};

/// Much longer than the limits that tests set, much shorter than the default ones.
const SOON: Duration = Duration::from_secs(8);

/// A client that sends a PING every 20 ms until the host closes the connection.
struct PingingClient {
    requests: SendRequest<Bytes>,
    connection: JoinHandle<()>,
}

impl PingingClient {
    async fn connect(host: &Host, window_bytes: u32) -> Self {
        let stream = TcpStream::connect(&host.address).await.unwrap();
        let (requests, mut connection) = Builder::new()
            .initial_window_size(window_bytes)
            .handshake(stream)
            .await
            .unwrap();

        let mut pings = connection.ping_pong().unwrap();
        tokio::spawn(async move {
            while pings.ping(Ping::opaque()).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });

        let connection = tokio::spawn(async move { drop(connection.await) });
        let requests = requests.ready().await.unwrap();
        Self {
            requests,
            connection,
        }
    }

    /// Sends a request, waits for the head of the response, and returns its body.
    async fn get(&mut self, path: &str) -> RecvStream {
        let request = Request::get(format!("http://a{path}")).body(()).unwrap();
        let (response, _) = self.requests.send_request(request, true).unwrap();
        response.await.unwrap().into_body()
    }

    /// Waits until the host has closed the connection.
    async fn wait_until_cut_off(self) {
        let closed = tokio::time::timeout(SOON, self.connection).await;
        closed.expect("the connection is still open").unwrap();
    }
}

/// An application that responds to every request with a body of `count` bytes.
fn application_with_body(count: usize) -> Application {
    Application::from_manifest(&format!(
        "spin_manifest_version = 2\napplication = {{ name = 'a' }}\n\
         [[trigger.http]]\nroute = '/...'\nstatic_response = {{ body = '{}' }}\n",
        "x".repeat(count)
    ))
}

#[tokio::test]
async fn pings_do_not_keep_an_idle_connection_open() {
    let application = application_with_body(5);
    let host = application.argument("--idle-timeout=300ms").start();

    let mut client = PingingClient::connect(&host, 1000).await;
    drop(client.get("/").await);

    client.wait_until_cut_off().await;
}

#[tokio::test]
async fn pings_do_not_keep_an_unread_response() {
    let application = application_with_body(100_000);
    let host = application.argument("--stall-timeout=400ms").start();

    for window_bytes in [0, 10] {
        let mut client = PingingClient::connect(&host, window_bytes).await;
        let _first = client.get("/1").await;
        let _second = client.get("/2").await;

        client.wait_until_cut_off().await;
    }
}

#[tokio::test]
async fn a_client_that_reads_too_slowly_is_cut_off() {
    let application = application_with_body(100_000);
    let host = application.argument("--stall-timeout=400ms").start();

    let mut client = PingingClient::connect(&host, 1).await;
    let mut response = client.get("/").await;
    let mut read = 0;
    while let Some(Ok(bytes)) = response.data().await {
        read += bytes.len();
        tokio::time::sleep(Duration::from_millis(20)).await;
        let _ = response.flow_control().release_capacity(bytes.len());
        assert!(read < 500, "10 s of one byte after the other");
    }

    client.wait_until_cut_off().await;
}

#[tokio::test]
async fn neither_pings_nor_empty_frames_keep_a_request_without_its_body() {
    let host = Application::with("")
        .argument("--stall-timeout=400ms")
        .start();
    let mut client = PingingClient::connect(&host, 1000).await;
    let request = Request::builder().method(Method::POST).uri("http://a/echo");
    let request = request.body(()).unwrap();

    let (_response, mut body) = client.requests.send_request(request, false).unwrap();
    body.send_data(Bytes::from_static(b"some"), false).unwrap();
    let empty_frames = tokio::spawn(async move {
        while body.send_data(Bytes::new(), false).is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });

    client.wait_until_cut_off().await;
    empty_frames.abort();
}

#[tokio::test]
async fn unread_responses_do_not_lock_others_out() {
    let application = application_with_body(1_000_000);
    let host = application.argument("--max-unsent-megabytes=4").start();
    let mut greedy = PingingClient::connect(&host, 0).await;
    let mut unread = Vec::new();
    for number in 0..5 {
        unread.push(greedy.get(&format!("/{number}")).await);
    }
    tokio::time::sleep(Duration::from_millis(1500)).await;

    let next = tokio::task::spawn_blocking(move || (host.send("/next").status, host));
    let (status, _host) = next.await.unwrap();

    assert_eq!(status, 200);
    greedy.wait_until_cut_off().await;
}
