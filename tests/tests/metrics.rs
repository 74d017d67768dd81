//! `GET /api/cache/metrics`, and the dashboard and alerts in deploy/ that use it.
#![expect(clippy::unwrap_used, reason = "a test that cannot continue has failed")]

use std::collections::BTreeSet;
use std::fs;
use std::thread;
use std::time::Duration;

use end_to_end::{App, Options, repository};
use redis::Commands;
use serde_json::{Value, json};

fn scrape(app: &App) -> String {
    app.viewer()
        .get("/metrics")
        .ok()
        .as_str()
        .unwrap()
        .to_owned()
}

/// Returns the value of a sample by its name and labels.
fn sample(page: &str, name: &str) -> Option<f64> {
    page.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok())
}

#[test]
fn every_operation_is_counted() {
    let app = App::start();
    for path in [
        "/api/products/popular",
        "/api/products/popular",
        "/api/users/stats",
    ] {
        app.nobody().send("GET", path, None).with_status(200);
    }

    // An instance adds its counters to Redis with the first lookup after a second.
    for _ in 0..2 {
        thread::sleep(Duration::from_millis(1_100));
        app.nobody()
            .send("GET", "/api/users/stats", None)
            .with_status(200);
    }

    app.operator()
        .delete(
            "/invalidate",
            &json!({ "keys": ["products:popular:list", "gone"], "tags": ["seo"] }),
        )
        .ok();
    app.operator()
        .post("/clear", &json!({ "pattern": "users:*" }))
        .ok();
    app.admin().post("/clear", &json!({ "confirm": true })).ok();
    app.admin()
        .post("/warmup", &json!({ "modules": ["users"] }))
        .ok();
    app.operator()
        .post("/events", &json!({ "type": "stock.changed", "id": "1" }))
        .ok();
    let page = scrape(&app);
    let expected = [
        ("redis_up", 1.0),
        ("edge_cache_invalidations_total{kind=\"tag\"}", 1.0),
        ("edge_cache_invalidations_total{kind=\"key\"}", 1.0),
        // From the event.
        ("edge_cache_invalidations_total{kind=\"pattern\"}", 1.0),
        (
            "edge_cache_changes_total{action=\"event\",outcome=\"ok\"}",
            1.0,
        ),
        ("edge_cache_clears_total{kind=\"pattern\"}", 1.0),
        ("edge_cache_clears_total{kind=\"global\"}", 1.0),
        ("edge_cache_warmups_total{outcome=\"ok\"}", 1.0),
        ("edge_cache_warmup_keys{result=\"created\"}", 3.0),
        ("edge_cache_events_total{outcome=\"handled\"}", 1.0),
        ("edge_cache_events_waiting_patterns", 0.0),
        ("edge_cache_events_lag_seconds", 0.0),
        ("edge_cache_circuit_opened_total", 0.0),
    ];
    for (name, value) in expected {
        assert_eq!(sample(&page, name), Some(value), "{name}\n{page}");
    }
    let at_least = [
        "edge_cache_lookups_total{module=\"users\",outcome=\"hit\"}",
        "redis_memory_used_bytes",
        "redis_db_keys{db=\"db0\"}",
    ];
    for name in at_least {
        assert!(sample(&page, name).unwrap() >= 1.0, "{name}\n{page}");
    }
    let loads = sample(&page, "edge_cache_loads_total{module=\"users\"}").unwrap();

    assert!((1.0..=3.0).contains(&loads), "{page}");
}

#[test]
fn the_lag_of_events_is_the_age_of_the_oldest_that_waits() {
    let app = App::start();
    let mut redis = app.connection();
    let (seconds, _): (u64, u64) = redis::cmd("TIME").query(&mut redis).unwrap();
    let gathered = [(seconds - 90, "users:1:*"), (seconds - 30, "users:2:*")];
    for (at, pattern) in gathered {
        let () = redis
            .hset("cache:{removals}:patterns", format!("{at}000-0"), pattern)
            .unwrap();
    }

    let page = scrape(&app);

    assert_eq!(
        sample(&page, "edge_cache_events_waiting_patterns"),
        Some(2.0)
    );
    let lag = sample(&page, "edge_cache_events_lag_seconds").unwrap();
    assert!((90.0..150.0).contains(&lag), "{lag}");
}

#[test]
fn a_scrape_costs_eight_commands_and_no_walk() {
    let app = App::start();
    let mut redis = app.connection();
    let () = redis::cmd("DEBUG")
        .arg(&["POPULATE", "10000"])
        .query(&mut redis)
        .unwrap_or_default();
    scrape(&app);
    let () = redis::cmd("CONFIG")
        .arg("RESETSTAT")
        .query(&mut redis)
        .unwrap();
    let response = app.viewer().get("/metrics");
    let timing = response.header("server-timing").unwrap();

    assert!(timing.contains("\"8 commands, 1 round trip\""), "{timing}");

    let stats: String = redis::cmd("INFO")
        .arg("commandstats")
        .query(&mut redis)
        .unwrap();
    let mut calls: Vec<&str> = stats
        .lines()
        .filter_map(|line| line.strip_prefix("cmdstat_")?.split(",usec").next())
        .collect();
    calls.retain(|call| !call.starts_with("config"));
    calls.sort_unstable();

    // The script reads the lookup counters and the samples.
    assert_eq!(
        calls,
        [
            "evalsha:calls=1",
            "get:calls=1",
            "hgetall:calls=4",
            "hkeys:calls=2",
            "info:calls=1",
            "xrevrange:calls=1"
        ]
    );
}

