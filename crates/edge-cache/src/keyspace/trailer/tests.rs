//! Tests of trailers.

use serde_json::{Value, json};

use super::*;

/// Characters of the longest numbers before the tags; `list_keys/read_page.lua` reads as many.
const MAX_NUMBERS_LENGTH: usize = (1 + 6 + 3 * 10 + 4 + 2 * 10) * 4;

fn facts() -> Facts {
    Facts {
        stored_at: 1_795_900_000_123,
        fresh_for: Some(300_000),
        grace: 60_000,
        load_time: 25,
        stamp: Stamp {
            epoch: 7,
            id: StreamId {
                milliseconds: 1_795_899_999_999,
                sequence: 3,
            },
        },
        tags: "product-catalog\nbrände".to_owned(),
        validator: None,
        marked_stale: None,
    }
}

#[test]
fn a_value_with_a_trailer_is_still_the_json_that_it_was() {
    let stored = append(br#"{"a":1}"#.to_vec(), &facts()).unwrap();

    let read: Value = serde_json::from_slice(&stored).unwrap();

    assert_eq!(read, json!({"a": 1}));
    assert_eq!(split(&stored), (&br#"{"a":1}"#[..], Some(facts())));
}

#[test]
fn the_trailer_of_an_entry_without_tags_is_short() {
    let facts = Facts {
        tags: String::new(),
        grace: 0,
        ..facts()
    };

    let stored = append(b"1".to_vec(), &facts).unwrap();

    assert_eq!(stored.len() - 1, 96);
}

#[test]
fn a_value_that_is_fresh_for_ever_says_so() {
    let facts = Facts {
        fresh_for: None,
        ..facts()
    };

    let stored = append(b"1".to_vec(), &facts).unwrap();

    assert_eq!(split(&stored).1.unwrap().fresh_left(u64::MAX), None);
}

#[test]
fn what_another_client_wrote_has_no_facts() {
    let own = append(br#"{"a":1}"#.to_vec(), &facts()).unwrap();
    let longer = [b"{\"b\":[]}", &own[7..]].concat();
    let cut = &own[..own.len() - 1];
    let altered = {
        let mut altered = own.clone();
        altered[20] = if altered[20] == b' ' { b'\t' } else { b' ' };
        altered
    };
    let foreign = [&b""[..], b" ", b"{}", b"{}        ", &longer, cut, &altered];

    for stored in foreign {
        assert_eq!(split(stored), (stored, None));
    }
}

#[test]
fn the_grace_stands_in_the_beginning() {
    let longest = Facts {
        fresh_for: Some(u64::MAX - 1),
        grace: u64::MAX,
        load_time: u64::MAX,
        ..facts()
    };
    for facts in [facts(), longest] {
        let tags = "x".repeat(99);
        let facts = Facts { tags, ..facts };

        let stored = append(Vec::new(), &facts).unwrap();

        assert_eq!(grace_in(&stored[..MAX_NUMBERS_LENGTH]), Some(facts.grace));
    }

    assert_eq!(grace_in(b"    "), None);
}

#[test]
fn tags_of_more_than_60_000_bytes_are_refused() {
    let facts = Facts {
        tags: "x".repeat(60_001),
        ..facts()
    };

    let error = append(b"1".to_vec(), &facts).unwrap_err().to_string();

    assert!(error.contains("the limit is 60000"), "{error}");
}

proptest::proptest! {
    #[test]
    fn facts_are_read_as_they_were_written(
        value in proptest::collection::vec(proptest::num::u8::ANY, 0..20),
        stored_at in 0..1_u64 << 48,
        fresh_for in proptest::option::of(0..u64::MAX - 1),
        (grace, load_time) in (0..u64::MAX, 0..u64::MAX),
        (epoch, milliseconds, sequence) in (0..u32::MAX, 0..1_u64 << 48, 0..u64::MAX),
        tags in "[a-z\n]{0,20}",
        validator in proptest::option::of("[ -~]{0,20}"),
        marked_stale in proptest::option::of(0..u64::MAX),
    ) {
        let stamp = Stamp { epoch, id: StreamId { milliseconds, sequence } };
        let facts = Facts { stored_at, fresh_for, grace, load_time, stamp, tags, validator, marked_stale };
        let stored = append(value.clone(), &facts).unwrap();
        proptest::prop_assert_eq!(split(&stored), (value.as_slice(), Some(facts)));
    }

    #[test]
    fn arbitrary_whitespace_is_never_read_as_facts(text in "[ \t\n\r]{0,120}") {
        proptest::prop_assert_eq!(split(text.as_bytes()).1, None);
    }
}
