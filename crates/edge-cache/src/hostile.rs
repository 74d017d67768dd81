//! Whatever arrives from outside, nothing here traps, and what must hold holds: properties over random input.

mod globs;
mod replies;

use proptest::collection::{hash_map, hash_set, vec};
use proptest::prelude::*;
use proptest::sample::Index;
use sha2::{Digest, Sha256};

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
    fn settings_of_tokens(setting in "[a-z:,;0-9 ]{0,120}", any in ".{0,120}") {
        let _ = (Tokens::parse(&setting), Tokens::parse(&any));
    }

    /// Each token is its owner's, and nothing near it anybody's.
    #[test]
    fn tokens(secrets in hash_set("[!-~]{8,40}", 1..5), other in "[!-~]{0,40}") {
        let hex = |secret: &str| format!("{:x}", Sha256::digest(secret));
        let entries = secrets.iter().enumerate().map(|(n, secret)| format!("user{n}:viewer:{}", hex(secret)));
        let tokens = Tokens::parse(&entries.collect::<Vec<_>>().join(",")).unwrap();
        for (n, secret) in secrets.iter().enumerate() {
            prop_assert_eq!(&tokens.recognise(secret).unwrap().name, &format!("user{n}"));
            let near = [format!("{secret} "), secret[1..].to_owned(), hex(secret), other.clone()];
            for near in near.iter().filter(|near| !secrets.contains(*near)) {
                prop_assert!(tokens.recognise(near).is_none());
            }
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

    #[test]
    fn files_of_rules_and_plans_with_a_mistake(at in any::<Index>(), length in 0_usize..6, other in r#"["\[\]{}=*:#a-z0-9\n]{0,4}"#) {
        let broken = |file: &str| {
            let start = at.index(file.len());
            [&file[..start], &other, &file[(start + length).min(file.len())..]].concat()
        };
        prop_assert!(Rules::compile(RULES).is_ok() && Plan::compile(PLAN).is_ok());
        let _ = (Rules::compile(&broken(RULES)), Plan::compile(&broken(PLAN)));
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
    fn texts_of_the_host(text in ".{0,300}") {
        let _ = RedisError::from_host_text(&text);
    }

    /// Whatever stands between them, each field is found, and one that is not there is not.
    #[test]
    fn info(fields in hash_map("[a-z_]{1,20}", "[!-~]{0,20}", 0..20), noise in vec("(# .{0,20}|[^:\r\n]{0,20})", 20), end in "\r?\n") {
        let line = |(name, value): (&String, &String)| format!("{name}:{value}{end}");
        let mixed = fields.iter().zip(&noise).map(|(field, noise)| format!("{noise}{end}{}", line(field)));
        let info = Info::new(mixed.collect::<String>());
        for (name, value) in &fields {
            prop_assert_eq!(info.text(name), Some(value.as_str()));
            prop_assert_eq!(info.number(name), value.parse().unwrap_or(0));
            prop_assert!(info.decimal(name).is_none_or(f64::is_finite));
        }
        prop_assert_eq!(info.text("NOT_THERE"), None);
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
