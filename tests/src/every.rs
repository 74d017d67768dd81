//! Every route at once: what a test of faults asks before, while and after Redis does not do its part.

use std::thread;
use std::time::Duration;

use redis::{Commands, Connection};

use crate::app::App;
use crate::client::Answer;
use crate::routes::Route;

/// Within this every route answers when Redis does not do its part.
pub const PROMISED: Duration = Duration::from_secs(2);

/// What the table of routes needs to find.
///
/// # Panics
/// When Redis refuses.
pub fn prepare(redis: &mut Connection) {
    let () = redis.set("users:1", "x").expect("Redis takes a key");
    let () = redis.hset("cache:ttl", "test", 60).expect("Redis takes a field");
}

/// Asks every route at once, each with the role it takes.
///
/// # Panics
/// When an answer is not as documented.
pub fn ask_all(app: &App) -> Vec<(Route, Answer)> {
    let ask = |route: Route| {
        let answer = route.ask(&app.client(route.role));
        (route, answer)
    };
    thread::scope(|scope| {
        let asked: Vec<_> = Route::all().into_iter().map(|route| scope.spawn(move || ask(route))).collect();
        asked.into_iter().map(|answer| answer.join().expect("an answer as documented")).collect()
    })
}

/// Every route is answered in time, and those that need Redis with 503.
///
/// # Panics
/// When one is not.
pub fn assert_all_unavailable(app: &App) -> Vec<(Route, Answer)> {
    let answers = ask_all(app);
    for (route, answer) in &answers {
        // Prometheus learns that Redis is away from a metric.
        let expected = if ["/health/live", "/metrics"].contains(&route.path) { 200 } else { 503 };
        assert_eq!(answer.status, expected, "{answer:#?}");
        assert!(answer.took < PROMISED, "{route:?} took {:?}", answer.took);
        if route.path == "/health" {
            assert_eq!(answer.body["status"], "unhealthy");
        }
    }
    answers
}

/// Every route works again at once, on the same application.
///
/// # Panics
/// When one does not.
pub fn assert_all_recovered(app: &App) {
    let mut redis = app.redis().connection();
    for route in Route::all() {
        prepare(&mut redis);
        let answer = route.ask(&app.client(route.role));
        assert_eq!(answer.status, route.expected(), "{route:?}: {answer:#?}");
    }
}

/// The kinds of the problems among the answers, each once where they follow each other.
pub fn kinds(answers: &[(Route, Answer)]) -> Vec<String> {
    let mut kinds: Vec<String> =
        answers.iter().filter_map(|(_, answer)| answer.body["type"].as_str().map(str::to_owned)).collect();
    kinds.dedup();
    kinds
}
