//! Tests that a document names.

use std::collections::BTreeSet;

/// Names with fewer underscores are those of functions and settings.
const LEAST_UNDERSCORES: usize = 4;

/// Beginnings of long names that are those of metrics.
const METRICS: [&str; 2] = ["edge_cache_", "redis_"];

/// Returns the code spans of a Markdown text that name a test, whole or as its beginning and
/// `...`.
pub(crate) fn named_tests(text: &str) -> BTreeSet<&str> {
    text.lines()
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .filter(|span| is_name(span.trim_end_matches("...")))
        .collect()
}

fn is_name(text: &str) -> bool {
    text.chars()
        .all(|letter| matches!(letter, 'a'..='z' | '0'..='9' | '_'))
        && text.matches('_').count() >= LEAST_UNDERSCORES
        && !METRICS.iter().any(|metric| text.starts_with(metric))
}

/// Returns the declaration of a test, or its beginning.
pub(crate) fn declaration(name: &str) -> String {
    match name.strip_suffix("...") {
        Some(beginning) => format!("fn {beginning}"),
        None => format!("fn {name}("),
    }
}

#[test]
fn only_long_names_are_those_of_tests() {
    let text = "`a_key_is_not_lost`, `a_key_is_never_...`, `redis_keyspace_hits_of_all_total`, `warmup_rate`\n\
                `GET /a_b_c_d_e` and an open ` before `a_key_is_not_found`\n";
    assert_eq!(
        named_tests(text).into_iter().collect::<Vec<_>>(),
        ["a_key_is_never_...", "a_key_is_not_lost"]
    );
}

#[test]
fn a_name_is_whole_unless_it_is_cut() {
    assert_eq!(declaration("a_key_is_not_lost"), "fn a_key_is_not_lost(");
    assert_eq!(declaration("a_key_is_..."), "fn a_key_is_");
}
