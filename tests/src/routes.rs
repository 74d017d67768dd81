//! All routes with the role they require: the table for tests of access and of failures.

use serde_json::{Value, json};

use crate::caller::Caller;
use crate::client::{BASE, Client, Response};
use crate::old_addresses::OLD_ADDRESSES;

/// A request to a route.
#[derive(Debug, Clone)]
pub struct Route {
    /// The method.
    pub method: &'static str,
    /// The path below `/api/cache`, or the full path if it begins with `/api/`; with its query.
    pub path: &'static str,
    /// The body, if there is one.
    pub body: Option<Value>,
    /// The role it requires; [`Caller::Nobody`] if it is public.
    pub role: Caller,
}

/// The route that reads by `POST`, for names that are too long for an address.
const READ_IN_BODY: &str = "/keys/entry";

/// The route of a job that does not exist.
const MISSING_JOB: &str = "/jobs/0123456789abcdef0123";

/// The route of an operation that does not exist.
const MISSING_OPERATION: &str = "/operations/1-0-1-0123456789abcdef";

/// The route that undoes an operation that does not exist.
const MISSING_EDIT: &str = "/operations/1-0-1-0123456789abcdef/undo";

/// The hash of `x`, the value that tests write.
const READ_HASH: &str = "11f6ad8ec52a2984abaafd7c3b516503785c2072";

