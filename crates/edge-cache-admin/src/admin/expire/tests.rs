//! Parsing of changes of many TTLs.

use super::*;

fn parse(body: &str) -> Result<ExpireRequest, Error> {
    ExpireRequest::parse(body.as_bytes())
}

#[test]
fn one_target_and_one_change_are_needed() {
    let refused = [
        ("keys", r#"{"ttl":60}"#),
        ("pattern", r#"{"pattern":"a:*","keys":["a"],"ttl":60}"#),
        ("keys", r#"{"keys":["a"],"tags":["t"],"ttl":60}"#),
        ("ttl", r#"{"pattern":"a:*"}"#),
        ("ttl", r#"{"pattern":"a:*","ttl":0}"#),
        ("ttl", r#"{"pattern":"a:*","persist":false}"#),
        ("shortenTo", r#"{"pattern":"a:*","ttl":1,"shortenTo":2}"#),
        ("persist", r#"{"pattern":"a:*","ttl":1,"persist":true}"#),
        ("jitter", r#"{"pattern":"a:*","ttl":1,"jitter":51}"#),
        ("jitter", r#"{"pattern":"a:*","persist":true,"jitter":5}"#),
        ("keys[1]", r#"{"keys":["a","cache:audit"],"ttl":1}"#),
        (
            "minSizeBytes",
            r#"{"pattern":"a:*","ttl":1,"minSizeBytes":"9"}"#,
        ),
        ("patern", r#"{"keys":["a"],"ttl":60,"patern":"x"}"#),
    ];

    for (field, body) in refused {
        let problem = parse(body).unwrap_err().to_string();
        assert!(
            problem.starts_with(&format!("`{field}`")),
            "{body}: {problem}"
        );
    }
}

#[test]
fn a_pattern_that_matches_everything_needs_confirmation() {
    let parsed = parse(r#"{"pattern":"*","ttl":60}"#);
    assert!(
        matches!(parsed, Err(Error::ConfirmationRequired(_))),
        "{parsed:?}"
    );

    assert!(parse(r#"{"pattern":"*","ttl":60,"confirm":true}"#).is_ok());
    assert!(parse(r#"{"pattern":"*","ttl":60,"dryRun":true}"#).is_ok());
}

#[test]
fn the_record_says_what_was_asked_for() {
    let request =
        parse(r#"{"pattern":"a:*","shortenTo":60,"jitter":10,"type":"hash","idleSeconds":5}"#);
    let record = request.unwrap().record();

    assert_eq!(record.pattern.as_deref(), Some("a:*"));
    let detail = record.detail.as_deref();
    assert_eq!(
        detail,
        Some("shortenTo 60 s, jitter 10 %, hash, idleSeconds 5")
    );
}
