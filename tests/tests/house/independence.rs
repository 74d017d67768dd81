//! The first invariant of ARCHITECTURE: `edge-cache` and `edge-cache-admin` do not know Spin, HTTP
//! or an asynchronous runtime.

use crate::imports::Imports;
use crate::source::Code;

/// Beginnings of the names of crates that are Spin, HTTP or an asynchronous runtime.
const FORBIDDEN_CRATES: [&str; 24] = [
    "actix",
    "async-std",
    "axum",
    "edge-cache-spin",
    "fermyon",
    "h2",
    "http",
    "hyper",
    "isahc",
    "monoio",
    "reqwest",
    "rocket",
    "rouille",
    "smol",
    "spin",
    "surf",
    "tide",
    "tokio",
    "tower",
    "tungstenite",
    "ureq",
    "warp",
    "wasi",
    "wit-",
];

/// Text that belongs to HTTP or to a host, in lower case.
const FORBIDDEN_TEXT: [&str; 36] = [
    // Headers.
    "accept-encoding",
    "authorization",
    "bearer ",
    "cache-control",
    "content-length",
    "content-type",
    "if-none-match",
    "retry-after",
    "server-timing",
    "set-cookie",
    "spin-client-addr",
    "user-agent",
    "www-authenticate",
    "x-caller",
    "x-forwarded-for",
    "x-request-id",
    // Methods. Redis has a GET of its own.
    "\"connect\"",
    "\"delete\"",
    "\"head\"",
    "\"options\"",
    "\"patch\"",
    "\"post\"",
    "\"put\"",
    // Paths and media types.
    "/api/",
    "application/json",
    "application/problem",
    "text/event-stream",
    "text/plain",
    // Variables of Spin, and the manifest.
    "spin_variable",
    "spin.toml",
    "allowed_outbound_hosts",
    // Error texts of hosts.
    "an error was signalled by the server",
    "invalid peer certificate",
    "certificate verify failed",
    "ssl routines",
    "is not permitted",
];

fn is_forbidden_crate(name: &str) -> bool {
    let name = name.replace('_', "-");
    FORBIDDEN_CRATES
        .iter()
        .any(|forbidden| name.starts_with(forbidden))
}

/// The dependencies of a manifest that are forbidden. Those of tests are allowed.
pub(crate) fn forbidden_dependencies(manifest: &str) -> Vec<String> {
    let manifest: toml::Table = toml::from_str(manifest).unwrap();
    let mut names: Vec<String> = Vec::new();
    for table in ["dependencies", "build-dependencies"] {
        let dependencies = manifest.get(table).and_then(toml::Value::as_table);
        for (name, dependency) in dependencies.into_iter().flatten() {
            names.push(name.clone());
            let renamed = dependency.get("package").and_then(toml::Value::as_str);
            names.extend(renamed.map(str::to_owned));
        }
    }

    names.retain(|name| is_forbidden_crate(name));
    names
}

/// The paths of a source file that begin with the name of a forbidden crate.
pub(crate) fn forbidden_imports(source: &str) -> Vec<String> {
    let imports = Imports::of(source);
    let uses = imports.uses.into_iter().map(|used| used.path);
    let paths = imports.paths.into_iter().map(|used| used.path);
    uses.chain(paths.filter(|path| path.len() > 1))
        .filter(|path| is_forbidden_crate(&path[0]))
        .map(|path| path.join("::"))
        .collect()
}

/// The forbidden text that a source file contains, in code or in a string.
pub(crate) fn forbidden_text(source: &str) -> Vec<&'static str> {
    let code = Code::of(source).with_strings.to_lowercase();
    FORBIDDEN_TEXT
        .into_iter()
        .filter(|text| code.contains(text))
        .collect()
}

#[test]
fn a_dependency_on_spin_http_or_a_runtime_is_found() {
    let manifest = r#"
        [dependencies]
        serde.workspace = true
        tokio = { version = "1", optional = true }
        web = { package = "hyper", version = "1" }
        [build-dependencies]
        spin-sdk.workspace = true
        [dev-dependencies]
        ureq.workspace = true
    "#;
    let mut found = forbidden_dependencies(manifest);
    found.sort();

    assert_eq!(found, ["hyper", "spin-sdk", "tokio"]);
}

#[test]
fn an_import_of_spin_http_or_a_runtime_is_found() {
    let source = "use spin_sdk::redis::Connection;\nfn f() { tokio::spawn(g()); http(1); }";
    assert_eq!(
        forbidden_imports(source),
        ["spin_sdk::redis::Connection", "tokio::spawn"]
    );
}

#[test]
fn http_in_code_or_strings_is_found_and_in_documentation_is_allowed() {
    let source = r#"
        /// Needs `Authorization`.
        const ID: &str = "X-Request-Id";
        // DELETE /api/cache/keys
        const METHOD: &str = "POST";
    "#;
    assert_eq!(forbidden_text(source), ["x-request-id", "\"post\""]);
}
