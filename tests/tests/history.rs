//! `GET /api/cache/history`.

use end_to_end::{App, fill};
use serde_json::{Value, json};

fn wake(app: &App) {
    app.admin().post("/warmup/scheduled", &json!({})).ok();
}

fn history(app: &App, query: &str) -> Value {
    app.viewer().get(&format!("/history{query}")).data()
}

#[test]
fn without_a_schedule_there_are_no_rows() {
    let history = history(&App::start(), "");

    assert_eq!(history["rows"], json!([]));
    assert_eq!(history["marks"], json!([]));
    assert_eq!(history["stepSeconds"], 300);
}

#[test]
fn each_wake_up_of_the_schedule_finds_a_row_of_its_minute() {
    let app = App::start();
    fill(&mut app.connection(), "users:", 0..30);
    wake(&app);
    wake(&app);

    let history = history(&app, "?step=60");

    let rows = history["rows"].as_array().unwrap();
    // Two wake-ups may be in two minutes.
    assert!((1..=2).contains(&rows.len()), "{history:#}");
    let keys = rows[0]["keys"].as_u64().unwrap();
    assert!((30..60).contains(&keys), "{history:#}");
    assert!(rows[0]["memoryBytes"].as_u64().unwrap() > 0);
    assert_eq!(rows[0]["seconds"], 0, "nothing is known of the time before");
    assert_eq!(rows[0]["hits"], Value::Null);
}

#[test]
fn a_history_outlives_a_global_clear_whose_mark_it_has() {
    let app = App::start();
    fill(&mut app.connection(), "users:", 0..30);
    wake(&app);
    app.admin().post("/clear", &json!({ "confirm": true })).ok();

    let history = history(&app, "?by=modules");

    assert_eq!(history["rows"].as_array().unwrap().len(), 1, "{history:#}");
    let marks = history["marks"].as_array().unwrap();
    let clear = marks.iter().find(|mark| mark["action"] == "clear").unwrap();
    assert_eq!(clear["outcome"], "ok");
    let text = clear["text"].as_str().unwrap();
    assert!(text.contains(" cleared everything, "), "{text}");
    assert!(!history.to_string().contains("127.0.0.1"), "{history:#}");
}

#[test]
fn a_warmup_is_a_mark_with_the_keys_that_it_wrote() {
    let app = App::start();
    let body = json!({ "modules": ["users", "seo"] });
    let report = app.admin().post("/warmup", &body).ok();
    let written = report["stats"]["keysCreated"].as_u64().unwrap();
    assert!(written > 0, "{report:#}");

    let history = history(&app, "");
    let text = history["marks"][0]["text"].as_str().unwrap();
    assert!(text.ends_with(&format!(", {written} keys")), "{text}");
    let trail = app.admin().get("/audit").data();
    assert_eq!(trail["entries"][0]["keysWritten"], written);
}

#[test]
fn an_invalid_parameter_is_named() {
    let app = App::start();
    for (query, field) in [
        ("from=yesterday", "from"),
        ("to=1", "to"),
        ("from=2000-01-01T00:00:00Z", "from"),
        ("step=7", "step"),
        ("step=0", "step"),
        ("by=keys", "by"),
        ("limit=1", "limit"),
    ] {
        let problem = app
            .viewer()
            .get(&format!("/history?{query}"))
            .with_status(422);
        assert_eq!(problem["field"], field, "{query}");
    }
}
