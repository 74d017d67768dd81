//! `/admin`: the admin dashboard, a web app that speaks to the public API. Its files are in the component, which needs
//! neither Redis nor variables and reaches nothing.

mod files;

use edge_cache_spin::{Answer, Call, Outcome, Problem, Request, Response, serve};

use crate::files::{File, is_known};

/// Nothing but the app's own files and its own API; no inline script or style, no frame around it, no form elsewhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'; trusted-types 'none'";

edge_cache_spin::http_service!(handle);

async fn handle(request: Request) -> Response {
    serve(request, &["GET"], file).await
}

/// The view is in the address's fragment, so the app has one page.
async fn file(call: &Call) -> Outcome {
    let name = match call.path().strip_prefix("/admin").unwrap_or_default() {
        "" | "/" => "index.html",
        path => path.strip_prefix('/').unwrap_or(path),
    };
    let file = File::named(name).ok_or_else(|| Problem::nothing_there(call.path()))?;
    let form = file.form(&call.header("accept-encoding"));
    let known = is_known(&call.header("if-none-match"), &form.etag);
    let answer = if known { Answer::not_modified() } else { Answer::file(file.content_type, form.body) };
    let answer = answer
        .header("cache-control", if file.is_hashed() { "public, max-age=31536000, immutable" } else { "no-cache" })
        .header("etag", form.etag)
        .header("vary", "accept-encoding")
        .header("content-security-policy", POLICY)
        .header("referrer-policy", "no-referrer")
        .header("cross-origin-opener-policy", "same-origin")
        .header("cross-origin-resource-policy", "same-origin");
    Ok(match form.encoding {
        Some(encoding) if !known => answer.header("content-encoding", encoding),
        _ => answer,
    })
}
