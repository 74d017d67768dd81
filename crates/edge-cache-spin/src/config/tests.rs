//! Tests of the rules for each variable.

use edge_cache::Pattern;

use super::*;

/// A value that each variable refuses.
const BAD_VALUES: [(&str, &str); 43] = [
    ("redis_host", ""),
    ("redis_host", "redis://x"),
    ("redis_port", "0"),
    ("redis_port", "65536"),
    ("redis_db", "-1"),
    ("redis_tls", "yes"),
    ("audit_redis_db", "x"),
    ("log_detail", "verbose"),
    ("tokens", "just-a-token"),
    ("command_timeout_ms", "0"),
    ("fence_interval_ms", "9"),
    ("cache_namespace", "Shop"),
    ("cache_namespace", "a:b"),
    ("hot_keys", "on"),
    ("near_max_age_ms", "10001"),
    ("latency_alert_ms", "1.5"),
    ("sync_limit_seconds", "601"),
    ("memory_alert_percent", "101"),
    ("hit_rate_alert_percent", "0"),
    ("evictions_alert_per_minute", ""),
    ("alert_webhooks", "https://hooks.example.com"),
    ("alert_webhooks", "slack=hooks.example.com"),
    ("alert_remind_minutes", "0"),
    ("alert_source", ""),
    ("value_editing", "1"),
    ("audit_values", "no"),
    ("trusted_proxies", "many"),
    ("trusted_proxy_addresses", "10.0.0.0/8,proxy.internal"),
    ("events_channel", ""),
    ("warmup_origin", ""),
    ("warmup_origin", "ftp://x"),
    ("warmup_origin", "http://x/path"),
    ("warmup_origin", "http://user:word@x"),
    ("warmup_origin_token", "two words"),
    ("warmup_rate", "-1"),
    ("warmup_interval_seconds", "59"),
    ("analysis_interval_minutes", "10081"),
    ("relief_patterns", "old:*,*"),
    ("relief_patterns", "cache:*"),
    ("relief_patterns", "old:*, tmp:*"),
    ("relief_patterns", "old:*,,tmp:*"),
    ("relief_patterns", "sess[1"),
    ("relief_patterns", "[\"old:*\", 3]"),
];

/// The configuration with the defaults of all variables but `changes`.
fn config_with(changes: &[(&'static str, &str)]) -> Result<Config, BadVariable> {
    let all = CACHE_DEFAULTS.into_iter().chain(OTHER_DEFAULTS);
    let values = all.map(|(name, default)| {
        let changed = changes.iter().rfind(|(changed, _)| *changed == name);
        let value = changed.map_or(default, |(_, value)| value);
        (name, value.to_owned())
    });
    Config::validate(&Variables::new(values.collect()))
}

#[test]
fn the_defaults_are_valid() {
    let config = config_with(&[]).unwrap();

    assert_eq!(config.cache.url, "redis://127.0.0.1:6379/0");
    assert_eq!(config.audit_url, "redis://127.0.0.1:6379/1");
    assert_eq!(config.redis_address(), "127.0.0.1:6379");
    assert_eq!(config.thresholds, Thresholds::default());
    assert!(config.tokens.is_empty());
    assert!(config.postgres.is_none());
}

#[test]
fn a_password_may_have_any_characters() {
    let config = config_with(&[
        ("redis_username", "u"),
        ("redis_password", "p@s/s:w#d"),
        ("redis_tls", "true"),
    ]);

    assert_eq!(
        config.unwrap().cache.url,
        "rediss://u:p%40s%2Fs%3Aw%23d@127.0.0.1:6379/0"
    );
}

#[test]
fn an_ipv6_address_is_put_in_brackets() {
    for host in ["::1", "[::1]"] {
        let config = config_with(&[("redis_host", host)]).unwrap();
        assert_eq!(config.cache.url, "redis://[::1]:6379/0");
    }
}

#[test]
fn a_bad_value_is_reported_with_its_variable() {
    for (name, value) in BAD_VALUES {
        let bad = config_with(&[(name, value)]).unwrap_err();
        assert_eq!(bad.name, name, "{value}");
    }
}

#[test]
fn a_postgres_url_must_name_one_server() {
    for url in ["host=db user=shop", "mysql://db/shop"] {
        let bad = config_with(&[("postgres_url", url)]).unwrap_err();
        assert_eq!(bad.name, "postgres_url", "{url}");
    }
}

fn relief_patterns(typed: &str) -> Vec<String> {
    let config = config_with(&[("relief_patterns", typed)]).unwrap();
    config
        .schedule
        .relief
        .iter()
        .map(Pattern::display)
        .collect()
}

#[test]
fn relief_patterns_are_used_as_they_were_typed() {
    assert_eq!(relief_patterns("old:*,[a-c]:*"), ["old:*", "[a-c]:*"]);
    assert_eq!(
        relief_patterns(r#"[" a,b:*", "tmp:*"]"#),
        [" a,b:*", "tmp:*"]
    );
    assert!(relief_patterns("").is_empty());
}

const POSTGRES_URL: (&str, &str) = ("postgres_url", "postgresql://u:p%40@db/shop");
const POSTGRES_ADDRESS: (&str, &str) = ("postgres_address", "postgres://db:5432");

#[test]
fn postgresql_is_used_if_its_url_and_its_address_are_set() {
    let config = config_with(&[POSTGRES_URL, POSTGRES_ADDRESS]).unwrap();
    assert_eq!(config.postgres.unwrap().text(), POSTGRES_URL.1);
}

#[test]
fn an_address_without_a_url_does_not_select_postgresql() {
    let config = config_with(&[POSTGRES_ADDRESS]).unwrap();
    assert!(config.postgres.is_none());
}

#[test]
fn a_url_needs_the_address_of_its_server() {
    let other_address = ("postgres_address", "postgres://other:5432");
    for changes in [&[POSTGRES_URL][..], &[POSTGRES_URL, other_address]] {
        let bad = config_with(changes).unwrap_err();
        assert_eq!(bad.name, "postgres_address");
        assert_eq!(
            bad.problem,
            "must be postgres://db:5432, the server of `postgres_url`"
        );
    }
}
