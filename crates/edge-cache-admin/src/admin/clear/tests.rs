//! Tests of parsing clears.

use super::*;

#[test]
fn a_pattern_that_matches_everything_needs_confirmation() {
    for body in [
        r#"{"pattern":"*"}"#,
        r#"{"pattern":"?*"}"#,
        "{}",
        "",
        r#"{"confirm":false}"#,
    ] {
        let parsed = ClearRequest::parse(body.as_bytes());
        assert!(
            matches!(parsed, Err(Error::ConfirmationRequired(_))),
            "{body}"
        );
    }
}

#[test]
fn a_global_clear_needs_an_admin() {
    let global = ClearRequest::parse(br#"{"pattern":"**","confirm":true}"#).unwrap();

    assert_eq!(global.role(), Role::Admin);
    assert_eq!(global.pattern(), "*");
}

#[test]
fn a_pattern_needs_an_operator_and_no_confirmation() {
    let request = ClearRequest::parse(br#"{"pattern":"users:*","confirm":true}"#).unwrap();

    assert_eq!(request.role(), Role::Operator);
    assert_eq!(request.message(), "Cache cleared for pattern: users:*");
}

#[test]
fn a_misspelt_field_never_becomes_a_global_clear() {
    let parsed = ClearRequest::parse(br#"{"patern":"users:*","confirm":true}"#);
    assert!(matches!(parsed, Err(Error::Invalid { .. })), "{parsed:?}");
}

#[test]
fn a_soft_purge_cannot_name_protected_keys() {
    let parse = |pattern: &str| {
        let body = format!(r#"{{"pattern":"{pattern}","mode":"soft"}}"#);
        ClearRequest::parse(body.as_bytes())
    };

    assert!(parse("users:*").unwrap().mode().is_soft());
    match parse("cache:tags:*") {
        Err(Error::Invalid { field, .. }) => assert_eq!(field, "mode"),
        other => panic!("{other:?}"),
    }
}
