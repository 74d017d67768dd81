//! `GET /api/cache/stats`.

use end_to_end::App;

#[test]
fn statistics_tell_what_redis_tells() {
    let app = App::start();
    let stats = app.viewer().get("/stats").data();
    assert_eq!(stats["keyCount"], 0);
}