#[test]
fn the_number_of_module_labels_is_limited() {
    let app = App::start();
    let mut redis = app.connection();
    let fields: Vec<(String, u64)> = (0..99).map(|n| (format!("module{n}:hit"), 1)).collect();
    let () = redis.hset_multiple("cache:lookups", &fields).unwrap();
    let () = redis.hset("cache:lookups", "module99:miss", 1).unwrap();

    let hits = |page: &str, module: &str| {
        sample(
            page,
            &format!("edge_cache_lookups_total{{module=\"{module}\",outcome=\"hit\"}}"),
        )
        .unwrap_or(0.0)
    };
    // An instance adds its counters to Redis in batches, and loses the last one when it ends.
    let page_after = |path: &str, module: &str| {
        for _ in 0..20 {
            for _ in 0..41 {
                app.nobody().send("GET", path, None).with_status(200);
            }
            let page = scrape(&app);
            if hits(&page, module) >= 30.0 {
                return page;
            }
        }
        panic!("{module} has fewer than 30 hits: {}", scrape(&app))
    };
    page_after("/api/products/popular", "products");
    let page = page_after("/api/users/stats", "overflow");

    assert!(hits(&page, "users") == 0.0, "{page}");

    let named = page
        .lines()
        .filter(|line| line.starts_with("edge_cache_lookups_total{") && line.contains("\"hit\""))
        .count();
    assert_eq!(named, 101, "100 modules by name, and the overflow");
}

#[test]
fn an_unreachable_redis_is_a_metric_instead_of_a_failure() {
    let mut app = App::start();
    scrape(&app);
    app.redis_mut().kill();
    let page = scrape(&app);
    let samples: Vec<&str> = page.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(samples, ["redis_up 0", "edge_cache_scrape_errors 7"]);
    app.redis_mut().launch();
    assert_eq!(sample(&scrape(&app), "redis_up"), Some(1.0));
}

#[test]
fn unreadable_counters_are_omitted_and_redis_is_up() {
    let app = App::start();
    app.operator()
        .post("/clear", &json!({ "pattern": "users:*" }))
        .ok();
    let () = app.connection().set("cache:events", "no hash").unwrap();
    let page = scrape(&app);

    assert_eq!(sample(&page, "redis_up"), Some(1.0));
    assert_eq!(sample(&page, "edge_cache_scrape_errors"), Some(1.0));
    assert!(sample(&page, "redis_memory_used_bytes").unwrap() > 0.0);
    assert!(!page.contains("edge_cache_events_total"));
    assert_eq!(
        sample(&page, "edge_cache_clears_total{kind=\"pattern\"}"),
        Some(1.0)
    );
}

/// Returns the names of metrics in an expression.
fn names(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(|c: char| !is_part(c));
    words
        .filter(|word| word.starts_with("redis_") || word.starts_with("edge_cache_"))
        .map(str::to_owned)
        .collect()
}

fn expressions(value: &Value, found: &mut String) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member.as_str() {
                    Some(text) if name == "expr" || name == "query" => {
                        *found += &format!("{text}\n");
                    }
                    _ => expressions(member, found),
                }
            }
        }
        Value::Array(elements) => elements
            .iter()
            .for_each(|element| expressions(element, found)),
        _ => {}
    }
}

/// The names of the metrics on a page.
fn metric_names(page: &str) -> BTreeSet<String> {
    let types = page.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let names = types.filter_map(|rest| rest.split(' ').next());
    names.map(str::to_owned).collect()
}

#[test]
fn alerts_and_dashboards_use_existing_metrics() {
    let app = App::start();
    app.admin().post("/warmup", &json!({})).ok();
    app.operator()
        .post("/clear", &json!({ "pattern": "users:*" }))
        .ok();
    app.operator()
        .delete("/invalidate", &json!({ "keys": ["a"] }))
        .ok();

    for _ in 0..40 {
        app.nobody()
            .send("GET", "/api/users/stats", None)
            .with_status(200);
    }

    // Figures of nodes exist on a Cluster only.
    let mut existing = metric_names(&scrape(&app));
    let cluster = App::with(Options::new().cluster());
    existing.extend(metric_names(&scrape(&cluster)));
    let read = |name: &str| fs::read_to_string(repository().join("deploy").join(name)).unwrap();
    let dashboard: Value = serde_json::from_str(&read("grafana-dashboard.json")).unwrap();
    let alerts: Value = serde_saphyr::from_str(&read("prometheus-alerts.yml")).unwrap();

    for document in [dashboard, alerts] {
        let mut found = String::new();
        expressions(&document, &mut found);
        let used: BTreeSet<String> = names(&found)
            .into_iter()
            .filter(|name| name != "redis_instance")
            .collect();
        assert!(used.len() > 4, "{used:?}");
        let absent: Vec<&String> = used.difference(&existing).collect();
        assert!(absent.is_empty(), "no metric is called {absent:?}");
    }
}
