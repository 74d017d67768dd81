//! Every route at once: what a test of faults asks before, while and after Redis does not do its part.

use std::thread;
use std::time::Duration;

use redis::{Commands, Connection};

use crate::app::App;
use crate::client::{Answer, Client};
use crate::routes::Route;

/// Within this every route answers when Redis does not do its part.
pub const PROMISED: Duration = Duration::from_secs(2);

/// A key for each route that names or clears some.
const KEYS: [&str; 11] = [
    "users:1",
    "catalog:1",
    "manufacturers:1",
    "blog:1",
    "products:1",
    "products:4985:old",
    "vehicles:1",
    "config:1",
    "seo:1",
    "suppliers:1",
    "dashboard:1",
];

/// What the tables of routes need to find.
///
/// # Panics
/// When Redis refuses.
pub fn prepare(redis: &mut Connection) {
    let () = redis.mset(&KEYS.map(|key| (key, "x"))).expect("Redis takes keys");
    let () = redis.hset("cache:ttl", "test", 60).expect("Redis takes a field");
}

/// Asks every route at once, each with the role it takes and on its own connection.
///
/// # Panics
/// When an answer is not as documented.
pub fn ask_all(app: &App) -> Vec<(Route, Answer)> {
    thread::scope(|scope| {
        let ask = |(route, client): &'_ (Route, Client)| {
            let (route, client) = (route.clone(), client.clone());
            scope.spawn(move || {
                let answer = route.ask(&client);
                (route, answer)
            })
        };
        let asked: Vec<_> = app.every().iter().map(ask).collect();
        asked.into_iter().map(|answer| answer.join().expect("an answer as documented")).collect()
    })
}

/// Every route is answered in time: those that need Redis with 503, those that read through with what was loaded. What was to
/// be recorded is in the log.
///
/// # Panics
/// When one is not.
pub fn assert_all_unavailable(app: &App) -> Vec<(Route, Answer)> {
    let answers = ask_all(app);
    for (route, answer) in &answers {
        assert_eq!(answer.status, route.expected_without_redis(), "{answer:#?}");
        assert!(answer.took < PROMISED, "{route:?} took {:?}", answer.took);
        if route.path == "/health" {
            assert_eq!(answer.body["status"], "unhealthy");
        }
        if route.reads_through() {
            assert_eq!(answer.header("x-cache"), Some("MISS"), "{answer:#?}");
        }
        assert_eq!(answer.header("deprecation").is_some(), route.is_old(), "{answer:#?}");
    }
    for (route, answer) in answers.iter().filter(|(route, _)| route.is_recorded()) {
        assert!(is_logged(app, answer), "{route:?}: the record is lost: {answer:#?}");
    }
    answers
}

/// Whether the log has the record of a change that the trail could not take.
pub fn is_logged(app: &App, answer: &Answer) -> bool {
    let id = answer.header("x-request-id").unwrap_or_default();
    app.logs(&["audit.failed", "the record", &format!("\"requestId\":\"{id}\"")])
}

/// Every route works again at once, on the same application and connections.
///
/// # Panics
/// When one does not.
pub fn assert_all_recovered(app: &App) {
    let mut redis = app.redis().connection();
    for (route, client) in app.every() {
        prepare(&mut redis);
        let answer = route.ask(client);
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
