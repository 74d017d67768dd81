//! Property tests of every parser: no input from outside makes the code panic.

mod patterns;

use proptest::collection::{hash_map, vec};
use proptest::prelude::*;

use crate::keyspace::chunks::{Head, former::Manifest};
use crate::keyspace::codec;
use crate::keyspace::key::KeyName;
use crate::keyspace::pattern::{Pattern, escape};
use crate::keyspace::trailer::{self, Facts};
use crate::keyspace::ttl;
use crate::redis::info::Info;
use crate::redis::{Replies, Reply};

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

    /// An escaped id in a pattern matches its own keys and no others.
    #[test]
    fn an_escaped_id_matches_only_itself(id in ".{1,30}", other in ".{1,30}") {
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
    fn any_pattern_can_be_matched_with_any_name(pattern in vec(any::<u8>(), 0..60), name in vec(any::<u8>(), 0..60)) {
        if let Ok(pattern) = Pattern::parse("pattern", pattern) {
            let matches = pattern.matches(&name);
            prop_assert!(matches || !pattern.matches_everything());
            let _ = (pattern.display(), pattern.names_protected());
        }
    }

    #[test]
    fn a_displayed_name_fits_on_one_line_of_a_log(name in vec(any::<u8>(), 0..60)) {
        let key = KeyName::new(name.clone());
        prop_assert_eq!(key.as_bytes(), name.as_slice());
        let logged = serde_json::to_string(&key.display()).unwrap();
        prop_assert!(!logged.contains(|c: char| c < ' '), "{logged}");
    }

    /// Another client's bytes are decoded or rejected, without a panic and without gigabytes.
    #[test]
    fn any_stored_bytes_can_be_decoded_or_rejected(stored in vec(any::<u8>(), 0..300), frame in vec(any::<u8>(), 0..300)) {
        let frame = [&[0x04, 0x22, 0x4d, 0x18], frame.as_slice()].concat();
        let manifest = [b"\0edge-cache-chunks 1 ".as_slice(), &stored].concat();
        let head = [b"edge-cache chunks 1 ".as_slice(), &stored].concat();
        for stored in [&stored, &frame, &manifest, &head] {
            let _ = codec::decode::<serde_json::Value>(stored);
            let _ = (Manifest::read(stored), Head::read(stored), trailer::split(stored));
            let _ = trailer::read(stored, stored.len());
        }
    }

    #[test]
    fn a_compressed_value_is_read_with_its_trailer(tags in "[a-z]{0,40}", stored_at in 0..1_u64 << 48) {
        let value = codec::encode(&"x".repeat(200_000)).unwrap();
        let facts = Facts { stored_at, tags, ..Facts::default() };
        let stored = trailer::append(value.clone(), &facts).unwrap();
        prop_assert_eq!(trailer::split(&stored), (value.as_slice(), Some(facts)));
    }

    #[test]
    fn a_decoded_value_equals_the_encoded_one(text in vec(".{0,40}", 0..20)) {
        let stored = codec::encode(&text).unwrap();
        prop_assert_eq!(codec::decode::<Vec<String>>(&stored), Some(text));
    }

    /// Each field is found between any other lines, and no other field is.
    #[test]
    fn every_field_of_an_info_reply_is_found(fields in hash_map("[a-z_]{1,20}", "[!-~]{0,20}", 0..20), noise in vec("(# .{0,20}|[^:\r\n]{0,20})", 20), end in "\r?\n") {
        let line = |(name, value): (&String, &String)| format!("{name}:{value}{end}");
        let mixed = fields.iter().zip(&noise).map(|(field, noise)| format!("{noise}{end}{}", line(field)));
        let info = Info::new(mixed.collect::<String>());
        for (name, value) in &fields {
            prop_assert_eq!(info.text(name), Some(value.as_str()));
            prop_assert_eq!(info.number(name), value.parse().ok());
            prop_assert!(info.decimal(name).is_none_or(f64::is_finite));
        }
        prop_assert_eq!(info.text("NOT_THERE"), None);
    }

    #[test]
    fn any_reply_can_be_read(replies in vec(reply(), 0..12)) {
        let _ = Replies::new(replies.clone()).packed();
        let mut read = Replies::new(replies.clone());
        let _ = (read.int(), read.count(), read.bytes(), read.optional_bytes(), read.text());
        let _ = read.rest();
        let _ = ttl::Overrides::read(Replies::new(replies));
    }
}
