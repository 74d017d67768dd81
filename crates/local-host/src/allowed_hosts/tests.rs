//! The destinations that each kind of entry allows, and the entries that are refused.

use super::*;

fn allows(entries: &[&str], url: &str) -> bool {
    let entries = entries.iter().map(|entry| (*entry, false));
    AllowedHosts::parse("c", entries, &["a", "b"])
        .unwrap()
        .allow(url, "redis")
}

#[test]
fn an_entry_allows_its_scheme_host_and_port_and_nothing_else() {
    let entry = &["redis://db.example:7000"];
    assert!(allows(entry, "redis://db.example:7000"));
    assert!(allows(entry, "redis://user:pass@db.example:7000/3"));
    assert!(allows(entry, "db.example:7000"));
    assert!(!allows(entry, "redis://db.example:7001"));
    assert!(!allows(entry, "redis://db.example"));
    assert!(!allows(entry, "rediss://db.example:7000"));
    assert!(!allows(entry, "redis://other.example:7000"));
    assert!(!allows(&[], "redis://db.example:7000"));
}

#[test]
fn a_missing_port_is_the_default_of_the_scheme_on_both_sides() {
    assert!(allows(&["redis://h"], "redis://h:6379"));
    assert!(allows(&["redis://h:6379"], "redis://h"));
    assert!(allows(&["https://h"], "https://h/path?q"));
    assert!(!allows(&["https://h"], "https://h:8443"));
}

#[test]
fn stars_stand_for_any_scheme_host_or_port() {
    for entry in [
        "*://*:*",
        "redis://*:*",
        "*://h:*",
        "*://h:1",
        "redis://h:*",
    ] {
        assert!(allows(&[entry], "redis://h:1"), "{entry}");
    }

    assert!(!allows(&["http://*:*"], "redis://h:1"));
    assert!(allows(&["redis://*.example"], "redis://a.b.example"));
    assert!(!allows(&["redis://*.example"], "redis://example"));
}

#[test]
fn port_ranges_exclude_their_end() {
    assert!(allows(&["redis://h:10..20"], "redis://h:10"));
    assert!(allows(&["redis://h:10..20"], "redis://h:19"));
    assert!(!allows(&["redis://h:10..20"], "redis://h:20"));
}

#[test]
fn address_ranges_contain_addresses_but_not_names() {
    assert!(allows(&["redis://10.1.0.0/16"], "redis://10.1.2.3"));
    assert!(!allows(&["redis://10.1.0.0/16"], "redis://10.2.0.1"));
    assert!(!allows(&["redis://10.1.0.0/16"], "redis://ten.example"));
    assert!(allows(&["redis://[::1]:6379"], "redis://[::1]:6379"));
    assert!(allows(
        &["redis://127.0.0.1:6379"],
        "redis://127.0.0.1:6379"
    ));
}

/// Addresses that look as if they pointed to `here`.
const DISGUISED: &[&str] = &[
    "redis://there:1?@here:1",
    "redis://there:1#@here:1",
    "redis://there:1/?x=redis://@here:1",
    "redis://here:1@there:1",
    "redis://u:p@here:1@there:1/0",
    "redis://u:p^[|a b%zz\"@there:1/0",
    "redis:\t//there:1?redis://@here:1",
];

#[test]
fn a_redis_address_is_judged_by_the_host_the_client_connects_to() {
    for address in DISGUISED {
        let client = redis::Client::open(*address).unwrap();
        let connects_to = client.get_connection_info().addr.to_string();
        assert_eq!(connects_to, "there:1", "{address}");

        assert!(allows(&["redis://there:1"], address), "{address}");
        assert!(!allows(&["redis://here:1"], address), "{address}");
    }
}

#[test]
fn an_http_address_is_judged_by_the_host_the_client_connects_to() {
    for address in [
        "http://there:1?@here:1",
        "http://there:1/?@here:1",
        "http://here@there:1/",
    ] {
        let uri: http::Uri = address.parse().unwrap();
        assert_eq!(uri.host(), Some("there"), "{address}");

        assert!(allows(&["http://there:1"], address), "{address}");
        assert!(!allows(&["http://here:1"], address), "{address}");
    }
}

#[test]
fn a_password_with_unencoded_characters_makes_an_address_invalid() {
    let address = "redis://:p#a?s:s@here:1/0";
    assert!(redis::Client::open(address).is_err());
    assert!(!allows(&["redis://here:1"], address));
}

#[test]
fn a_component_that_invents_destinations_does_not_fill_the_log() {
    let hosts = AllowedHosts::parse("c", [], &[]).unwrap();
    for port in 1..1000 {
        assert!(!hosts.allow(&format!("redis://h:{port}"), "redis"));
    }
    let logged = hosts.logged.lock().unwrap().len();
    assert_eq!(logged, MAX_LOGGED_DESTINATIONS);
}

#[test]
fn a_malformed_address_is_never_allowed() {
    for url in [
        "",
        "::",
        "redis://",
        "redis://h:port",
        "redis+unix:///run/redis.sock",
    ] {
        assert!(!allows(&["*://*:*"], url), "{url}");
    }
}

#[test]
fn self_needs_an_entry_of_its_own_or_a_star() {
    let to_self = |entry| {
        AllowedHosts::parse("c", [(entry, false)], &[])
            .unwrap()
            .allow_self()
    };
    assert!(to_self("http://self"));
    assert!(to_self("*://*:*"));
    assert!(!to_self("http://127.0.0.1:3000"));
    assert!(!to_self("redis://self:1"));
}

#[test]
fn chaining_is_allowed_per_component() {
    assert!(allows(
        &["http://a.spin.internal"],
        "http://a.spin.internal/x"
    ));
    assert!(!allows(
        &["http://a.spin.internal"],
        "http://b.spin.internal/x"
    ));

    assert!(allows(
        &["http://*.spin.internal"],
        "http://b.spin.internal/x"
    ));
    assert!(!allows(
        &["http://*.spin.internal"],
        "http://z.spin.internal/x"
    ));
}

#[test]
fn the_component_of_a_chaining_host_is_its_first_label() {
    assert_eq!(chained_component("a.spin.internal:80"), Some("a"));
    assert_eq!(chained_component("a.b.spin.internal"), None);
    assert_eq!(chained_component("a.example"), None);
}

#[test]
fn an_invalid_entry_is_refused_with_the_reason() {
    for (entry, reason) in [
        ("h:1", "scheme://host"),
        ("*", "*://*:*"),
        ("redis://h:x", "not a number"),
        ("gopher://h", "no default port"),
        ("http://h/path", "path"),
        ("http://h:80/path", "path"),
        ("http://*.*.example", "first part"),
        ("r3dis://h:1", "letters"),
    ] {
        let error = AllowedHosts::parse("c", [(entry, false)], &[]).unwrap_err();
        let error = error.to_string();

        assert!(error.contains(reason), "{error}");
        assert!(error.contains(entry), "{error}");
    }
}

#[test]
fn a_template_that_became_empty_allows_nothing() {
    let hosts = AllowedHosts::parse("c", [("", true), ("https://", true)], &[]).unwrap();
    assert!(!hosts.allow("https://h", "https"));
}

#[test]
fn an_empty_entry_without_variables_is_refused() {
    assert!(AllowedHosts::parse("c", [("", false)], &[]).is_err());
}
