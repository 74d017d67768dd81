//! `/admin`: the files of the dashboard. Browser tests of the app are in dashboard/e2e.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

use std::collections::BTreeSet;
use std::fs;

use end_to_end::{App, contract, repository};
use ureq::Agent;
use ureq::http::Request;

/// Largest compressed size of the scripts of the first page, in bytes.
const BUDGET: usize = 110 * 1024;
const IMMUTABLE: &str = "public, max-age=31536000, immutable";

struct Loaded {
    status: u16,
    headers: ureq::http::HeaderMap,
    body: Vec<u8>,
}

impl Loaded {
    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

/// Loads raw bytes. The usual client of these tests expects JSON.
fn load(app: &App, method: &str, path: &str, headers: &[(&str, &str)]) -> Loaded {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .allow_non_standard_methods(true)
        .proxy(None);
    let mut request = Request::builder()
        .method(method)
        .uri(format!("http://{}{path}", app.address()));

    for (name, value) in headers {
        request = request.header(*name, *value);
    }

    let response = Agent::from(config.build())
        .run(request.body(()).unwrap())
        .unwrap();
    let (parts, body) = response.into_parts();
    let body = body
        .into_with_config()
        .limit(1 << 24)
        .read_to_vec()
        .unwrap();
    Loaded {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body,
    }
}

fn get(app: &App, path: &str) -> Loaded {
    load(app, "GET", path, &[])
}

/// Returns the assets that the page refers to.
fn assets(app: &App) -> BTreeSet<String> {
    let page = String::from_utf8(get(app, "/admin").body).unwrap();
    let named = page
        .split(['"', '\''])
        .filter(|part| part.starts_with("/admin/assets/"));
    named.map(str::to_owned).collect()
}

fn built(path: &str, suffix: &str) -> Vec<u8> {
    let name = path.strip_prefix("/admin/").unwrap_or("index.html");
    fs::read(
        repository()
            .join("dashboard/dist")
            .join(format!("{name}{suffix}")),
    )
    .unwrap()
}

#[test]
fn the_page_is_public_with_and_without_a_trailing_slash() {
    let app = App::start();
    for path in ["/admin", "/admin/", "/admin/index.html"] {
        let page = get(&app, path);
        assert_eq!(page.status, 200, "{path}");
        assert_eq!(
            page.header("content-type"),
            "text/html; charset=utf-8",
            "{path}"
        );
        assert_eq!(page.header("cache-control"), "no-cache");
        assert_eq!(page.body, built("/admin", ""));
        assert_eq!(page.header("content-length"), page.body.len().to_string());
    }
}

#[test]
fn every_asset_of_the_page_exists_and_is_immutable() {
    let app = App::start();
    let assets = assets(&app);
    for ending in [".js", ".css", ".svg"] {
        assert!(
            assets.iter().any(|asset| asset.ends_with(ending)),
            "no {ending} in {assets:?}"
        );
    }

    for asset in assets {
        let file = get(&app, &asset);
        assert_eq!(file.status, 200, "{asset}");
        assert_eq!(file.header("cache-control"), IMMUTABLE, "{asset}");
        assert_eq!(file.body, built(&asset, ""), "{asset}");
    }
}

#[test]
fn the_best_encoding_that_the_client_accepts_is_sent() {
    let app = App::start();
    let script = assets(&app)
        .into_iter()
        .find(|asset| asset.ends_with(".js"))
        .unwrap();
    let cases = [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("GZIP;q=1.0", "gzip"),
        ("br;q=0.5, gzip;q=0.8", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("br;q=0, gzip;q=0", ""),
        ("*", "br"),
        ("identity", ""),
        ("", ""),
        ("br;q=nonsense", "br"),
    ];

    for (accepted, expected) in cases {
        let file = load(&app, "GET", &script, &[("accept-encoding", accepted)]);
        let suffix = match expected {
            "br" => ".br",
            "gzip" => ".gz",
            _ => "",
        };
        assert_eq!(file.status, 200, "{accepted:?}");
        assert_eq!(file.header("content-encoding"), expected, "{accepted:?}");
        assert_eq!(file.body, built(&script, suffix), "{accepted:?}");
        assert_eq!(file.header("vary"), "accept-encoding");
    }
}

#[test]
fn a_file_that_the_client_has_is_not_sent_again() {
    let app = App::start();
    for path in std::iter::once("/admin".to_owned()).chain(assets(&app)) {
        let first = load(&app, "GET", &path, &[("accept-encoding", "br")]);
        let tag = first.header("etag");

        for known in [
            tag.to_owned(),
            format!("W/{tag}"),
            format!("\"other\", {tag}"),
            "*".to_owned(),
        ] {
            let again = load(
                &app,
                "GET",
                &path,
                &[("accept-encoding", "br"), ("if-none-match", &known)],
            );
            assert_eq!(again.status, 304, "{path} {known}");
            assert_eq!(again.body.len(), 0, "{path} {known}");
            assert_eq!(again.header("etag"), tag);
            assert_eq!(again.header("vary"), "accept-encoding");
            assert_eq!(again.header("cache-control"), first.header("cache-control"));
        }

        for other in [("accept-encoding", "gzip"), ("if-none-match", "\"other\"")] {
            let headers = [("accept-encoding", "br"), ("if-none-match", tag)]
                .map(|header| if header.0 == other.0 { other } else { header });
            assert_eq!(
                load(&app, "GET", &path, &headers).status,
                200,
                "{path} {other:?}"
            );
        }
    }
}

#[test]
fn every_file_has_a_strict_security_policy() {
    let app = App::start();
    for path in std::iter::once("/admin".to_owned()).chain(assets(&app)) {
        let file = get(&app, &path);
        let policy: BTreeSet<&str> = file.header("content-security-policy").split("; ").collect();
        for rule in [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        ] {
            assert!(policy.contains(rule), "{rule} is not in {policy:?}");
        }
        assert!(!file.header("content-security-policy").contains("unsafe"));
        assert_eq!(file.header("x-content-type-options"), "nosniff");
        assert_eq!(file.header("referrer-policy"), "no-referrer");
    }
}

#[test]
fn the_page_has_no_inline_script_or_style() {
    let app = App::start();
    let page = String::from_utf8(get(&app, "/admin").body).unwrap();
    for script in page.split("<script").skip(1) {
        assert!(script.contains(" src="), "{page}");
        assert!(script.contains("></script>"), "{page}");
    }
    assert!(!page.contains("<style"), "{page}");
    assert!(!page.contains(" style="), "{page}");
    assert!(!page.contains(" onload="), "{page}");
}

#[test]
fn an_unknown_file_is_a_404_and_another_method_a_405() {
    let app = App::start();
    for path in [
        "/admin/assets/nothing.js",
        "/admin/assets/",
        "/admin/nothing",
        "/admin/../spin.toml",
        "/admin/index.html.br",
    ] {
        let problem = get(&app, path);
        assert_eq!(problem.status, 404, "{path}");
        assert_eq!(
            problem.header("content-type"),
            "application/problem+json",
            "{path}"
        );
    }

    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
        let problem = load(&app, method, "/admin", &[]);
        assert_eq!(problem.status, 405, "{method}");
        assert_eq!(problem.header("allow"), "GET", "{method}");
        assert_eq!(problem.header("content-type"), "application/problem+json");
    }
}

#[test]
fn head_returns_the_length_without_a_body() {
    let app = App::start();
    let head = load(&app, "HEAD", "/admin", &[("accept-encoding", "gzip")]);
    assert_eq!(head.status, 200);
    assert_eq!(head.body.len(), 0);
    assert_eq!(
        head.header("content-length"),
        built("/admin", ".gz").len().to_string()
    );
}

#[test]
fn the_page_needs_neither_redis_nor_tokens() {
    let mut app = App::with(end_to_end::Options::new().without_tokens());
    app.redis_mut().kill();
    assert_eq!(get(&app, "/admin").status, 200);
    let response = get(&app, "/admin");
    assert_eq!(response.header("server-timing"), "", "Redis was used");
}

#[test]
fn the_scripts_stay_within_their_budget() {
    let app = App::start();
    let scripts: Vec<String> = assets(&app)
        .into_iter()
        .filter(|asset| asset.ends_with(".js"))
        .collect();
    let size = |encoding| -> usize {
        scripts
            .iter()
            .map(|script| {
                load(&app, "GET", script, &[("accept-encoding", encoding)])
                    .body
                    .len()
            })
            .sum()
    };

    for encoding in ["br", "gzip"] {
        assert!(
            size(encoding) <= BUDGET,
            "{} bytes of JavaScript in {encoding}, more than {BUDGET}",
            size(encoding)
        );
    }
}

#[test]
fn the_headers_are_documented() {
    let app = App::start();
    let document = contract().document();
    for (path, template) in [("/admin", "/admin"), ("/admin/index.html", "/admin/{file}")] {
        let file = get(&app, path);
        let headers = document["paths"][template]["get"]["responses"]["200"]["headers"]
            .as_object()
            .unwrap();
        for (name, header) in headers {
            let value = serde_json::json!(file.header(name));
            let violations = contract().violations(&contract().resolve(header)["schema"], &value);
            assert!(violations.is_empty(), "{name}: {violations:?}");
        }
    }
}
