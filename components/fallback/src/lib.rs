//! Every path that is no route: a 404 that says so, in the form of all other problems.

use edge_cache_spin::{Call, Outcome, Problem, Request, Response, serve};

/// Whatever the method, the path is what is wrong.
const ANY: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"];

edge_cache_spin::http_service!(handle);

async fn handle(request: Request) -> Response {
    serve(request, &ANY, missing).await
}

async fn missing(call: &Call) -> Outcome {
    Err(Problem::no_route(call.path()))
}
