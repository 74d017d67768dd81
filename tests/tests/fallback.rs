//! Paths that are no route.

use end_to_end::App;

#[test]
fn a_path_that_is_no_route_is_a_404_that_says_so() {
    let app = App::start();
    for path in [
        "/",
        "/api",
        "/api/cache",
        "/api/cache/",
        "/api/cache/stat",
        "/api/cache/statistics",
        "/API/CACHE/STATS",
        "/api/cache/clear/all",
        "/favicon.ico",
        "/api/cache/..%2fstats",
    ] {
        let problem = app.nobody().send("GET", path, None).with_status(404);
        assert!(problem["detail"].as_str().unwrap().contains(path), "{problem:#}");
    }
}

#[test]
fn whatever_the_method_the_path_is_what_is_wrong() {
    let app = App::start();
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"] {
        let body = (method == "POST").then_some(b"{}".as_slice());
        app.admin().send(method, "/api/nothing", body).with_status(404);
    }
}

#[test]
fn a_long_path_is_not_repeated_whole() {
    let app = App::start();
    let problem = app.nobody().send("GET", &format!("/{}", "x".repeat(4000)), None).with_status(404);
    assert!(problem["detail"].as_str().unwrap().len() < 400, "{problem:#}");
}
