//! The catalogue in PostgreSQL.

use std::fs;
use std::thread;
use std::time::Duration;

use crate::get;
use end_to_end::{App, Options, PostgresServer, READ_THROUGH, repository};
use serde_json::json;

/// Starts the application with the sample catalogue in PostgreSQL.
fn on_postgres(server: &PostgresServer) -> App {
    let script = repository().join("data/catalogue.postgres.sql");
    server.run(
        &fs::read_to_string(&script).expect("scripts/build writes the catalogue for PostgreSQL"),
    );
    let options = Options::new().variable("postgres_url", &server.url());
    App::with(options.variable("postgres_address", &server.origin()))
}

#[test]
fn postgresql_and_sqlite_give_identical_responses() {
    let server = PostgresServer::start();
    let sqlite = App::start();
    let postgres = on_postgres(&server);
    for path in READ_THROUGH.into_iter().chain([
        "/api/products/category/none",
        "/api/products/search?q=50%25",
    ]) {
        let [from_sqlite, from_postgres] =
            [&sqlite, &postgres].map(|app| get(&app.nobody(), path).1);
        assert_eq!(from_sqlite.to_string(), from_postgres.to_string(), "{path}");
    }

    for path in [
        "/api/products/999999999999999999",
        "/api/config/no%00key",
        "/api/vehicles/brand/99999999999999999999/models",
    ] {
        let statuses = [&sqlite, &postgres].map(|app| app.nobody().send("GET", path, None).status);
        assert_eq!(statuses, [404, 404], "{path}");
    }

    let update = json!({ "priceCents": 1234 }).to_string();
    let report = postgres
        .operator()
        .send("POST", "/api/products/4985", Some(update.as_bytes()))
        .data();
    assert_eq!(
        report["keysInvalidated"], 6,
        "the product, two lists by category, two searches, the popular products"
    );
    assert_eq!(
        get(&postgres.nobody(), "/api/products/4985").1["priceCents"],
        1234
    );
    assert_eq!(
        server.run("SELECT price_cents FROM products WHERE id = 4985"),
        "1234\n"
    );
}

#[test]
fn without_postgresql_requests_are_503_until_it_returns() {
    let mut server = PostgresServer::start();
    let app = on_postgres(&server);
    get(&app.nobody(), "/api/products/1");
    server.kill();
    let problem = app
        .nobody()
        .send("GET", "/api/products/2", None)
        .with_status(503);
    let text = problem.to_string();

    assert!(text.contains("PostgreSQL"), "{text}");

    for secret in [server.password(), &server.url()] {
        assert!(!text.contains(secret), "the password is in: {text}");
        assert!(!app.log().contains(secret), "the password is in: {text}");
    }

    server.launch();
    // The failure is kept for a second.
    thread::sleep(Duration::from_millis(1_100));
    get(&app.nobody(), "/api/products/2");
}

#[test]
fn an_address_that_contradicts_the_url_is_a_misconfiguration() {
    let app = App::with(Options::new().variable("postgres_url", "postgres://u:p@127.0.0.1:1/shop"));
    let problem = app
        .nobody()
        .send("GET", "/api/products/popular", None)
        .with_status(503);
    assert_eq!(problem["variable"], "postgres_address");
    assert!(
        problem["detail"]
            .as_str()
            .is_some_and(|detail| detail.contains("postgres://127.0.0.1:1")),
        "{problem}"
    );
}
