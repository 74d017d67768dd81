//! The one file that maps what went wrong to an HTTP status and an `application/problem+json` body (RFC 9457).

use edge_cache::{Error, ErrorKind, RedisError};
use serde_json::{Map, Value, json};

use crate::config::BadVariable;

/// An answer that says what went wrong and what to do.
#[derive(Debug, Clone)]
pub struct Problem {
    pub(crate) status: u16,
    /// The last part of the problem's type: stable, for programs.
    kind: &'static str,
    title: &'static str,
    detail: String,
    /// Members beside the standard ones.
    more: Map<String, Value>,
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Problem {
    fn new(status: u16, kind: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status, kind, title, detail: detail.into(), more: Map::new(), headers: Vec::new() }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.more.insert(name.to_owned(), value.into());
        self
    }

    /// 404 for a path that is no route.
    pub fn no_route(path: &str) -> Self {
        let path: String = path.chars().take(200).collect();
        Self::new(
            404,
            "not-found",
            "Not Found",
            format!("there is no route {path}; the routes are listed in openapi.yaml"),
        )
    }

    /// 404 for something that a service does not have.
    pub fn nothing_there(path: &str) -> Self {
        let path: String = path.chars().take(200).collect();
        Self::new(404, "not-found", "Not Found", format!("there is nothing at {path}"))
    }

    /// 405, with the methods that are allowed.
    pub fn method_not_allowed(method: &str, allowed: &[&str]) -> Self {
        let allowed = allowed.join(", ");
        let detail = format!("{method} is not allowed here; use {allowed}");
        Self::new(405, "method-not-allowed", "Method Not Allowed", detail).header("allow", allowed)
    }

    pub(crate) fn body_too_large(most: usize) -> Self {
        let detail = format!("the body must have at most {most} bytes; send several smaller requests");
        Self::new(413, "body-too-large", "Content Too Large", detail).with("maxBytes", most)
    }

    pub(crate) fn body_unreadable(problem: &str) -> Self {
        Self::new(400, "body-unreadable", "Bad Request", format!("the body could not be read: {problem}"))
    }

    pub(crate) fn unauthenticated(detail: impl Into<String>) -> Self {
        Self::new(401, "unauthenticated", "Unauthorized", detail)
            .header("www-authenticate", "Bearer realm=\"edge-cache\"")
    }

    pub(crate) fn too_many_denied(seconds: u64) -> Self {
        let detail =
            format!("too many attempts without a valid token; try again in {seconds} s. A valid token works at once");
        Self::new(429, "too-many-attempts", "Too Many Requests", detail).header("retry-after", seconds.to_string())
    }

    pub(crate) fn bad_variable(bad: &BadVariable) -> Self {
        let detail = format!(
            "the variable `{}` {}; set it with SPIN_VARIABLE_{}",
            bad.name,
            bad.problem,
            bad.name.to_ascii_uppercase()
        );
        Self::new(503, "misconfigured", "Service Unavailable", detail).with("variable", bad.name)
    }

    /// 503 for something other than Redis that is needed and not there.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(503, "unavailable", "Service Unavailable", detail)
    }

    /// The same of what was half done: says first what is.
    #[must_use]
    pub fn after(mut self, done: &str) -> Self {
        self.detail = format!("{done}: {}", self.detail);
        self
    }

    /// The body, in the order a person reads it.
    pub(crate) fn body(&self, request_id: &str) -> Value {
        let mut body = json!({
            "type": format!("urn:edge-cache:problem:{}", self.kind),
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": format!("urn:request:{request_id}"),
            "success": false,
            "requestId": request_id,
        });
        if let Some(body) = body.as_object_mut() {
            body.extend(self.more.clone());
        }
        body
    }

    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }
}

impl From<RedisError> for Problem {
    fn from(error: RedisError) -> Self {
        let (kind, advice) = match error.kind {
            ErrorKind::Unreachable => (
                "redis-unreachable",
                "Redis cannot be reached; check that it runs and has room for another client, and that redis_host and redis_port \
                 are right",
            ),
            ErrorKind::Timeout => ("redis-timeout", "Redis may be overloaded or cut off"),
            ErrorKind::Authentication => {
                ("redis-authentication", "Redis refused the login; check redis_username and redis_password")
            }
            ErrorKind::Permission => ("redis-permission", "the Redis user lacks a permission"),
            ErrorKind::OutOfMemory => {
                ("redis-out-of-memory", "Redis is full and may not evict; clear keys or raise maxmemory")
            }
            ErrorKind::ReadOnly => {
                ("redis-read-only", "this Redis is a read-only replica; point redis_host at the primary")
            }
            ErrorKind::Loading => {
                ("redis-loading", "Redis is loading its data or has lost its primary; try again shortly")
            }
            ErrorKind::Busy => ("redis-busy", "Redis is busy running a long script; try again shortly"),
            ErrorKind::PersistenceFailed => ("redis-misconf", "Redis refuses writes because it cannot save to disk"),
            ErrorKind::WrongType => ("redis-wrong-type", "a key holds a value of another type"),
            ErrorKind::Cluster => ("redis-cluster", "this Redis is a Cluster node that does not hold the key"),
            ErrorKind::TooManyConnections => {
                ("too-many-connections", "there is no room for another connection to Redis")
            }
            ErrorKind::AddressForbidden => ("address-forbidden", "the Redis address is not allowed"),
            ErrorKind::NoScript | ErrorKind::Protocol | ErrorKind::Server => {
                ("redis-error", "Redis answered with an error")
            }
        };
        let problem = Self::new(503, kind, "Service Unavailable", format!("{advice}: {}", error.message));
        let soon = error.is_connection() || error.is_transient();
        if soon { problem.header("retry-after", "1") } else { problem }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::Malformed(_) => Self::new(400, "malformed-body", "Bad Request", detail),
            Error::ConfirmationRequired(_) => Self::new(400, "confirmation-required", "Bad Request", detail),
            Error::Invalid { field, .. } => {
                Self::new(422, "invalid-field", "Unprocessable Content", detail).with("field", field)
            }
            Error::RoleTooLow(_) => Self::new(403, "role-too-low", "Forbidden", detail),
            Error::NotFound(_) => Self::new(404, "not-found", "Not Found", detail),
            Error::Conflict(_) => Self::new(409, "already-running", "Conflict", detail),
            Error::Full(_) => Self::new(503, "memory-alert", "Service Unavailable", detail),
            Error::Redis(source) => Self::from(source),
            Error::Partial { deleted, source } => {
                let mut problem = Self::from(source).with("keysDeleted", deleted);
                problem.detail = detail;
                problem
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_half_way_says_what_was_done() {
        let source = RedisError::new(ErrorKind::Unreachable, "broken pipe");
        let problem = Problem::from(Error::Partial { deleted: 47, source });
        let body = problem.body("r1");
        assert_eq!((problem.status, &body["keysDeleted"], &body["success"]), (503, &json!(47), &json!(false)));
        assert!(problem.detail.contains("47 keys"));
    }

    #[test]
    fn a_wrong_field_is_named() {
        let problem = Problem::from(Error::invalid("keys[3]", "must be a string"));
        assert_eq!((problem.status, &problem.body("r1")["field"]), (422, &json!("keys[3]")));
    }
}
