//! Tests of parsing invalidations.

use serde_json::json;

use super::*;

fn parse(body: &str) -> Result<InvalidateRequest, Error> {
    InvalidateRequest::parse(body.as_bytes())
}

#[test]
fn patterns_and_protected_keys_need_an_admin() {
    let role = |body: &str| parse(body).unwrap().role();

    assert_eq!(role(r#"{"keys":["a"],"tags":["t"]}"#), Role::Operator);
    assert_eq!(role(r#"{"keys":["cached:a"]}"#), Role::Operator);
    assert_eq!(role(r#"{"keys":["a"],"patterns":["a:*"]}"#), Role::Admin);
    assert_eq!(role(r#"{"keys":["a","cache:ttl"]}"#), Role::Admin);
}

#[test]
fn a_list_that_is_too_long_is_rejected_by_name() {
    for (field, max) in [("keys", 1000), ("patterns", 100), ("tags", 100)] {
        let body = |elements| json!({ field: vec!["x:1"; elements] }).to_string();

        assert!(parse(&body(max)).is_ok());
        let problem = parse(&body(max + 1)).unwrap_err().to_string();
        assert!(problem.starts_with(&format!("`{field}`")), "{problem}");
    }
}

#[test]
fn an_invalidation_names_something() {
    assert!(matches!(parse("{}"), Err(Error::Invalid { .. })));
}

#[test]
fn the_audit_trail_cannot_be_removed() {
    let parsed = parse(r#"{"keys":["cache:audit"]}"#);
    assert!(matches!(parsed, Err(Error::Invalid { .. })), "{parsed:?}");
}

#[test]
fn a_pattern_that_matches_everything_needs_confirmation() {
    let parsed = parse(r#"{"patterns":["*"]}"#);
    assert!(
        matches!(parsed, Err(Error::ConfirmationRequired(_))),
        "{parsed:?}"
    );

    assert!(parse(r#"{"patterns":["*"],"confirm":true}"#).is_ok());
}

#[test]
fn a_soft_purge_cannot_name_protected_keys() {
    for body in [
        r#"{"keys":["a","cache:ttl"],"mode":"soft"}"#,
        r#"{"patterns":["lock:*"],"mode":"soft"}"#,
    ] {
        match parse(body) {
            Err(Error::Invalid { field, .. }) => assert_eq!(field, "mode"),
            other => panic!("{other:?}"),
        }
    }
    assert!(parse(r#"{"tags":["t"],"mode":"soft"}"#).is_ok());
}
