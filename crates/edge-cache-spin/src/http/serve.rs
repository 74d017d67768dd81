//! Serving a request: admission, the handler, the response, and the line in the log.

use std::borrow::Cow;
use std::rc::Rc;

use edge_cache_admin::input::{Fields, FileError, Parameters};
use spin_sdk::wasip3::http::types::Response as HostResponse;

use crate::http::call::Call;
use crate::http::host_response::send;
use crate::http::problem::Problem;
use crate::http::request::{Request, RequestHead};
use crate::http::response::Response;
use crate::http::route::{Method, Route};
use crate::http::trace_context::TraceContext;
use crate::instance::instance;
use crate::log;

/// The header with the id of the operation.
const OPERATION_ID_HEADER: &str = "operation-id";

/// Result of a handler: its response, or the problem that the client receives.
pub type HandlerResult = Result<Response, Problem>;

/// Facts about a call that its log line and its response headers need.
#[derive(Default)]
struct CallSummary {
    caller_name: String,
    /// The role of the caller's token, if it was recognised.
    caller_role: Option<&'static str>,
    client_address: String,
    timing: Option<String>,
}

impl CallSummary {
    fn new(call: &Call) -> Self {
        let caller_role = call
            .caller
            .borrow()
            .as_ref()
            .map(|caller| caller.role.name());

        Self {
            caller_name: call.caller_name(),
            caller_role,
            client_address: call.client_address.clone(),
            timing: call.timing.header(),
        }
    }
}

/// Serves a request: finds its method, admits it, runs the handler, and renders its result.
///
/// A request is admitted if its token has the method's role, and if its query and body are empty
/// unless the method reads them. Only then does the handler run. Every response has a request id,
/// `cache-control: no-store` and a `content-length`; every failure has a problem body. If the call
/// used Redis, `server-timing` reports how often and how long.
pub async fn serve<'a>(
    request: Request,
    route: impl Into<Route<'a>>,
    handler: impl AsyncFnOnce(&Call) -> HandlerResult,
) -> HostResponse {
    let Request { head, body } = request;
    let route = route.into();

    let (result, summary) = match (instance().await, route.method(head.method())) {
        (Err(bad), _) => (Err(Problem::bad_variable(&bad)), CallSummary::default()),
        (Ok(_), None) => {
            let problem = Problem::method_not_allowed(head.method(), &route.method_names());
            (Err(problem), CallSummary::default())
        }
        (Ok(instance), Some(method)) => {
            let call = Call::new(Rc::clone(&head), body, instance);
            let result = match call.admit(method).await {
                Ok(()) => call.run_handler(method, handler).await,
                Err(problem) => Err(problem),
            };
            (with_operation(&call, result), CallSummary::new(&call))
        }
    };

    let result = with_headers(result, route.headers);
    finish(&head, route.name, result, &summary)
}

/// Responds with 404 to a path that is not a route, whatever the method, the token and the rest of
/// the request are.
pub async fn serve_not_found(request: Request) -> HostResponse {
    let missing = Problem::no_route(request.path());
    serve_problem(request, missing).await
}

/// Responds with 503 because of a mistake in the configuration file, whatever the request is.
pub async fn serve_misconfigured(request: Request, error: &FileError) -> HostResponse {
    serve_problem(request, Problem::bad_file(error)).await
}

async fn serve_problem(request: Request, problem: Problem) -> HostResponse {
    let Request { head, body } = request;

    let (problem, summary) = match instance().await {
        Ok(instance) => {
            let call = Call::new(Rc::clone(&head), body, instance);
            (problem, CallSummary::new(&call))
        }
        Err(bad) => {
            let summary = CallSummary {
                caller_name: "-".to_owned(),
                ..CallSummary::default()
            };
            (Problem::bad_variable(&bad), summary)
        }
    };

    finish(&head, None, Err(problem), &summary)
}

impl Call {
    /// Checks that the token has the method's role, and that the request has no part that the
    /// method does not read.
    async fn admit(&self, method: &Method) -> Result<(), Problem> {
        if let Some(role) = method.role {
            self.require_role(role).await?;
        }
        if !method.reads_query {
            Parameters::require_none(self.query())?;
        }
        if !method.reads_body {
            Fields::require_none(&self.body().await?)?;
        }
        Ok(())
    }
}

/// Adds the id of the operation, if a change has begun.
fn with_operation(call: &Call, result: HandlerResult) -> HandlerResult {
    let Some(id) = call.operation_id() else {
        return result;
    };
    match result {
        Ok(response) => Ok(response.with_header(OPERATION_ID_HEADER, id)),
        Err(problem) => Err(problem
            .with_member("operationId", id.as_str())
            .with_header(OPERATION_ID_HEADER, id)),
    }
}

fn with_headers(result: HandlerResult, headers: &[(&'static str, &'static str)]) -> HandlerResult {
    match result {
        Ok(mut response) => {
            response.add_headers(headers);
            Ok(response)
        }
        Err(mut problem) => {
            problem.add_headers(headers);
            Err(problem)
        }
    }
}

/// Logs the request and sends its response.
fn finish(
    head: &RequestHead,
    route: Option<&'static str>,
    result: HandlerResult,
    summary: &CallSummary,
) -> HostResponse {
    let response = result.unwrap_or_else(|problem| {
        if problem.status >= 500 {
            log::failure(&head.id, "request.failed", problem.detail());
        }
        problem.into_response(&head.id)
    });

    log_request(head, route, response.status, summary);
    let fields = header_fields(&head.id, &response, summary);
    send(response.status, &fields, response.body)
}

/// Writes the line of a request to the log.
fn log_request(
    head: &RequestHead,
    route: Option<&'static str>,
    status: u16,
    summary: &CallSummary,
) {
    if !log::has_line_of(status) {
        return;
    }
    let route = match route {
        Some(name) => Some(Cow::Borrowed(name)),
        None => head.matched_route().map(Cow::Owned),
    };
    let trace = head.trace();

    log::request(&log::RequestLine {
        request_id: &head.id,
        trace_id: trace.as_ref().map(TraceContext::trace_id),
        method: head.method(),
        route: route.as_deref(),
        path: Some(head.path()),
        status,
        duration_ms: (head.arrived.elapsed().as_secs_f64() * 1e6).round() / 1e3,
        who: &summary.caller_name,
        ip: Some(&summary.client_address),
    });
}

/// Every header of a response.
fn header_fields(
    request_id: &str,
    response: &Response,
    summary: &CallSummary,
) -> Vec<(String, Vec<u8>)> {
    let mut fields = Vec::with_capacity(8 + response.headers.len());
    let mut add =
        |name: &str, value: &str| fields.push((name.to_owned(), value.as_bytes().to_vec()));
    add("x-content-type-options", "nosniff");
    add("x-request-id", request_id);

    // A 304 has no body to describe.
    if response.status != 304 {
        add("content-type", response.content_type);
        if let Some(length) = response.body.length() {
            add("content-length", &length.to_string());
        }
    }

    let has_cache_control = response
        .headers
        .iter()
        .any(|(name, _)| *name == "cache-control");
    if !has_cache_control {
        add("cache-control", "no-store");
    }

    if let Some(role) = summary.caller_role {
        add("x-caller", &summary.caller_name);
        add("x-caller-role", role);
    }
    if let Some(timing) = &summary.timing {
        add("server-timing", timing);
    }

    for (name, value) in &response.headers {
        add(name, value);
    }
    fields
}
