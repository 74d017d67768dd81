//! Properties over random input: no input from outside makes the code panic.

mod analysis;
mod observing;
mod replies;

use edge_cache::redis::Reply;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::admin::audit::AuditPageRequest;
use crate::admin::clear::ClearRequest;
use crate::admin::events::DomainEvent;
use crate::admin::invalidate::InvalidateRequest;
use crate::admin::list_keys::ListKeysRequest;
use crate::admin::rule_table::ChangeRuleRequest;
use crate::admin::ttl_table::ChangeTtlRequest;
use crate::configuration::Configuration;
use crate::input::Fields;

/// A configuration file with all sections.
const FILE: &str = r#"
[ttl]
"products:popular" = 900

[[rule]]
event = "product.*"
keys = ["products:{id}"]
patterns = ["products:{id}:*"]
tags = ["product-{id}"]

[deprecated]
since = 2026-11-22
sunset = 2027-11-22
route = [{ path = "/products/clear", pattern = "products:*", methods = ["GET"] }]

[[module]]
name = "products"
priority = 1
[[module.entry]]
key = "products:{id}:details"
query = "SELECT id, name FROM products"
shape = "row"
ttl_seconds = 60
tags = ["product-catalog"]
"#;

fn configuration(text: &str) -> Configuration<'_> {
    Configuration::parse("edge-cache.toml", text).unwrap()
}

fn reply() -> impl Strategy<Value = Reply> {
    prop_oneof![
        Just(Reply::Nil),
        any::<i64>().prop_map(Reply::Int),
        ".{0,20}".prop_map(Reply::Status),
        vec(any::<u8>(), 0..40).prop_map(Reply::Bytes),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_body_is_parsed_or_refused(body in vec(any::<u8>(), 0..200), json in r#"\{("[a-zA-Z]{1,9}":("[^"\\]{0,9}"|\[("[^"\\]{0,9}",?)?\]|-?[0-9]{1,20}|true|null),?){0,3}\}"#) {
        for body in [body.as_slice(), json.as_bytes()] {
            let _ = Fields::from_json(body);
            let _ = ClearRequest::parse(body);
            let _ = InvalidateRequest::parse(body);
            let _ = ChangeTtlRequest::parse_put(body);
            let _ = ChangeRuleRequest::parse_put(body);
        }
    }

    #[test]
    fn any_query_and_cursor_is_parsed_or_refused(query in ".{0,60}", cursor in "[a-zA-Z0-9_.:%-]{0,60}") {
        let _ = ListKeysRequest::parse(&query);
        let _ = ListKeysRequest::parse(&format!("cursor={cursor}"));
        let _ = AuditPageRequest::parse(&query);
        let _ = AuditPageRequest::parse(&format!("cursor={cursor}&limit=7"));
    }

    #[test]
    fn any_event_is_parsed_or_refused(payload in vec(any::<u8>(), 0..120), id in ".{1,40}") {
        let rules = configuration(FILE).rules().unwrap();
        let _ = DomainEvent::parse(&payload, &rules);
        let event = serde_json::json!({ "type": "product.updated", "id": id });
        let _ = DomainEvent::parse(event.to_string().as_bytes(), &rules);
    }

    #[test]
    fn any_file_is_parsed_or_refused(text in ".{0,200}") {
        let _ = Configuration::parse("x", &text).map(|file| file.check());
    }

    #[test]
    fn files_with_a_mistake_are_parsed_or_refused(at in any::<Index>(), length in 0_usize..6, other in r#"["\[\]{}=*:#a-z0-9\n]{0,4}"#) {
        let start = FILE.floor_char_boundary(at.index(FILE.len()));
        let end = FILE.ceil_char_boundary((start + length).min(FILE.len()));
        let broken = [&FILE[..start], &other, &FILE[end..]].concat();

        prop_assert!(configuration(FILE).check().is_ok());
        let _ = Configuration::parse("x", &broken).map(|file| file.check());
    }
}
