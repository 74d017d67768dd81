//! Analyses on a server with arbitrary replies, and the sizes that it counts.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use super::replies::{arbitrary_server, fails_as_documented, run};
use crate::admin::analysis::{AnalysisPageRequest, KeySizes};

/// Sizes of keys of one type: keys by the exponent of their class.
fn sizes() -> impl Strategy<Value = BTreeMap<u32, u64>> {
    btree_map(0..50_u32, 1..1_000_000_u64, 1..9)
}

/// A label as Redis writes it.
fn label(exponent: u32) -> String {
    let unit = ["", "K", "M", "G", "T"][exponent as usize / 10];
    format!("{}{unit}", 1 << (exponent % 10))
}

fn section(kind: &str, sizes: &BTreeMap<u32, u64>) -> String {
    let classes = sizes.iter();
    let classes: Vec<String> = classes
        .map(|(exponent, keys)| format!("{}={keys}", label(*exponent)))
        .collect();
    format!("# Keysizes\r\ndb2_distrib_{kind}:{}\r\n", classes.join(","))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn analyses_are_read(redis in arbitrary_server()) {
        let newest = AnalysisPageRequest::parse("").unwrap();
        fails_as_documented(run(newest.run(redis.restart())));
        run(KeySizes::read(redis.restart()));
    }

    #[test]
    fn any_section_is_read_or_skipped(
        lines in vec(r"(db[0-9]{0,6}_distrib_)?[a-z_]{0,12}(_sizes|_items)?:([0-9]{0,21}[A-Za-z]?=?[0-9]{0,21},?){0,4}", 0..6),
        text in ".{0,60}",
    ) {
        let section = format!("# Keysizes\r\n{}\r\n{text}", lines.join("\r\n"));
        KeySizes::of_nodes(&[section, text], Some(0));
    }

    #[test]
    fn sizes_are_the_sum_of_what_nodes_count(one in sizes(), other in sizes()) {
        let nodes = [section("strings_sizes", &one), section("strings_sizes", &other)];
        let KeySizes::Known(counts) = KeySizes::of_nodes(&nodes, Some(2)) else {
            panic!("the sizes are known");
        };

        let mut expected = one;
        for (exponent, keys) in other {
            *expected.entry(exponent).or_default() += keys;
        }
        let expected = expected.into_iter().map(|(exponent, keys)| (1_u64 << exponent, keys));
        prop_assert_eq!(counts.into_values().next(), Some(expected.collect()));
    }
}
