//! `GET /api/cache/operations/{id}`: changes by the ids that their responses have.

use end_to_end::{App, Response, fill};
use serde_json::{Value, json};

use crate::{assert_has, entries, with_id};

/// The id in the body of a response, which its header repeats.
fn operation_id(response: &Response) -> String {
    let id = response.body["operationId"].as_str();
    assert!(id.is_some(), "{response:#?}");
    assert_eq!(response.header("operation-id"), id);
    id.unwrap().to_owned()
}

fn operation(client: &end_to_end::Client, id: &str) -> Value {
    client.get(&format!("/operations/{id}")).data()
}

#[test]
fn every_change_has_an_id_that_leads_to_its_record() {
    let app = App::start();
    fill(&mut app.connection(), "users:", 0..10);
    let admin = app.admin();
    let changes = [
        admin.post("/clear", &json!({ "pattern": "users:1*" })),
        admin.delete("/invalidate", &json!({ "keys": ["users:2"] })),
        admin.post("/invalidate", &json!({ "tags": ["t"] })),
        admin.patch("/keys/users:4", &json!({ "ttl": 600 })),
        admin.delete("/keys/entry", &json!({ "key": "users:5" })),
        admin.post("/expire", &json!({ "keys": ["users:6"], "ttl": 60 })),
        admin.post("/warmup", &json!({ "modules": ["users"] })),
        admin.put("/ttl", &json!({ "prefix": "test", "ttl": 60 })),
        admin.put("/rules", &json!({ "event": "test", "keys": ["test:{id}"] })),
        admin.post("/events", &json!({ "type": "test", "id": "1" })),
    ];

    for change in &changes {
        let id = operation_id(change);

        let found = operation(&app.admin(), &id);

        assert_eq!(found["operationId"], json!(id));
        assert_eq!(found["record"]["operationId"], json!(id));
        let request_id = change.header("x-request-id").unwrap();
        assert_has(
            &found["record"],
            &json!({ "outcome": "ok", "requestId": request_id }),
        );
    }
    let listed = entries(&app);
    let ids: Vec<_> = changes.iter().rev().map(operation_id).collect();
    let listed: Vec<_> = listed.iter().map(|entry| &entry["operationId"]).collect();
    assert_eq!(listed, ids.iter().collect::<Vec<_>>());
}

#[test]
fn an_invalidation_says_since_when_it_is_in_force() {
    let app = App::start();
    fill(&mut app.connection(), "users:", 0..10);
    let cleared = app.admin().post("/clear", &json!({ "pattern": "users:*" }));

    let found = operation(&app.admin(), &operation_id(&cleared));

    let in_force = found["inForceAt"].as_str().unwrap();
    assert!(in_force >= found["record"]["at"].as_str().unwrap());
    let changed = app
        .admin()
        .put("/ttl", &json!({ "prefix": "test", "ttl": 60 }));
    let found = operation(&app.admin(), &operation_id(&changed));
    assert_eq!(found["inForceAt"], Value::Null);
}

#[test]
fn only_an_admin_sees_the_client_address() {
    let app = App::start();
    let change = app
        .operator()
        .delete("/invalidate", &json!({ "keys": ["a"] }));
    let id = operation_id(&change);

    assert_eq!(operation(&app.admin(), &id)["record"]["ip"], "127.0.0.1");
    for client in [app.viewer(), app.operator()] {
        let found = operation(&client, &id);
        assert_has(&found["record"], &json!({ "ip": "-", "who": "support" }));
    }
}

#[test]
fn a_change_that_failed_has_an_id_and_a_refused_request_has_none() {
    let app = App::start();

    let failed = app.admin().patch("/keys/nothing", &json!({ "ttl": 5 }));
    let refused = app.admin().post("/clear", &json!({}));
    let denied = app.viewer().post("/clear", &json!({ "confirm": true }));

    let found = operation(&app.viewer(), &operation_id(&failed));
    assert_has(
        &found["record"],
        &json!({ "outcome": "failed", "keys": ["nothing"] }),
    );
    for response in [refused, denied] {
        assert_eq!(response.header("operation-id"), None);
        assert_eq!(response.body["operationId"], Value::Null);
    }
}

#[test]
fn a_job_and_the_operation_that_began_it_name_each_other() {
    let app = App::start();
    fill(&mut app.connection(), "users:", 0..10);
    let begun = app
        .operator()
        .post("/clear", &json!({ "pattern": "users:*", "async": true }));
    assert_eq!(begun.status, 202, "{begun:#?}");
    let id = operation_id(&begun);
    let job = begun.body["job"]["id"].as_str().unwrap().to_owned();

    let found = operation(&app.viewer(), &id);

    assert_eq!(begun.body["job"]["operationId"], json!(id));
    assert_eq!(found["jobId"], json!(job));
    assert!(found["inForceAt"].is_string(), "{found:#}");
    assert_has(
        &found["record"],
        &json!({ "action": "job-begin", "jobId": job, "outcome": "ok" }),
    );
    let shown = app.viewer().get(&format!("/jobs/{job}")).data();
    assert_eq!(shown["operationId"], json!(id));
}

#[test]
fn an_unknown_id_is_not_found() {
    let app = App::start();
    let change = with_id(app.operator(), "first").delete("/invalidate", &json!({ "keys": ["a"] }));
    let id = operation_id(&change);
    let (rest, last) = id.split_at(id.len() - 1);
    let guessed = format!("{rest}{}", if last == "0" { "1" } else { "0" });

    let ids = [guessed.as_str(), "1", "x", "summed-1-0123456789abcdef"];
    for id in ids {
        let problem = app.admin().get(&format!("/operations/{id}"));
        let problem = problem.with_status(404);
        assert!(
            problem["detail"].as_str().unwrap().contains(id),
            "{problem:#}"
        );
    }
}
