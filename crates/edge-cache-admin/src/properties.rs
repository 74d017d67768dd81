//! Properties over random input: no input from outside makes the code panic.

mod replies;

use edge_cache::redis::Reply;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::admin::audit::AuditPageRequest;
use crate::admin::clear::ClearRequest;
use crate::admin::events::DomainEvent;
use crate::admin::events::EventRules;
use crate::admin::invalidate::InvalidateRequest;
use crate::admin::list_keys::ListKeysRequest;
use crate::admin::ttl_table::ChangeTtlRequest;
use crate::input::Fields;
use crate::warmup::Plan;

const RULES: &str = r#"
    [[rule]]
    event = "product.*"
    keys = ["products:{id}"]
    patterns = ["products:{id}:*"]
    tags = ["product-{id}"]
"#;

const PLAN: &str = include_str!("../../../components/warmup/warmup.toml");

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
        let rules = EventRules::read(&EventRules::compile(RULES).unwrap()).unwrap();
        let _ = DomainEvent::parse(&payload, &rules);
        let event = serde_json::json!({ "type": "product.updated", "id": id });
        let _ = DomainEvent::parse(event.to_string().as_bytes(), &rules);
    }

    #[test]
    fn any_file_of_rules_or_a_plan_is_parsed_or_refused(text in ".{0,200}") {
        let _ = (EventRules::compile(&text), Plan::compile(&text), EventRules::read(&text), Plan::read(&text));
    }

    #[test]
    fn files_with_a_mistake_are_parsed_or_refused(at in any::<Index>(), length in 0_usize..6, other in r#"["\[\]{}=*:#a-z0-9\n]{0,4}"#) {
        let broken = |file: &str| {
            let start = at.index(file.len());
            [&file[..start], &other, &file[(start + length).min(file.len())..]].concat()
        };
        prop_assert!(EventRules::compile(RULES).is_ok() && Plan::compile(PLAN).is_ok());
        let _ = (EventRules::compile(&broken(RULES)), Plan::compile(&broken(PLAN)));
    }
}
