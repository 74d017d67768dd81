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
    /// The path below `/api/cache`, or whole where it begins with `/api/`; with its query.
    pub path: &'static str,
    /// The body, where there is one.
    pub body: Option<Value>,
    /// The least role that may; [`Caller::Nobody`] where anybody may.
    pub role: Caller,
}

/// Addresses of older systems, which clear a module each.
const OLD: [&str; 10] = [
    "/api/catalog/invalidate-cache",
    "/api/manufacturers/cache/clear",
    "/api/blog/refresh-cache",
    "/api/products/cache/clear",
    "/api/users/cache/clear",
    "/api/vehicles/cache/clear",
    "/api/config/cache/clear",
    "/api/seo/cache/clear",
    "/api/suppliers/cache/clear",
    "/api/dashboard/cache/clear",
];

/// What the example service answers through the cache.
pub const READ_THROUGH: [&str; 9] = [
    "/api/products/popular",
    "/api/products/4985",
    "/api/products/category/brake-pads",
    "/api/products/search?q=brake",
    "/api/vehicles/brands",
    "/api/vehicles/brand/1/models",
    "/api/users/stats",
    "/api/config/shop.currency",
    "/api/seo/page/homepage",
];

impl Route {
    /// Those of the administration. Carrying one out on an empty cache changes nothing but the audit trail and the warmup's
    /// keys; only the inspection of a key and its change answer 404 then.
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

    /// The old addresses and the example service.
    pub fn others() -> Vec<Self> {
        let old = |method, path| Self { method, path, body: None, role: Caller::Operator };
        let read = |path| Self { method: "GET", path, body: None, role: Caller::Nobody };
        let price = Self { body: Some(json!({ "priceCents": 1999 })), ..old("POST", "/api/products/4985") };
        let old = OLD.map(|path| old("POST", path)).into_iter().chain([old("GET", OLD[0])]);
        old.chain(READ_THROUGH.map(read)).chain([price]).collect()
    }

    /// Both tables.
    pub fn every() -> Vec<Self> {
        Self::all().into_iter().chain(Self::others()).collect()
    }

    /// Those that touch Redis and need a token.
    pub fn protected() -> Vec<Self> {
        Self::all().into_iter().filter(|route| route.role > Caller::Nobody).collect()
    }

    /// The status where nothing is wrong: there is no warmup to cancel.
    pub fn expected(&self) -> u16 {
        if self.path == "/warmup/cancel" { 404 } else { 200 }
    }

    /// The status where Redis does nothing: what reads through has its loader, and Prometheus learns of it from a metric.
    pub fn expected_without_redis(&self) -> u16 {
        let needs_none = ["/health/live", "/metrics"].contains(&self.path) || self.reads_through();
        if needs_none { 200 } else { 503 }
    }

    /// Whether it is answered with what a database has, cached or not.
    pub fn reads_through(&self) -> bool {
        READ_THROUGH.contains(&self.path) && self.method == "GET"
    }

    /// Whether it is an address of an older system.
    pub fn is_old(&self) -> bool {
        OLD.contains(&self.path)
    }

    /// Whether it only says what it would do.
    pub fn is_dry(&self) -> bool {
        self.body.as_ref().is_some_and(|body| body["dryRun"] == true)
    }

    /// Whether it may change something.
    pub fn changes(&self) -> bool {
        self.is_old() || self.method != "GET" && !self.is_dry()
    }

    /// Whether the trail has it, however it ends. A schedule that finds nothing to do is no change.
    pub fn is_recorded(&self) -> bool {
        self.changes() && self.path != "/warmup/scheduled"
    }

    /// The whole path.
    pub fn address(&self) -> String {
        if self.path.starts_with("/api/") { self.path.to_owned() } else { format!("{BASE}{}", self.path) }
    }

    /// Asks.
    pub fn ask(&self, client: &Client) -> Answer {
        let body = self.body.as_ref().map(Value::to_string);
        client.send(self.method, &self.address(), body.as_deref().map(str::as_bytes))
    }
}
