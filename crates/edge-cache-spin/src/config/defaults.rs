//! The defaults of all variables.

/// Networks that are not routed on the internet (RFC 1918, 4193, 6598, link-local, loopback).
const PRIVATE_NETWORKS: &str = "127.0.0.0/8,::1,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,100.64.0.0/10,\
     169.254.0.0/16,fc00::/7,fe80::/10";

/// A variable with its default, which applies if the manifest does not pass the variable to the
/// component.
pub(super) type Default = (&'static str, &'static str);

/// The variables of the cache.
pub(super) const CACHE_DEFAULTS: [Default; 16] = [
    ("redis_host", "127.0.0.1"),
    ("redis_port", "6379"),
    ("redis_username", ""),
    ("redis_password", ""),
    ("redis_db", "0"),
    ("redis_tls", "false"),
    ("redis_topology", "auto"),
    ("redis_sentinels", ""),
    ("redis_master_name", ""),
    ("redis_sentinel_username", ""),
    ("redis_sentinel_password", ""),
    ("log_detail", "requests"),
    ("command_timeout_ms", "1500"),
    ("fence_interval_ms", "50"),
    ("cache_namespace", ""),
    ("hot_keys", "true"),
];

/// All other variables.
pub(super) const OTHER_DEFAULTS: [Default; 27] = [
    ("audit_redis_db", "1"),
    ("tokens", ""),
    ("near_max_age_ms", "0"),
    ("latency_alert_ms", "100"),
    ("memory_alert_percent", "90"),
    ("hit_rate_alert_percent", "70"),
    ("evictions_alert_per_minute", "1000"),
    ("alert_window_minutes", "5"),
    ("alert_after_seconds", "60"),
    ("alert_webhooks", ""),
    ("alert_webhook_key", ""),
    ("alert_remind_minutes", "60"),
    ("alert_source", "edge-cache"),
    ("value_editing", "true"),
    ("audit_values", "true"),
    ("trusted_proxies", "0"),
    ("trusted_proxy_addresses", PRIVATE_NETWORKS),
    ("events_channel", "cache:events"),
    ("warmup_origin", "http://127.0.0.1:8080"),
    ("warmup_origin_token", ""),
    ("warmup_rate", "0"),
    ("sync_limit_seconds", "20"),
    ("warmup_interval_seconds", "900"),
    ("analysis_interval_minutes", "0"),
    ("relief_patterns", ""),
    ("postgres_url", ""),
    ("postgres_address", ""),
];
