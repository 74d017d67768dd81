//! `GET /api/cache/alerts`, and the webhooks that the schedule posts to.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use end_to_end::{App, Options};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

const KEY: &str = "a key of signatures";

/// A request that a receiver got.
#[derive(Debug, Clone)]
struct Received {
    path: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Received {
    fn header(&self, name: &str) -> &str {
        let mut headers = self.headers.iter();
        let found = headers.find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// A server that keeps the requests, and answers the first ones with 500.
struct Receiver {
    address: String,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Receiver {
    fn failing(times: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let received: Arc<Mutex<Vec<Received>>> = Arc::default();
        let kept = Arc::clone(&received);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let Some(request) = read_request(&stream) else {
                    continue;
                };
                let mut kept = kept.lock().unwrap();
                kept.push(request);
                let status = if kept.len() <= times {
                    "500 Internal Server Error"
                } else {
                    "202 Accepted"
                };
                drop(kept);
                let answer =
                    format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
                let _ = (&stream).write_all(answer.as_bytes());
            }
        });
        Self { address, received }
    }

    fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

fn read_request(stream: &TcpStream) -> Option<Received> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();

    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length")?;
    let mut body = vec![0; length.1.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    let body = String::from_utf8(body).ok()?;
    Some(Received {
        path,
        headers,
        body,
    })
}

/// HMAC-SHA256 by its definition (RFC 2104).
fn hmac(key: &str, message: &str) -> String {
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key.as_bytes());
    let padded = |pad: u8| block.map(|byte| byte ^ pad);
    let inner = Sha256::new()
        .chain_update(padded(0x36))
        .chain_update(message)
        .finalize();
    let outer = Sha256::new()
        .chain_update(padded(0x5c))
        .chain_update(inner)
        .finalize();
    outer.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An application with these webhooks, of which the schedule may connect to the receiver.
fn app(webhooks: &str, receiver: &Receiver) -> App {
    App::with(
        Options::new()
            .variable("alert_webhooks", webhooks)
            .variable("alert_webhook_key", KEY)
            .variable("alert_hosts", &format!("http://{}", receiver.address))
            .variable("alert_after_seconds", "0")
            .variable("memory_alert_percent", "1")
            .variable("alert_source", "the shop's cache")
            .redis(&["--maxmemory", "10gb"]),
    )
}

fn set_maxmemory(app: &App, bytes: &str) {
    let mut redis = app.connection();
    redis.on_each_node(redis::cmd("CONFIG").arg(&["SET", "maxmemory", bytes]));
}

/// More than the alert's percent of this is in use.
fn fill_memory(app: &App) {
    set_maxmemory(app, "30mb");
}

/// Wakes the schedule. It refuses to warm up while the alert of the memory is raised.
fn wake(app: &App) {
    let response = app.admin().post("/warmup/scheduled", &json!({}));
    assert!([200, 503].contains(&response.status), "{response:?}");
}

/// Wakes the schedule until the receiver has so many requests.
fn wake_until(app: &App, receiver: &Receiver, requests: usize) -> Vec<Received> {
    let began = Instant::now();
    loop {
        wake(app);
        let received = receiver.received();
        if received.len() >= requests {
            return received;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "{received:#?}");
        std::thread::sleep(Duration::from_secs(1));
    }
}

fn alerts(app: &App) -> Value {
    app.viewer().get("/alerts").data()
}

#[test]
fn without_alerts_and_webhooks_there_is_nothing() {
    let found = alerts(&App::start());

    assert_eq!(found, json!({ "alerts": [], "webhooks": [] }));
}

#[test]
fn a_receiver_that_fails_twice_gets_one_signed_message_about_an_alert_and_one_about_its_end() {
    let receiver = Receiver::failing(2);
    let app = app(
        &format!("json=http://{}/hooks/T0P-SECRET", receiver.address),
        &receiver,
    );
    app.admin()
        .post("/clear", &json!({ "pattern": "users:*" }))
        .ok();
    fill_memory(&app);

    let received = wake_until(&app, &receiver, 3);
    wake(&app);
    assert_eq!(receiver.received().len(), 3, "it is posted once");
    for request in &received {
        assert_eq!(request.path, "/hooks/T0P-SECRET");
        assert_eq!(request.header("content-type"), "application/json");
        assert_eq!(request.header("alert-id"), received[0].header("alert-id"));
        let signed = format!("{}.{}", request.header("alert-timestamp"), request.body);
        let expected = format!("v1={}", hmac(KEY, &signed));
        assert_eq!(request.header("alert-signature"), expected);
    }
    let body = received[2].json();
    assert_eq!(body["kind"], "raised");
    assert_eq!(body["alert"], "memory");
    assert_eq!(body["severity"], "critical");
    assert_eq!(body["source"], "the shop's cache");
    let change = body["changes"][0]["text"].as_str().unwrap();
    assert!(change.contains(" cleared users:*"), "{body:#}");

    let found = alerts(&app);
    assert_eq!(found["alerts"][0]["name"], "memory");
    assert_eq!(found["alerts"][0]["severity"], "critical");
    assert!(
        found["alerts"][0]["lastNotifiedAt"].is_string(),
        "{found:#}"
    );
    let webhook = &found["webhooks"][0];
    assert_eq!(webhook["name"], "127.0.0.1");
    assert_eq!(webhook["format"], "json");
    let delivery = &webhook["deliveries"][0];
    assert_eq!(delivery["kind"], "raised");
    assert_eq!(delivery["status"], 202);
    assert_eq!(delivery["attempts"], 3);
    assert_eq!(delivery["error"], Value::Null);
    assert!(!found.to_string().contains("SECRET"), "{found:#}");

    set_maxmemory(&app, "0");
    let received = wake_until(&app, &receiver, 4);
    assert_eq!(received[3].json()["kind"], "cleared");
    assert_eq!(alerts(&app)["alerts"], json!([]));
}

#[test]
fn pagerduty_resolves_the_incident_that_it_opened() {
    let receiver = Receiver::failing(0);
    let webhook = format!("pagerduty=http://{}/v2/enqueue#R0UT1NG", receiver.address);
    let app = app(&webhook, &receiver);
    fill_memory(&app);
    wake_until(&app, &receiver, 1);
    set_maxmemory(&app, "0");

    let events = wake_until(&app, &receiver, 2);

    let [triggered, resolved] = [events[0].json(), events[1].json()];
    assert_eq!(events[0].path, "/v2/enqueue");
    assert_eq!(triggered["routing_key"], "R0UT1NG");
    assert_eq!(triggered["event_action"], "trigger");
    assert_eq!(triggered["payload"]["severity"], "critical");
    assert_eq!(resolved["event_action"], "resolve");
    assert_eq!(resolved["dedup_key"], triggered["dedup_key"]);
}

#[test]
fn a_full_redis_is_posted() {
    let receiver = Receiver::failing(0);
    let app = app(&format!("json=http://{}/a", receiver.address), &receiver);
    app.admin().post("/warmup/scheduled", &json!({})).ok();
    set_maxmemory(&app, "1");

    app.admin().post("/warmup/scheduled", &json!({})).ok();

    let received = receiver.received();
    assert_eq!(received.len(), 1, "{received:#?}");
    assert_eq!(received[0].json()["alert"], "memory");
}

#[test]
fn two_schedules_at_once_post_once() {
    let receiver = Receiver::failing(0);
    let app = app(&format!("slack=http://{}/a", receiver.address), &receiver);
    fill_memory(&app);

    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| wake(&app));
        }
    });

    let received = receiver.received();
    assert_eq!(received.len(), 1, "{received:#?}");
    let text = received[0].json()["text"].as_str().unwrap().to_owned();
    assert!(
        text.starts_with("*the shop's cache: memory alert raised (critical)*"),
        "{text}"
    );
}

#[test]
fn a_webhook_whose_host_is_not_allowed_is_explained() {
    let receiver = Receiver::failing(0);
    let app = app("json=https://hooks.example.com/T0P-SECRET", &receiver);
    fill_memory(&app);
    wake(&app);

    let found = alerts(&app);

    let delivery = &found["webhooks"][0]["deliveries"][0];
    let error = delivery["error"].as_str().unwrap();
    assert!(
        error.contains("does not allow https://hooks.example.com: set `alert_hosts`"),
        "{error}"
    );
    assert_eq!(delivery["status"], Value::Null);
    assert!(!found.to_string().contains("SECRET"), "{found:#}");
    assert!(!app.log().contains("SECRET"), "{}", app.log());
}

#[test]
fn a_bad_webhook_is_named_without_its_address() {
    let app =
        App::with(Options::new().variable("alert_webhooks", "mail=https://a.example/T0P-SECRET"));

    let problem = app.viewer().get("/alerts").with_status(503);

    assert_eq!(problem["variable"], "alert_webhooks");
    assert!(!problem.to_string().contains("SECRET"), "{problem:#}");
}
