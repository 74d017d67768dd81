//! Whatever arrives from outside, nothing here traps, and what must hold holds: properties over random input.

use proptest::collection::vec;
use proptest::prelude::*;

use crate::access::{Tokens, client_address};
use crate::body::Fields;
use crate::codec::{self, Manifest};
use crate::error::RedisError;
use crate::events::{self, Rules};
use crate::info::Info;
use crate::key::KeyName;
use crate::pattern::{Pattern, escape};
use crate::redis::{Replies, Reply};
use crate::warmup::Plan;
use crate::{audit, browse, clear, invalidate, ttl};

const RULES: &str = r#"
    [[rule]]
    event = "product.*"
    keys = ["products:{id}"]
    patterns = ["products:{id}:*"]
    tags = ["product-{id}"]
"#;

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
    fn request_bodies(body in vec(any::<u8>(), 0..200), json in r#"\{("[a-zA-Z]{1,9}":("[^"\\]{0,9}"|\[("[^"\\]{0,9}",?)?\]|-?[0-9]{1,20}|true|null),?){0,3}\}"#) {
        for body in [body.as_slice(), json.as_bytes()] {
            let _ = Fields::from_json(body);
            let _ = clear::Request::parse(body);
            let _ = invalidate::Request::parse(body);
            let _ = ttl::Change::put(body);
        }
    }

    #[test]
    fn queries_and_cursors(query in ".{0,60}", cursor in "[a-zA-Z0-9_.:%-]{0,60}") {
        let _ = browse::Request::parse(&query);
        let _ = browse::Request::parse(&format!("cursor={cursor}"));
        let _ = audit::Request::parse(&query);
        let _ = audit::Request::parse(&format!("cursor={cursor}&limit=7"));
    }

    /// An id in a pattern means itself: it matches its own key and no other.
    #[test]
    fn an_escaped_id_matches_itself_alone(id in ".{1,30}", other in ".{1,30}") {
        let pattern = Pattern::parse("pattern", format!("users:{}:*", escape(&id)));
        prop_assume!(pattern.is_ok());
        let pattern = pattern.unwrap();
        let own = format!("users:{id}:profile");
        prop_assert!(pattern.matches(own.as_bytes()));
        let foreign = format!("users:{other}:profile");
        prop_assert_eq!(pattern.matches(foreign.as_bytes()), foreign.starts_with(&format!("users:{id}:")));
        prop_assert!(!pattern.matches_everything());
    }

    #[test]
    fn patterns_over_any_name(pattern in vec(any::<u8>(), 0..60), name in vec(any::<u8>(), 0..60)) {
        if let Ok(pattern) = Pattern::parse("pattern", pattern) {
            let matches = pattern.matches(&name);
            prop_assert!(matches || !pattern.matches_everything());
            let _ = (pattern.display(), pattern.names_protected());
        }
    }

    /// A name that is shown can be addressed, whatever its bytes.
    #[test]
    fn names_of_keys(name in vec(any::<u8>(), 0..60)) {
        let key = KeyName::new(name.clone());
        prop_assert_eq!(key.as_bytes(), name.as_slice());
        let logged = serde_json::to_string(&key.display()).unwrap();
        prop_assert!(!logged.contains(|c: char| c < ' '), "a name must not break a line of a log");
    }

    #[test]
    fn tokens(setting in ".{0,120}", token in ".{0,40}") {
        if let Ok(tokens) = Tokens::parse(&setting) {
            prop_assert!(tokens.recognise(&token).is_none(), "nobody guesses a SHA-256");
        }
    }

    #[test]
    fn client_addresses(peer in ".{0,40}", hops in ".{0,80}", trusted in 0_usize..5) {
        let _ = client_address(&peer, &hops, trusted);
    }

    #[test]
    fn events_never_widen_a_rule(payload in vec(any::<u8>(), 0..120), id in ".{1,40}") {
        let rules = Rules::read(&Rules::compile(RULES).unwrap()).unwrap();
        let _ = events::Request::parse(&payload, &rules);
        let event = serde_json::json!({ "type": "product.updated", "id": id });
        let _ = events::Request::parse(event.to_string().as_bytes(), &rules);
    }

    #[test]
    fn files_of_rules_and_plans(text in ".{0,200}") {
        let _ = (Rules::compile(&text), Plan::compile(&text), Rules::read(&text), Plan::read(&text));
    }

    /// What another client stored is a value, or none; never a trap, and never gigabytes.
    #[test]
    fn stored_values(stored in vec(any::<u8>(), 0..300), frame in vec(any::<u8>(), 0..300)) {
        let frame = [&[0x04, 0x22, 0x4d, 0x18], frame.as_slice()].concat();
        let manifest = [b"\0edge-cache-chunks 1 ".as_slice(), &stored].concat();
        for stored in [&stored, &frame, &manifest] {
            let _ = codec::decode::<serde_json::Value>(stored);
            let _ = Manifest::read(stored);
        }
    }

    #[test]
    fn values_come_back_as_they_were(text in vec(".{0,40}", 0..20)) {
        let stored = codec::encode(&text).unwrap();
        prop_assert_eq!(codec::decode::<Vec<String>>(&stored), Some(text));
    }

    #[test]
    fn info_and_texts_of_the_host(text in ".{0,300}", name in "[a-z_]{1,20}") {
        let info = Info::new(text.clone());
        let _ = (info.text(&name), info.number(&name), info.decimal(&name));
        let _ = RedisError::from_host_text(&text);
    }

    #[test]
    fn replies_of_any_shape(replies in vec(reply(), 0..12)) {
        let _ = Replies::new(replies.clone()).packed();
        let mut read = Replies::new(replies.clone());
        let _ = (read.int(), read.count(), read.bytes(), read.optional_bytes(), read.text());
        let _ = read.rest();
        let _ = ttl::Overrides::read(Replies::new(replies));
    }
}
