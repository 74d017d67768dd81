//! The commands and round trips of requests on a Redis Cluster, as docs/redis.md has them.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

use end_to_end::{App, Monitor, Options, Response, fill};
use serde_json::json;

/// An application on a Cluster with some keys. Its instance knows the slots and has a connection to
/// each node, and the nodes have the scripts.
fn warm(requests: impl Fn(&App)) -> (App, Vec<Monitor>) {
    let mut app = App::with(Options::new().cluster());
    fill(&mut app.connection(), "users:", 0..300);
    for _ in 0..3 {
        requests(&app);
    }

    let cluster = app.cluster();
    let primaries = cluster.primaries().into_iter();
    let monitors = primaries.map(|number| Monitor::of_node(cluster.node(number)));
    let monitors = monitors.collect();
    (app, monitors)
}

/// Returns the commands of each node, the busiest node first.
fn commands(monitors: &mut [Monitor]) -> Vec<Vec<String>> {
    let of_nodes = monitors.iter_mut().map(Monitor::commands);
    let mut of_nodes: Vec<Vec<String>> = of_nodes.collect();
    // A connection that was idle is checked before a change, and replicas are pinged.
    for commands in &mut of_nodes {
        commands.retain(|name| !["ping", "replconf", "info"].contains(&name.as_str()));
        commands.sort();
    }
    of_nodes.sort_by_key(|commands| std::cmp::Reverse(commands.len()));
    of_nodes
}

/// Returns the round trips of a request as the application counts them. It does not count those for
/// the slots.
fn round_trips(response: &Response) -> u64 {
    let timing = response.header("server-timing").unwrap();
    let (_, trips) = timing.split_once(", ").unwrap();
    trips.split(' ').next().unwrap().parse().unwrap()
}

fn named(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn a_page_reads_the_slots_and_then_asks_one_node() {
    let page = |app: &App| app.viewer().get("/keys?pattern=users:*&limit=20");
    let (app, mut monitors) = warm(|app| {
        // All nodes get the script.
        app.list_keys("&pattern=users:*");
        page(app);
    });

    let response = page(&app);

    assert_eq!(round_trips(&response), 1, "{response:?}");
    assert_eq!(
        commands(&mut monitors),
        [
            named(&["cluster", "evalsha"]),
            named(&["cluster"]),
            named(&["cluster"])
        ]
    );
}

#[test]
fn a_page_of_all_keys_then_counts_them_on_all_nodes() {
    let page = |app: &App| app.viewer().get("/keys?limit=20");
    let (app, mut monitors) = warm(|app| {
        app.list_keys("");
        page(app);
    });

    let response = page(&app);

    assert_eq!(round_trips(&response), 2, "{response:?}");
    assert_eq!(
        commands(&mut monitors),
        [
            named(&["cluster", "dbsize", "evalsha"]),
            named(&["cluster", "dbsize"]),
            named(&["cluster", "dbsize"])
        ]
    );
}

#[test]
fn a_key_is_inspected_in_one_round_trip_at_its_node() {
    let inspect = |app: &App| app.operator().get("/keys/users:1");
    let (app, mut monitors) = warm(|app| {
        inspect(app);
    });

    let response = inspect(&app);

    assert_eq!(round_trips(&response), 1, "{response:?}");
    assert_eq!(
        commands(&mut monitors),
        [named(&["evalsha"]), named(&[]), named(&[])]
    );
}

#[test]
fn statistics_cost_one_round_trip_at_each_node() {
    let stats = |app: &App| app.viewer().get("/stats");
    let (app, mut monitors) = warm(|app| {
        stats(app);
    });

    let response = stats(&app);

    assert_eq!(round_trips(&response), 1, "{response:?}");
    // `INFO` and `PING` are left out.
    assert_eq!(
        commands(&mut monitors),
        [
            named(&["cluster", "dbsize", "evalsha"]),
            named(&["cluster", "dbsize"]),
            named(&["cluster", "dbsize"])
        ]
    );
}

#[test]
fn a_removal_reads_the_slots_only_to_walk() {
    let by_key = |app: &App| {
        app.operator()
            .post("/invalidate", &json!({ "keys": ["nothing"] }))
    };
    let by_pattern = |app: &App| {
        app.operator()
            .post("/clear", &json!({ "pattern": "nothing:*" }))
    };
    let (app, mut monitors) = warm(|app| {
        by_key(app);
        by_pattern(app);
    });
    let mut slots_read = || -> Vec<usize> {
        let of_nodes = commands(&mut monitors).into_iter();
        of_nodes
            .map(|names| names.iter().filter(|name| *name == "cluster").count())
            .collect()
    };

    // The audit trail records the intent before, and the outcome after: two of these.
    let trips = round_trips(&by_key(&app));
    assert_eq!((trips, slots_read()), (5, vec![0, 0, 0]), "by key");
    let trips = round_trips(&by_pattern(&app));
    // For the share check, and before and after the walk.
    assert_eq!((trips, slots_read()), (6, vec![3, 3, 3]), "by pattern");
}
