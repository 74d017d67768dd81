//! `/admin`: the dashboard, a web app on the public API. The component contains its files. It uses
//! neither Redis nor secrets, and has no outbound hosts.

mod files;

use edge_cache_spin::{
    Call, HandlerResult, HostResponse, Method, Problem, Request, Response, serve,
};

use crate::files::{File, matches_tag};

/// The page itself reads the query: `/admin?dev`.
const METHODS: &[Method] = &[Method::public("GET").with_query()];
/// Allows only the app's own files and API: no inline scripts or styles, no frames around the page,
/// no forms to other sites.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'; trusted-types 'none'";

edge_cache_spin::http_service!(handle);

async fn handle(request: Request) -> HostResponse {
    serve(request, METHODS, show_file).await
}

/// Returns a file of the app. The app has one page, because the view is in the URL's fragment.
async fn show_file(call: &Call) -> HandlerResult {
    let name = match call.route_path().strip_prefix("/admin").unwrap_or_default() {
        "" => "index.html",
        path => path.strip_prefix('/').unwrap_or(path),
    };
    let file = File::named(name).ok_or_else(|| Problem::not_found(call.path()))?;
    let encoded = file.encode(&call.header("accept-encoding"));
    let is_cached = matches_tag(&call.header("if-none-match"), &encoded.etag);

    let response = if is_cached {
        Response::not_modified()
    } else {
        Response::file(file.content_type, encoded.body)
    };
    let cache_control = if file.is_hashed() {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let response = response
        .with_header("cache-control", cache_control)
        .with_header("etag", encoded.etag)
        .with_header("vary", "accept-encoding")
        .with_header("content-security-policy", CONTENT_SECURITY_POLICY)
        .with_header("referrer-policy", "no-referrer")
        .with_header("cross-origin-opener-policy", "same-origin")
        .with_header("cross-origin-resource-policy", "same-origin");

    Ok(match encoded.encoding {
        Some(encoding) if !is_cached => response.with_header("content-encoding", encoding),
        _ => response,
    })
}
