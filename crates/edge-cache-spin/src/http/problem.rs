//! Problems: responses to failures, as `application/problem+json` (RFC 9457).

use edge_cache_admin::input::FileError;
use serde_json::{Map, Value, json};

use crate::config::BadVariable;
use crate::http::response::Response;

/// Longest path quoted in a detail, in characters.
const MAX_QUOTED_PATH_CHARACTERS: usize = 200;

/// A failure: its cause, and what the client can do about it.
#[derive(Debug, Clone)]
pub struct Problem {
    pub(crate) status: u16,
    /// The last part of the problem's `type`. Programs rely on it, so it never changes.
    type_name: &'static str,
    title: &'static str,
    detail: String,
    /// Members beside the standard ones.
    extra_members: Map<String, Value>,
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Problem {
    pub(crate) fn new(
        status: u16,
        type_name: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            status,
            type_name,
            title,
            detail: detail.into(),
            extra_members: Map::new(),
            headers: Vec::new(),
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Adds a member to the body.
    #[must_use]
    pub(crate) fn with_member(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.extra_members.insert(name.to_owned(), value.into());
        self
    }

    /// 404 for a path that is not a route.
    pub fn no_route(path: &str) -> Self {
        let path = quoted_path(path);
        Self::new(
            404,
            "not-found",
            "Not Found",
            format!("there is no route {path}; the routes are listed in openapi.yaml"),
        )
    }

    /// 404 for a path of a route that does not exist, such as a missing product.
    pub fn not_found(path: &str) -> Self {
        let path = quoted_path(path);
        Self::new(
            404,
            "not-found",
            "Not Found",
            format!("there is nothing at {path}"),
        )
    }

    /// 405, with the methods that are allowed.
    pub fn method_not_allowed(method: &str, allowed: &[&str]) -> Self {
        let allowed = allowed.join(", ");
        let detail = format!("{method} is not allowed here; use {allowed}");
        Self::new(405, "method-not-allowed", "Method Not Allowed", detail)
            .with_header("allow", allowed)
    }

    pub(crate) fn body_too_large(max_bytes: usize) -> Self {
        let detail =
            format!("the body must have at most {max_bytes} bytes; send several smaller requests");
        Self::new(413, "body-too-large", "Content Too Large", detail)
            .with_member("maxBytes", max_bytes)
    }

    pub(crate) fn body_unreadable(problem: &str) -> Self {
        Self::new(
            400,
            "body-unreadable",
            "Bad Request",
            format!("the body could not be read: {problem}"),
        )
    }

    pub(crate) fn unauthenticated(detail: impl Into<String>) -> Self {
        Self::new(401, "unauthenticated", "Unauthorized", detail)
            .with_header("www-authenticate", "Bearer realm=\"edge-cache\"")
    }

    pub(crate) fn too_many_attempts(seconds: u64) -> Self {
        let detail = format!(
            "too many attempts without a valid token; try again in {seconds} s. A valid token works at once"
        );
        Self::new(429, "too-many-attempts", "Too Many Requests", detail)
            .with_header("retry-after", seconds.to_string())
    }

    pub(crate) fn bad_variable(bad: &BadVariable) -> Self {
        let detail = format!(
            "{bad}; set it with SPIN_VARIABLE_{}",
            bad.name.to_ascii_uppercase()
        );
        Self::new(503, "misconfigured", "Service Unavailable", detail)
            .with_member("variable", bad.name)
    }

    /// 503 for a mistake in the configuration file.
    pub(crate) fn bad_file(error: &FileError) -> Self {
        let detail = error.to_string();
        let problem = Self::new(503, "misconfigured", "Service Unavailable", detail)
            .with_member("file", error.file.as_str());
        match error.place {
            Some(place) => problem
                .with_member("line", place.line)
                .with_member("column", place.column),
            None => problem,
        }
    }

    /// 400 for a bad `Idempotency-Key`.
    pub(crate) fn idempotency_key_invalid(detail: impl Into<String>) -> Self {
        Self::new(400, "idempotency-key-invalid", "Bad Request", detail)
    }

    /// 409 while the first request with the key is running.
    pub(crate) fn idempotency_running(retry_after: &'static str) -> Self {
        let detail = "the first request with this Idempotency-Key is still running; repeat it to get its answer";
        Self::new(409, "idempotency-running", "Conflict", detail)
            .with_header("retry-after", retry_after)
    }

    /// 422 for a key that names another request.
    pub(crate) fn idempotency_key_reused() -> Self {
        let detail = "this Idempotency-Key was used for another method, path or body within 24 hours; use a new one";
        Self::new(
            422,
            "idempotency-key-reused",
            "Unprocessable Content",
            detail,
        )
        .with_member("field", "Idempotency-Key")
    }

    /// 409 for a request that was carried out, and whose answer is not known any more.
    pub(crate) fn idempotency_answer_lost() -> Self {
        let detail = "the request with this Idempotency-Key was carried out; its answer was too long to be kept. \
                      GET /api/cache/operations/{operationId} returns its audit record";
        Self::new(409, "idempotency-answer-lost", "Conflict", detail)
    }

    /// 503 for a dependency other than Redis that is unavailable.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(503, "unavailable", "Service Unavailable", detail)
    }

    /// Replaces the detail.
    #[must_use]
    pub(crate) fn with_detail(self, detail: String) -> Self {
        Self { detail, ..self }
    }

    /// Puts a sentence before the detail.
    #[must_use]
    pub fn with_context(mut self, context: &str) -> Self {
        self.detail = format!("{context}: {}", self.detail);
        self
    }

    /// Adds the headers of a route.
    pub(crate) fn add_headers(&mut self, headers: &[(&'static str, &'static str)]) {
        let added = headers
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()));
        self.headers.extend(added);
    }

    /// The response with this problem as its body.
    pub(crate) fn into_response(self, request_id: &str) -> Response {
        let json = self.body(request_id).to_string();
        Response::problem(self.status, json, self.headers)
    }

    /// The body, with the members in the order in which a person reads them.
    pub(crate) fn body(&self, request_id: &str) -> Value {
        let mut body = json!({
            "type": format!("urn:edge-cache:problem:{}", self.type_name),
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": format!("urn:request:{request_id}"),
            "success": false,
            "requestId": request_id,
        });

        if let Some(body) = body.as_object_mut() {
            body.extend(self.extra_members.clone());
        }

        body
    }

    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }
}

/// The beginning of a path, for a detail.
fn quoted_path(path: &str) -> String {
    path.chars().take(MAX_QUOTED_PATH_CHARACTERS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_has_the_members_of_the_standard_and_its_own() {
        let problem = Problem::body_too_large(10).with_context("nothing was stored");

        let expected = json!({
            "type": "urn:edge-cache:problem:body-too-large",
            "title": "Content Too Large",
            "status": 413,
            "detail": "nothing was stored: the body must have at most 10 bytes; send several smaller requests",
            "instance": "urn:request:r1",
            "success": false,
            "requestId": "r1",
            "maxBytes": 10,
        });
        assert_eq!(problem.body("r1"), expected);
    }

    #[test]
    fn a_long_path_is_quoted_in_part() {
        let problem = Problem::no_route(&"é".repeat(300));
        assert_eq!(problem.detail.matches('é').count(), 200);
    }
}
