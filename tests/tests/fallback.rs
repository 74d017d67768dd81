//! Paths without a route.

use end_to_end::App;

#[test]
fn an_unknown_path_is_a_404_that_names_it() {
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
        assert!(
            problem["detail"].as_str().unwrap().contains(path),
            "{problem:#}"
        );
    }
}

#[test]
fn an_unknown_path_is_404_for_every_method() {
    let app = App::start();
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"] {
        let body = (method == "POST").then_some(b"{}".as_slice());
        app.admin()
            .send(method, "/api/nothing", body)
            .with_status(404);
    }
}

#[test]
fn a_long_path_is_shortened_in_the_problem() {
    let app = App::start();
    let problem = app
        .nobody()
        .send("GET", &format!("/{}", "x".repeat(4000)), None)
        .with_status(404);
    assert!(
        problem["detail"].as_str().unwrap().len() < 400,
        "{problem:#}"
    );
}