/// The routes of the sample shop that read through the cache.
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
    /// Returns the routes of the administration. On an empty cache they change only the audit trail
    /// and the keys of the warmup, and those that read or change one key return 404.
    pub fn administration() -> Vec<Self> {
        let get = |path, role| Self {
            method: "GET",
            path,
            body: None,
            role,
        };

        let send = |method, path, body, role| Self {
            method,
            path,
            body: Some(body),
            role,
        };

        vec![
            get("/health", Caller::Nobody),
            get("/health/live", Caller::Nobody),
            get("/health/ready", Caller::Nobody),
            get("/stats", Caller::Viewer),
            get("/keys", Caller::Viewer),
            get("/keys?pattern=users:*&exact=true", Caller::Viewer),
            get("/keys/users:1", Caller::Operator),
            send(
                "PUT",
                "/keys/users:1",
                json!({ "value": "2", "if": READ_HASH }),
                Caller::Admin,
            ),
            send(
                "PATCH",
                "/keys/users:1",
                json!({ "ttl": 600 }),
                Caller::Admin,
            ),
            get("/keys/entry?key=users:1", Caller::Operator),
            send(
                "POST",
                READ_IN_BODY,
                json!({ "key": "users:1" }),
                Caller::Operator,
            ),
            send(
                "PUT",
                "/keys/entry",
                json!({ "key": "users:1", "value": "2", "if": READ_HASH }),
                Caller::Admin,
            ),
            send(
                "PATCH",
                "/keys/entry",
                json!({ "key": "users:1", "ttl": 600 }),
                Caller::Admin,
            ),
            send(
                "DELETE",
                "/keys/entry",
                json!({ "key": "users:1" }),
                Caller::Operator,
            ),
            send(
                "POST",
                "/clear",
                json!({ "pattern": "users:*" }),
                Caller::Operator,
            ),
            send(
                "POST",
                "/clear",
                json!({ "pattern": "users:*", "dryRun": true }),
                Caller::Operator,
            ),
            send("POST", "/clear", json!({ "confirm": true }), Caller::Admin),
            send(
                "POST",
                "/clear",
                json!({ "pattern": "*", "confirm": true }),
                Caller::Admin,
            ),
            send("POST", "/clear", json!({ "dryRun": true }), Caller::Admin),
            send(
                "POST",
                "/expire",
                json!({ "pattern": "users:*", "ttl": 600 }),
                Caller::Admin,
            ),
            send(
                "POST",
                "/expire",
                json!({ "tags": ["user-data"], "persist": true, "dryRun": true }),
                Caller::Admin,
            ),
            send(
                "DELETE",
                "/invalidate",
                json!({ "keys": ["users:1"] }),
                Caller::Operator,
            ),
            send(
                "DELETE",
                "/invalidate",
                json!({ "tags": ["user-data"] }),
                Caller::Operator,
            ),
            send(
                "DELETE",
                "/invalidate",
                json!({ "patterns": ["users:*"] }),
                Caller::Admin,
            ),
            send(
                "POST",
                "/invalidate",
                json!({ "keys": ["users:1"] }),
                Caller::Operator,
            ),
            send(
                "POST",
                "/invalidate",
                json!({ "keys": ["users:1"], "patterns": ["users:*"] }),
                Caller::Admin,
            ),
            get("/warmup", Caller::Viewer),
            send(
                "POST",
                "/warmup",
                json!({ "modules": ["users"] }),
                Caller::Admin,
            ),
            send("POST", "/warmup", json!({ "dryRun": true }), Caller::Admin),
            send(
                "POST",
                "/warmup",
                json!({ "dryRun": true, "async": true }),
                Caller::Admin,
            ),
            get("/warmup/plan", Caller::Viewer),
            send("POST", "/warmup/cancel", json!({}), Caller::Admin),
            get("/history", Caller::Viewer),
            get("/hotkeys", Caller::Viewer),
            get("/alerts", Caller::Viewer),
            get("/slowlog", Caller::Operator),
            send("POST", "/analysis", json!({ "depth": 2 }), Caller::Admin),
            get("/analysis", Caller::Viewer),
            send("POST", "/warmup/scheduled", json!({}), Caller::Admin),
            get("/metrics", Caller::Viewer),
            get("/audit", Caller::Admin),
            get(MISSING_OPERATION, Caller::Viewer),
            send("POST", MISSING_EDIT, json!({}), Caller::Admin),
            send(
                "POST",
                "/clear",
                json!({ "pattern": "users:*", "async": true }),
                Caller::Operator,
            ),
            send(
                "POST",
                "/invalidate",
                json!({ "patterns": ["users:*"], "async": true }),
                Caller::Admin,
            ),
            get("/jobs", Caller::Viewer),
            get(MISSING_JOB, Caller::Viewer),
            send(
                "POST",
                "/jobs/0123456789abcdef0123/cancel",
                json!({}),
                Caller::Operator,
            ),
            send(
                "POST",
                "/jobs/0123456789abcdef0123/pause",
                json!({}),
                Caller::Operator,
            ),
            send(
                "POST",
                "/jobs/0123456789abcdef0123/resume",
                json!({}),
                Caller::Operator,
            ),
            send(
                "POST",
                "/jobs/0123456789abcdef0123/execute",
                json!({}),
                Caller::Operator,
            ),
            get("/ttl", Caller::Viewer),
            send(
                "PUT",
                "/ttl",
                json!({ "prefix": "test", "ttl": 60 }),
                Caller::Admin,
            ),
            send("DELETE", "/ttl", json!({ "prefix": "test" }), Caller::Admin),
            get("/rules", Caller::Viewer),
            send(
                "PUT",
                "/rules",
                json!({ "event": "test", "keys": ["test:{id}"] }),
                Caller::Admin,
            ),
            send(
                "DELETE",
                "/rules",
                json!({ "event": "test" }),
                Caller::Admin,
            ),
            send(
                "POST",
                "/events",
                json!({ "type": "user.updated", "id": "0" }),
                Caller::Operator,
            ),
        ]
    }

    /// Returns the old addresses and the routes of the sample shop.
    pub fn shop_and_old() -> Vec<Self> {
        let old = |method, path| Self {
            method,
            path,
            body: None,
            role: Caller::Operator,
        };

        let read = |path| Self {
            method: "GET",
            path,
            body: None,
            role: Caller::Nobody,
        };

        let price = Self {
            body: Some(json!({ "priceCents": 1999 })),
            ..old("POST", "/api/products/4985")
        };

        let old = OLD_ADDRESSES
            .map(|path| old("POST", path))
            .into_iter()
            .chain([old("GET", OLD_ADDRESSES[0])]);

        old.chain(READ_THROUGH.map(read)).chain([price]).collect()
    }

    /// Returns both tables.
    pub fn all() -> Vec<Self> {
        Self::administration()
            .into_iter()
            .chain(Self::shop_and_old())
            .collect()
    }

    /// Returns the routes of the administration that need a token.
    pub fn protected() -> Vec<Self> {
        Self::administration()
            .into_iter()
            .filter(|route| route.role > Caller::Nobody)
            .collect()
    }

    /// The status when nothing fails. There is no warmup to cancel, no job to change, and no such operation.
    pub fn expected(&self) -> u16 {
        let is_missing = [MISSING_JOB, MISSING_OPERATION]
            .iter()
            .any(|missing| self.path.starts_with(missing));
        if self.path == "/warmup/cancel" || is_missing {
            404
        } else if self.begins_job() {
            202
        } else {
            200
        }
    }

    /// Returns true if a job does the work, after the response.
    pub fn begins_job(&self) -> bool {
        let body = self.body.as_ref();
        body.is_some_and(|body| body["async"] == true)
    }

    /// The status when Redis is down. A read through the cache runs its loader, and Prometheus
    /// receives a metric.
    pub fn expected_without_redis(&self) -> u16 {
        let needs_none = ["/health/live", "/metrics"].contains(&self.path) || self.reads_through();
        if needs_none { 200 } else { 503 }
    }

    /// Returns true if it reads a database through the cache.
    pub fn reads_through(&self) -> bool {
        READ_THROUGH.contains(&self.path) && self.method == "GET"
    }

    /// Returns true for an address of an older system.
    pub fn is_old(&self) -> bool {
        OLD_ADDRESSES.contains(&self.path)
    }

    /// Returns true for a dry run.
    pub fn is_dry(&self) -> bool {
        self.body
            .as_ref()
            .is_some_and(|body| body["dryRun"] == true)
    }

    /// Returns true if it may change something.
    pub fn changes(&self) -> bool {
        let only_reads = self.method == "POST" && self.path == READ_IN_BODY;
        let only_counts = self.is_dry() && !self.begins_job();
        self.is_old() || self.method != "GET" && !only_counts && !only_reads
    }

    /// Returns true if the audit trail records every outcome. A schedule that finds nothing to do
    /// is not recorded, nor is a dry run.
    pub fn is_recorded(&self) -> bool {
        self.changes() && !self.is_dry() && self.path != "/warmup/scheduled"
    }

    /// The full path.
    pub fn address(&self) -> String {
        if self.path.starts_with("/api/") {
            self.path.to_owned()
        } else {
            format!("{BASE}{}", self.path)
        }
    }

    /// Sends the request.
    pub fn send(&self, client: &Client) -> Response {
        let body = self.body.as_ref().map(Value::to_string);
        client.send(
            self.method,
            &self.address(),
            body.as_deref().map(str::as_bytes),
        )
    }
}
