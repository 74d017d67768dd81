//! Every way to ask the application for something, with the least role it takes: the table that tests of access and of
//! failures go through.

use serde_json::{Value, json};

use crate::caller::Caller;
use crate::client::{Answer, BASE, Client};

/// One way to ask.
#[derive(Debug, Clone)]
pub struct Route {
    /// The method.
    pub method: &'static str,
    /// The path below `/api/cache`, with its query.
    pub path: &'static str,
    /// The body, where there is one.
    pub body: Option<Value>,
    /// The least role that may; [`Caller::Nobody`] where anybody may.
    pub role: Caller,
}

impl Route {
    /// All of them. Carrying one out on an empty cache changes nothing but the audit trail and the warmup's keys; only the
    /// inspection of a key and its change answer 404 then.
    pub fn all() -> Vec<Self> {
        let get = |path, role| Self { method: "GET", path, body: None, role };
        let send = |method, path, body, role| Self { method, path, body: Some(body), role };
        vec![
            get("/health", Caller::Nobody),
            get("/health/live", Caller::Nobody),
            get("/health/ready", Caller::Nobody),
            get("/stats", Caller::Viewer),
            get("/keys", Caller::Viewer),
            get("/keys?pattern=users:*&exact=true", Caller::Viewer),
            get("/keys/users:1", Caller::Operator),
            send("PATCH", "/keys/users:1", json!({ "ttl": 600 }), Caller::Admin),
            send("POST", "/clear", json!({ "pattern": "users:*" }), Caller::Operator),
            send("POST", "/clear", json!({ "pattern": "users:*", "dryRun": true }), Caller::Operator),
            send("POST", "/clear", json!({ "confirm": true }), Caller::Admin),
            send("POST", "/clear", json!({ "pattern": "*", "confirm": true }), Caller::Admin),
            send("POST", "/clear", json!({ "dryRun": true }), Caller::Admin),
            send("DELETE", "/invalidate", json!({ "keys": ["users:1"] }), Caller::Operator),
            send("DELETE", "/invalidate", json!({ "tags": ["user-data"] }), Caller::Operator),
            send("DELETE", "/invalidate", json!({ "patterns": ["users:*"] }), Caller::Admin),
            send("POST", "/invalidate", json!({ "keys": ["users:1"] }), Caller::Operator),
            send("POST", "/invalidate", json!({ "keys": ["users:1"], "patterns": ["users:*"] }), Caller::Admin),
            get("/warmup", Caller::Viewer),
            send("POST", "/warmup", json!({ "modules": ["users"] }), Caller::Admin),
            send("POST", "/warmup", json!({ "dryRun": true }), Caller::Admin),
            get("/warmup/plan", Caller::Viewer),
            send("POST", "/warmup/cancel", json!({}), Caller::Admin),
            send("POST", "/warmup/scheduled", json!({}), Caller::Admin),
            get("/metrics", Caller::Viewer),
            get("/audit", Caller::Admin),
            get("/ttl", Caller::Viewer),
            send("PUT", "/ttl", json!({ "prefix": "test", "ttl": 60 }), Caller::Admin),
            send("DELETE", "/ttl", json!({ "prefix": "test" }), Caller::Admin),
            send("POST", "/events", json!({ "type": "user.updated", "id": "0" }), Caller::Operator),
        ]
    }

    /// Those that touch Redis and need a token.
    pub fn protected() -> Vec<Self> {
        Self::all().into_iter().filter(|route| route.role > Caller::Nobody).collect()
    }

    /// The status where nothing is wrong: there is no warmup to cancel.
    pub fn expected(&self) -> u16 {
        if self.path == "/warmup/cancel" { 404 } else { 200 }
    }

    /// Asks.
    pub fn ask(&self, client: &Client) -> Answer {
        let body = self.body.as_ref().map(Value::to_string);
        client.send(self.method, &format!("{BASE}{}", self.path), body.as_deref().map(str::as_bytes))
    }
}
