//! Which destinations each kind of entry allows, and which entries are refused.

use super::*;

fn allows(entries: &[&str], url: &str) -> bool {
    let entries = entries.iter().map(|entry| (*entry, false));
    AllowedHosts::parse("c", entries, &["a", "b"]).unwrap().allow(url, "redis")
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
fn a_port_left_out_is_the_schemes_own_on_both_sides() {
    assert!(allows(&["redis://h"], "redis://h:6379"));
    assert!(allows(&["redis://h:6379"], "redis://h"));
    assert!(allows(&["https://h"], "https://h/path?q"));
    assert!(!allows(&["https://h"], "https://h:8443"));
}

#[test]
fn stars_stand_for_any_scheme_host_or_port() {
    for entry in ["*://*:*", "redis://*:*", "*://h:*", "*://h:1", "redis://h:*"] {
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
fn address_ranges_hold_addresses_and_no_names() {
    assert!(allows(&["redis://10.1.0.0/16"], "redis://10.1.2.3"));
    assert!(!allows(&["redis://10.1.0.0/16"], "redis://10.2.0.1"));
    assert!(!allows(&["redis://10.1.0.0/16"], "redis://ten.example"));
    assert!(allows(&["redis://[::1]:6379"], "redis://[::1]:6379"));
    assert!(allows(&["redis://127.0.0.1:6379"], "redis://127.0.0.1:6379"));
}

/// Addresses that look as if they led to `here`.
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
fn an_address_is_judged_by_the_host_the_client_connects_to() {
    for address in DISGUISED {
        let client = redis::Client::open(*address).unwrap();
        assert_eq!(client.get_connection_info().addr.to_string(), "there:1", "{address}");
        assert!(allows(&["redis://there:1"], address), "{address}");
        assert!(!allows(&["redis://here:1"], address), "{address}");
    }
    for address in ["http://there:1?@here:1", "http://there:1/?@here:1", "http://here@there:1/"] {
        assert_eq!(address.parse::<http::Uri>().unwrap().host(), Some("there"), "{address}");
        assert!(allows(&["http://there:1"], address) && !allows(&["http://here:1"], address), "{address}");
    }
    // Where these characters belong to a password they must be encoded; as they stand the client takes no such address.
    let address = "redis://:p#a?s:s@here:1/0";
    assert!(redis::Client::open(address).is_err() && !allows(&["redis://here:1"], address));
}

#[test]
fn a_component_that_makes_up_destinations_does_not_fill_the_log() {
    let hosts = AllowedHosts::parse("c", [], &[]).unwrap();
    for port in 1..1000 {
        assert!(!hosts.allow(&format!("redis://h:{port}"), "redis"));
    }
    assert_eq!(hosts.reported.lock().unwrap().len(), REPORTED);
}

#[test]
fn a_malformed_address_is_never_allowed() {
    for url in ["", "::", "redis://", "redis://h:port", "redis+unix:///run/redis.sock"] {
        assert!(!allows(&["*://*:*"], url), "{url}");
    }
}

#[test]
fn self_needs_its_own_entry_or_a_star() {
    let to_self = |entry| AllowedHosts::parse("c", [(entry, false)], &[]).unwrap().allow_self();
    assert!(to_self("http://self"));
    assert!(to_self("*://*:*"));
    assert!(!to_self("http://127.0.0.1:3000"));
    assert!(!to_self("redis://self:1"));
}

#[test]
fn chaining_is_allowed_by_component() {
    assert!(allows(&["http://a.spin.internal"], "http://a.spin.internal/x"));
    assert!(!allows(&["http://a.spin.internal"], "http://b.spin.internal/x"));
    assert!(allows(&["http://*.spin.internal"], "http://b.spin.internal/x"));
    assert!(!allows(&["http://*.spin.internal"], "http://z.spin.internal/x"));
    assert_eq!(chained_component("a.spin.internal:80"), Some("a"));
    assert_eq!(chained_component("a.b.spin.internal"), None);
    assert_eq!(chained_component("a.example"), None);
}

#[test]
fn entries_that_are_none_are_refused_with_what_is_wrong() {
    for (entry, says) in [
        ("h:1", "scheme://host"),
        ("*", "*://*:*"),
        ("redis://h:x", "not a number"),
        ("gopher://h", "no port of its own"),
        ("http://h/path", "path"),
        ("http://h:80/path", "path"),
        ("http://*.*.example", "first part"),
        ("r3dis://h:1", "letters"),
    ] {
        let error = AllowedHosts::parse("c", [(entry, false)], &[]).unwrap_err().to_string();
        assert!(error.contains(says) && error.contains(entry), "{error}");
    }
}

#[test]
fn an_entry_that_a_variable_left_empty_allows_nothing() {
    let hosts = AllowedHosts::parse("c", [("", true), ("https://", true)], &[]).unwrap();
    assert!(!hosts.allow("https://h", "https"));
    assert!(AllowedHosts::parse("c", [("", false)], &[]).is_err());
}
